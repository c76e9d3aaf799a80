/* SPDX-License-Identifier: Apache-2.0 */
/* The shape of what tvmc writes: a writable struct in .rodata, a workspace, the entry point. */
#include "model.h"

__attribute__((section(".rodata.tvm"), used)) static struct constants {
	int16_t first[WEIGHTS];
	int32_t second[7];
} constants = {{1}, {2}};
__attribute__((section(".noinit.tvm"), aligned(16))) static uint8_t global_workspace[WORKSPACE];

int32_t TVMGEN(run)(void)
{
	return TVMGEN(fused_conv2d)(constants.first, global_workspace);
}
