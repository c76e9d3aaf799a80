/* SPDX-License-Identifier: Apache-2.0 */
#include "model.h"

static const int8_t lookup[] = {3, 1, 4, 1, 5, 9, 2, 6};

__attribute__((noinline)) static int32_t clip(int32_t x)
{
	return x > 127 ? 127 : x;
}

int32_t TVMGEN(fused_conv2d)(const int16_t *weights, uint8_t *workspace)
{
	int32_t sum = 0;

	for (int i = 0; i < WEIGHTS; i++) {
		sum += weights[i] * workspace[i % WORKSPACE] + lookup[i % 8];
	}
	return clip(sum);
}

/* Names of the same function, one of them not the model's own. */
int32_t TVMGEN(alias)(const int16_t *weights, uint8_t *workspace)
	__attribute__((alias(STRING(TVMGEN(fused_conv2d)))));
int32_t JOIN(accelerated_, MODEL, , )(const int16_t *weights, uint8_t *workspace)
	__attribute__((alias(STRING(TVMGEN(fused_conv2d)))));
