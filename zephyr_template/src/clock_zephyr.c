/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time on Zephyr, by the kernel's cycle counter.
 */
#include "port.h"

#include <zephyr/kernel.h>

uint32_t utvm_port_clock_hz(void)
{
	/* Simulated time does not pass while native code runs. */
	return IS_ENABLED(CONFIG_ARCH_POSIX) ? 0 : (uint32_t)sys_clock_hw_cycles_per_sec();
}

void utvm_port_clock_start(struct utvm_port_moment *start)
{
	start->uptime = k_uptime_ticks();
#ifdef CONFIG_TIMER_HAS_64BIT_CYCLE_COUNTER
	start->cycles = k_cycle_get_64();
#else
	start->cycles = k_cycle_get_32();
#endif
}

uint64_t utvm_port_clock_stop(const struct utvm_port_moment *start)
{
#ifdef CONFIG_TIMER_HAS_64BIT_CYCLE_COUNTER
	return k_cycle_get_64() - start->cycles;
#else
	/*
	 * The counter wraps within a minute on a fast CPU. The uptime is coarser but does
	 * not wrap, and tells how often the counter did: take the value that ends in the
	 * counter's 32 bits and lies nearest to it.
	 */
	const uint32_t counted = k_cycle_get_32() - (uint32_t)start->cycles;
	const uint64_t rough = k_ticks_to_cyc_floor64(k_uptime_ticks() - start->uptime);

	return rough + (int32_t)(counted - (uint32_t)rough);
#endif
}
