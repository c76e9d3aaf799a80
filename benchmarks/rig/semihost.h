/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEMIHOST_H_
#define SEMIHOST_H_

#include <stdint.h>

/* A call of Arm's "Semihosting for AArch32 and AArch64", which RISC-V shares. */
static inline uint32_t semihost(uint32_t operation, const void *arguments)
{
#if defined(__riscv)
	register uint32_t a0 __asm__("a0") = operation;
	register const void *a1 __asm__("a1") = arguments;

	/* Three uncompressed instructions in one page: "RISC-V Semihosting", section 2. */
	__asm__ volatile(".balign 16\n\t"
			 ".option push\n\t"
			 ".option norvc\n\t"
			 "slli x0, x0, 0x1f\n\t"
			 "ebreak\n\t"
			 "srai x0, x0, 7\n\t"
			 ".option pop"
			 : "+r"(a0)
			 : "r"(a1)
			 : "memory");
	return a0;
#else
	register uint32_t r0 __asm__("r0") = operation;
	register const void *r1 __asm__("r1") = arguments;

	__asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
	return r0;
#endif
}

#endif
