/* SPDX-License-Identifier: Apache-2.0 */
/* RISC-V in machine mode without an operating system; the clock counts retired instructions. */
#include "port.h"

extern uint32_t data_start[], data_end[], data_load[], bss_start[], bss_end[];

void reset(void);
void start(void);

__attribute__((naked, section(".vectors"), used)) void start(void)
{
	__asm__ volatile(".option push\n\t"
			 ".option norelax\n\t"
			 "la gp, __global_pointer$\n\t"
			 ".option pop\n\t"
			 "la sp, stack_top\n\t"
			 "la t0, trap\n\t"
			 "csrw mtvec, t0\n\t"
			 "j reset");
}

__attribute__((used, aligned(4))) static void trap(void)
{
	port_exit(8);
}

/* Words at a time through volatile: the compiler must not call memcpy, which would count as ours. */
void reset(void)
{
	const volatile uint32_t *from = data_load;

	for (volatile uint32_t *to = data_start; to < data_end; to++) {
		*to = *from++;
	}
	for (volatile uint32_t *to = bss_start; to < bss_end; to++) {
		*to = 0;
	}
	(void)main();
}

void port_clock_start(void)
{
}

uint64_t port_clock(void)
{
	uint32_t high, low, again;

	do {
		__asm__ volatile("csrr %0, minstreth" : "=r"(high));
		__asm__ volatile("csrr %0, minstret" : "=r"(low));
		__asm__ volatile("csrr %0, minstreth" : "=r"(again));
	} while (high != again);
	return ((uint64_t)high << 32) + low;
}
