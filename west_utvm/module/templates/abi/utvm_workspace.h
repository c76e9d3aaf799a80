/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a model's workspace lives.
 */
#ifndef UTVM_WORKSPACE_H_
#define UTVM_WORKSPACE_H_

#include <stdint.h>

#if defined(CONFIG_UTVM_SHARED_WORKSPACE)
/*
 * A common symbol: every model defines it with its own size and the linker keeps one, of the
 * largest. No model needs to know of the others. Pools of the same index are shared.
 */
#define UTVM_WORKSPACE(pool, size, alignment, index)                                              \
	uint8_t pool[size] __asm__("utvm_shared_workspace_" #index)                               \
		__attribute__((common, aligned(alignment)))
#elif defined(__ZEPHYR__) && !defined(CONFIG_ARCH_POSIX)
/* A model writes its workspace before it reads it: no need to clear it at boot. */
#define UTVM_WORKSPACE(pool, size, alignment, index)                                              \
	static uint8_t pool[size] __attribute__((section(".noinit.utvm"), aligned(alignment)))
#else
#define UTVM_WORKSPACE(pool, size, alignment, index)                                              \
	static uint8_t pool[size] __attribute__((aligned(alignment)))
#endif

#endif /* UTVM_WORKSPACE_H_ */
