/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor, with the input buffer. */
#include "model.h"

static uint8_t input_0[49];

const struct {
	uint8_t *input;
	int32_t (*run)(void);
} DESCRIPTOR = {input_0, TVMGEN(run)};
