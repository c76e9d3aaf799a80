/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RIG_H_
#define RIG_H_

#include <stdint.h>

#define RIG_MOST_INPUTS 4

/*
 * An input. It may overlap the output if it begins at least so many bytes behind its start, or
 * just as many as the other figure.
 */
struct rig_input {
	uint32_t size;
	int32_t may_overlap;
	int32_t overlap;
	int32_t may_align;
	int32_t aligned;
};

/*
 * An operator to run; sizes are in bytes, and so is the alignment of all its elements. The call
 * passes on the inputs, which are all distinct. Only the first two may overlap the output.
 */
struct rig_case {
	void (*call)(const void *const *inputs, void *scratch, void *output);
	uint32_t count;
	struct rig_input inputs[RIG_MOST_INPUTS];
	uint32_t scratch;
	uint32_t output;
	uint32_t alignment;
};

/* Written for each program: its cases, in order. */
extern const struct rig_case *const rig_cases[];
extern const uint32_t rig_case_count;

#endif
