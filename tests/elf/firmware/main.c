/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>

void start(void);
int32_t run_models(void);

__attribute__((section(".vectors"), used)) void (*vectors[])(void) = {0, start};
__attribute__((section(".end"), used)) const uint32_t end_mark = 0xE015E015U;
__attribute__((section(".noinit"), used)) static uint8_t stack[1000];

uint32_t table[33] = {1, 2, 3};
uint8_t counters[4001];
const uint16_t primes[] = {2, 3, 5, 7, 11};
static __thread uint32_t errors = 7;
__thread uint8_t scratch[48];

__attribute__((section(".fast"), noinline, used)) static uint32_t fast(uint32_t x)
{
	return x * 33U + 1U;
}

__attribute__((weak)) int32_t run_models(void)
{
	return 0;
}

__attribute__((used)) void *__aeabi_read_tp(void)
{
	return stack;
}

/* Beside the table of pointers, which makes the section both writable and executable. */
__attribute__((section(".vectors.start"))) void start(void)
{
	errors += fast(table[1]) + primes[2];
	scratch[0] = counters[0];
	counters[1] = (uint8_t)run_models();
	for (;;) {
	}
}
