/* SPDX-License-Identifier: Apache-2.0 */
/* Cortex-M without an operating system; the clock is SysTick, 24 bits and its interrupts. */
#include "port.h"

#define CPACR (*(volatile uint32_t *)0xE000ED88U)
#define SYST_CSR (*(volatile uint32_t *)0xE000E010U)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014U)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018U)
/* Enabled, interrupt, the processor's clock. */
#define SYST_ON 7U
#define SYST_MAX 0xFFFFFFU

extern uint32_t data_start[], data_end[], data_load[], bss_start[], bss_end[];

void reset(void);

static volatile uint32_t wraps;

static void fault(void)
{
	port_exit(8);
}

static void wrapped(void)
{
	wraps++;
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
	stack_top, reset, fault, fault, fault, fault, fault, fault,
	fault,     fault, fault, fault, fault, fault, fault, wrapped,
};

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
	/* Full access to the floating-point and vector units, where there are any. */
	CPACR |= 0xFU << 20;
	__asm__ volatile("dsb\n\tisb" ::: "memory");
	(void)main();
}

void port_clock_start(void)
{
	SYST_CSR = 0;
	SYST_RVR = SYST_MAX;
	SYST_CVR = 0;
	wraps = 0;
	SYST_CSR = SYST_ON;
	/* The first tick loads the counter. */
	while (SYST_CVR == 0) {
	}
}

uint64_t port_clock(void)
{
	uint32_t before, left;

	do {
		before = wraps;
		left = SYST_CVR;
	} while (before != wraps);
	return ((uint64_t)before << 24) + (SYST_MAX - left);
}
