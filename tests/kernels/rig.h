/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RIG_H_
#define RIG_H_

#include <stdint.h>

#define RIG_MOST_INPUTS 4

/* An operator to run; sizes are in bytes. The call passes on the inputs, which are all distinct. */
struct rig_case {
	void (*call)(const void *const *inputs, void *scratch, void *output);
	uint32_t inputs;
	uint32_t sizes[RIG_MOST_INPUTS];
	uint32_t scratch;
	uint32_t output;
	/* Whether the first input may overlap the output, from so many bytes behind its start. */
	int32_t may_overlap;
	int32_t overlap;
};

/* Written for each program: its cases, in order. */
extern const struct rig_case *const rig_cases[];
extern const uint32_t rig_case_count;

#endif
