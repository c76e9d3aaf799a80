/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a model on samples from a stream: their number, then the inputs of each, one after the
 * other. Writes records: what (operator's index, or -1 - k for output k), size, bytes.
 * "harness.h" is written for each model: MODEL_INPUTS(X), MODEL_OUTPUTS(X), MODEL_RUN. With
 * MODEL_POOL_SIZE inputs and outputs are in the workspace, and the model may write to its inputs.
 */
#include <stdint.h>
#include <string.h>

#include "harness.h"
#include "port.h"

/* Copies in buffers of their exact size show a model that writes to its inputs. */
#define DECLARE(member, size) static void *member##_buffer, *member##_copy;
MODEL_INPUTS(DECLARE)
#undef DECLARE
#define DECLARE(member, size) static void *member##_buffer;
MODEL_OUTPUTS(DECLARE)

static struct MODEL_STRUCT_INPUTS inputs;
static struct MODEL_STRUCT_OUTPUTS outputs;

#ifdef MODEL_POOL_SIZE
static struct MODEL_STRUCT_POOLS pools;
#endif

static void record(int32_t what, const void *data, uint32_t size)
{
	port_write(&what, sizeof(what));
	port_write(&size, sizeof(size));
	port_write(data, size);
}

#ifdef UTVM_TRACE
void utvm_trace(int op_index, const void *data, uint32_t size);

void utvm_trace(int op_index, const void *data, uint32_t size)
{
	record(op_index, data, size);
}
#endif

static void sample(void)
{
	int32_t number = -1;

#define SPOIL(member, size) memset(member##_buffer, 0xA5, size);
#ifdef MODEL_POOL_SIZE
	memset(pools.sram, 0xA5, MODEL_POOL_SIZE);
#else
	MODEL_OUTPUTS(SPOIL)
#endif
#define READ(member, size)                                                                        \
	port_read(member##_buffer, size);                                                          \
	memcpy(member##_copy, member##_buffer, size);
	MODEL_INPUTS(READ)
#ifdef MODEL_POOL_SIZE
	if (MODEL_RUN(&pools) != 0) {
		port_exit(3);
	}
#else
	if (MODEL_RUN(&inputs, &outputs) != 0) {
		port_exit(3);
	}
#define COMPARE(member, size)                                                                     \
	if (memcmp(member##_copy, member##_buffer, size) != 0) {                                   \
		port_exit(4);                                                                      \
	}
	MODEL_INPUTS(COMPARE)
#endif
#define WRITE(member, size) record(number--, member##_buffer, size);
	MODEL_OUTPUTS(WRITE)
	(void)number;
}

int main(void)
{
	uint32_t samples;

	port_open();
#ifdef MODEL_POOL_SIZE
	pools.sram = port_buffer(MODEL_POOL_SIZE);
	inputs = MODEL_MAP_INPUTS(&pools);
	outputs = MODEL_MAP_OUTPUTS(&pools);
#define MAP_INPUT(member, size)                                                                   \
	member##_buffer = inputs.member;                                                           \
	member##_copy = port_buffer(size);
	MODEL_INPUTS(MAP_INPUT)
#define MAP_OUTPUT(member, size) member##_buffer = outputs.member;
	MODEL_OUTPUTS(MAP_OUTPUT)
#else
#define ALLOCATE(member, size)                                                                    \
	member##_buffer = port_buffer(size);                                                       \
	member##_copy = port_buffer(size);                                                         \
	inputs.member = member##_buffer;
	MODEL_INPUTS(ALLOCATE)
#undef ALLOCATE
#define ALLOCATE(member, size)                                                                    \
	member##_buffer = port_buffer(size);                                                       \
	outputs.member = member##_buffer;
	MODEL_OUTPUTS(ALLOCATE)
#endif
	port_read(&samples, sizeof(samples));
	while (samples-- > 0) {
		sample();
	}
	port_exit(0);
}
