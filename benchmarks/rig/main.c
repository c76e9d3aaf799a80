/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two inferences: a cold one on a painted stack, and a warm one on the clock. "model.h" is written
 * for each model: MODEL_INPUTS(X), MODEL_OUTPUTS(X), the structs' names, MODEL_RUN; and if inputs
 * and outputs are in the workspace, MODEL_POOL_SIZE. Both read their inputs from the stream.
 * Writes what report() says, then the outputs of the warm one.
 *
 * With WARM_ONLY, for an execution trace, there is only one and no clock that interrupts it.
 *
 * It calls nothing of the C library: what a model needs of it must count as the model's.
 */
#include "model.h"
#include "port.h"

#define PAINT 0xC5A3961EU
#define TRACE_CALLS 64U

#define BUFFER(member, size) static uint8_t member##_buffer[size] __attribute__((aligned(16)));
#ifdef MODEL_POOL_SIZE
static uint8_t pool[MODEL_POOL_SIZE] __attribute__((aligned(16)));
static struct MODEL_STRUCT_POOLS pools;
#define MODEL_CALL() MODEL_RUN(&pools)
#else
MODEL_INPUTS(BUFFER)
MODEL_OUTPUTS(BUFFER)
#define MODEL_CALL() MODEL_RUN(&inputs, &outputs)
#endif

static struct MODEL_STRUCT_INPUTS inputs;
static struct MODEL_STRUCT_OUTPUTS outputs;

#ifdef UTVM_TRACE
/* TRACE_ENTRIES, a flag of the build: TRACE_CALLS, or the model's operators and one if more. */
struct entry {
	int32_t number;
	uint32_t ticks[2];
};

static struct entry entries[TRACE_ENTRIES];
static uint32_t entries_used;

void utvm_trace(int op_index, const void *data, uint32_t size);

void utvm_trace(int op_index, const void *data, uint32_t size)
{
	const uint64_t now = port_clock();

	(void)data;
	(void)size;
	if (entries_used == TRACE_ENTRIES) {
		port_exit(7);
	}
	entries[entries_used++] = (struct entry){op_index, {(uint32_t)now, (uint32_t)(now >> 32)}};
}

static uint32_t trace_cost(void)
{
	/* The cold inference was traced too. */
	entries_used = 0;
	for (int i = 0; i < (int)TRACE_CALLS; i++) {
		utvm_trace(i, &inputs, 0);
	}
	entries_used = 0;
	return entries[TRACE_CALLS - 1U].ticks[0] - entries[0].ticks[0];
}
#endif

static void place_tensors(void)
{
#ifdef MODEL_POOL_SIZE
	pools = (struct MODEL_STRUCT_POOLS){pool};
	inputs = MODEL_MAP_INPUTS(&pools);
	outputs = MODEL_MAP_OUTPUTS(&pools);
#else
#define POINT_INPUT(member, size) inputs.member = member##_buffer;
	MODEL_INPUTS(POINT_INPUT)
#define POINT_OUTPUT(member, size) outputs.member = member##_buffer;
	MODEL_OUTPUTS(POINT_OUTPUT)
#endif
}

static void read_inputs(void)
{
#define READ(member, size) port_read(inputs.member, size);
	MODEL_INPUTS(READ)
}

/* Seen by name in an execution trace: what runs between its two ends is one inference. */
__attribute__((noinline)) static void infer(void)
{
	if (MODEL_CALL() != 0) {
		port_exit(3);
	}
}

#ifdef WARM_ONLY
#elif defined(__linux__)
static uint32_t peak_stack(void)
{
	infer();
	return 0;
}
#else
/* Bytes below this function's own stack. */
__attribute__((noinline)) static uint32_t peak_stack(void)
{
	volatile uint32_t *lowest = stack_limit;
	register volatile uint32_t *stack_pointer __asm__("sp");
	volatile uint32_t *const here = stack_pointer;

	for (volatile uint32_t *word = stack_limit; word < here; word++) {
		*word = PAINT;
	}
	infer();
	while (lowest < here && *lowest == PAINT) {
		lowest++;
	}
	if (lowest == stack_limit) {
		port_exit(9);
	}
	return (uint32_t)((uintptr_t)here - (uintptr_t)lowest);
}
#endif

static void report(uint32_t stack, uint64_t ticks, uint32_t cost)
{
	const uint32_t words[] = {stack, (uint32_t)ticks, (uint32_t)(ticks >> 32), cost};

	port_write(words, sizeof(words));
#ifdef UTVM_TRACE
	port_write(&entries_used, sizeof(entries_used));
	port_write(entries, entries_used * sizeof(entries[0]));
#else
	port_write((const uint32_t[]){0}, sizeof(uint32_t));
#endif
#define WRITE(member, size) port_write(outputs.member, size);
	MODEL_OUTPUTS(WRITE)
}

int main(void)
{
	uint32_t stack = 0, cost = 0;
	uint64_t begin, end;

	port_open();
	place_tensors();
	read_inputs();
#ifndef WARM_ONLY
	stack = peak_stack();
	read_inputs();
	port_clock_start();
#endif
#ifdef UTVM_TRACE
	cost = trace_cost();
	utvm_trace(-1, &inputs, 0);
#endif
	begin = port_clock();
	infer();
	end = port_clock();
	report(stack, end - begin, cost);
	port_exit(0);
}
