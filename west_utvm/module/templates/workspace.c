/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The allocator behind TVMBackendAllocWorkspace: a stack over a static arena. Generated code
 * frees in the reverse order of allocation and leaves the stack empty after each run.
 */
#include <stddef.h>
#include <tvm/runtime/c_backend_api.h>
#include <tvmgen_@MODEL@.h>
#include "utvm_workspace.h"

#define ALIGNMENT 16U

UTVM_WORKSPACE(arena, @SIZE@, 16, @INDEX@);
static size_t used;

void *TVMBackendAllocWorkspace(int device_type, int device_id, uint64_t nbytes,
			       int dtype_code_hint, int dtype_bits_hint)
{
	uint8_t *block = &arena[used];

	(void)device_type;
	(void)device_id;
	(void)dtype_code_hint;
	(void)dtype_bits_hint;
	if (nbytes > sizeof(arena) - used) {
		return NULL;
	}
	used += ((size_t)nbytes + ALIGNMENT - 1U) & ~(size_t)(ALIGNMENT - 1U);
	return block;
}

int TVMBackendFreeWorkspace(int device_type, int device_id, void *ptr)
{
	ptrdiff_t offset = (uint8_t *)ptr - arena;

	(void)device_type;
	(void)device_id;
	if (offset < 0 || (size_t)offset >= used) {
		return -1;
	}
	used = (size_t)offset;
	return 0;
}
