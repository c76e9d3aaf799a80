/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs operators on samples from a stream: the number of samples of every case, then for each
 * case and sample the inputs and the output that is right. Every sample is run several times with
 * its buffers at other places. Writes a record for each run that went wrong, and one at the end.
 */
#include <string.h>

#include "port.h"
#include "rig.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define POISON(at, size) ASAN_POISON_MEMORY_REGION(at, size)
#define UNPOISON(at, size) ASAN_UNPOISON_MEMORY_REGION(at, size)
#else
#define POISON(at, size) ((void)(at))
#define UNPOISON(at, size) ((void)(at))
#endif

#define GUARD 64U
#define ARENA_SIZE 0x20000U
#define MOST_FAILURES 40U

/* Where buffers lie; the edge is the end of memory. From EDGE_INPUT on it is about one input. */
enum variant {
	ALIGNED,
	ODD,
	EDGE_OUTPUT,
	EDGE_INPUT,
	OVERLAP,
	OVERLAP_ODD,
	OVERLAP_ALIGNED,
	OVERLAP_BOTH,
	VARIANTS,
};

enum what {
	WRONG_RESULT,
	WRITTEN_OUTSIDE,
	STOPPED,
	DONE,
};

struct record {
	uint32_t number;
	uint32_t sample;
	uint32_t variant;
	uint32_t input;
	uint32_t what;
	uint32_t offset;
	int32_t got;
	int32_t want;
};

struct region {
	uint8_t *at;
	uint32_t size;
};

/* The places of one run. The arena is in use up to its last guard zone's end. */
struct layout {
	struct region inputs[RIG_MOST_INPUTS];
	struct region scratch;
	struct region output;
	/* The output with all that overlaps it; nothing if it is at the edge. */
	struct region shared;
	uint32_t used;
};

static struct record now;
static uint32_t failures;
static uint8_t *arena, *shadow, *want;
static uint8_t *given[RIG_MOST_INPUTS];

static void report(uint32_t what)
{
	now.what = what;
	port_write(&now, sizeof(now));
}

void port_fault(void)
{
	report(STOPPED);
}

#ifdef __SANITIZE_ADDRESS__
/* A sanitizer has found something and said so. */
void __sanitizer_set_death_callback(void (*callback)(void));

static void died(void)
{
	port_fault();
	port_exit(PORT_FAULT);
}
#endif

static void failed(uint32_t what, uint32_t offset, int32_t got, int32_t wanted)
{
	now.offset = offset;
	now.got = got;
	now.want = wanted;
	report(what);
	if (++failures >= MOST_FAILURES) {
		report(DONE);
		port_exit(0);
	}
}

/* Bytes that are others in every run. */
static void spoil(uint8_t *at, uint32_t size)
{
	static uint32_t state = 1;

	for (uint32_t i = 0; i < size; i++) {
		state = i % 4U == 0 ? state * 1664525U + 1013904223U : state >> 8 | state << 24;
		at[i] = (uint8_t)(state >> 24);
	}
}

/* The next buffer in the arena, between guard zones. */
static struct region take(struct layout *layout, uint32_t size, uint32_t shift)
{
	const uint32_t begin = (layout->used + 15U) / 16U * 16U + shift;

	layout->used = begin + size + GUARD;
	if (layout->used > ARENA_SIZE) {
		port_exit(PORT_NO_MEMORY);
	}
	return (struct region){arena + begin, size};
}

static int is_odd(void)
{
	return now.variant == ODD || now.variant == OVERLAP_ODD;
}

static int overlaps(uint32_t input)
{
	return now.variant == OVERLAP_BOTH || (now.variant >= OVERLAP && now.input == input);
}

/* From an address that is a multiple of 16 to one that is odd for these elements. */
static uint32_t shift_of(const struct rig_case *item)
{
	return is_odd() ? (1U + 2U * (now.sample % 4U)) * item->alignment : 0;
}

static int32_t larger(int32_t a, int32_t b)
{
	return a > b ? a : b;
}

/* The output, one input as near as it may be and, with OVERLAP_BOTH, the other behind that. */
static void take_shared(const struct rig_case *item, struct layout *layout)
{
	const uint32_t first = now.input, second = 1U - now.input;
	const int32_t mask = -(int32_t)item->alignment;
	const int32_t odd = is_odd() ? 1 : 0;
	int32_t distances[2];
	int32_t lowest, end;

	distances[first] = (item->inputs[first].overlap + odd - mask - 1) & mask;
	if (now.variant == OVERLAP_ALIGNED) {
		distances[first] = item->inputs[first].aligned;
	}
	end = distances[first] + (int32_t)item->inputs[first].size;
	distances[second] = (larger(end, item->inputs[second].overlap) - mask - 1) & mask;
	if (overlaps(second)) {
		end = distances[second] + (int32_t)item->inputs[second].size;
	}
	lowest = -larger(0, -distances[first]);
	end = larger(end, (int32_t)item->output);
	layout->shared = take(layout, (uint32_t)(end - lowest), shift_of(item));
	layout->output = (struct region){layout->shared.at - lowest, item->output};
	for (uint32_t i = 0; i < 2; i++) {
		if (overlaps(i)) {
			layout->inputs[i].at = layout->output.at + distances[i];
			layout->inputs[i].size = item->inputs[i].size;
		}
	}
}

static void place_output(const struct rig_case *item, struct layout *layout)
{
	if (now.variant >= OVERLAP) {
		take_shared(item, layout);
	} else if (now.variant == EDGE_OUTPUT) {
		layout->output = (struct region){port_edge(item->output), item->output};
		layout->shared = take(layout, 0, 0);
	} else {
		layout->output = take(layout, item->output, shift_of(item));
		layout->shared = layout->output;
	}
}

static struct layout place(const struct rig_case *item)
{
	struct layout layout = {.used = GUARD};

	place_output(item, &layout);
	layout.scratch = take(&layout, item->scratch, 0);
	for (uint32_t i = 0; i < item->count; i++) {
		const uint32_t size = item->inputs[i].size;

		if (now.variant == EDGE_INPUT && now.input == i) {
			layout.inputs[i] = (struct region){port_edge(size), size};
		} else if (!overlaps(i)) {
			layout.inputs[i] = take(&layout, size, shift_of(item));
		}
	}
	return layout;
}

/* Garbage wherever there is no input; a sanitizer watches what is in no buffer. */
static void fill(const struct rig_case *item, const struct layout *layout)
{
	spoil(arena, layout->used);
	spoil(layout->output.at, item->output);
	for (uint32_t i = 0; i < item->count; i++) {
		memcpy(layout->inputs[i].at, given[i], item->inputs[i].size);
	}
	memcpy(shadow, arena, layout->used);
	POISON(arena, ARENA_SIZE);
	UNPOISON(layout->shared.at, layout->shared.size);
	UNPOISON(layout->scratch.at, layout->scratch.size);
	for (uint32_t i = 0; i < item->count; i++) {
		UNPOISON(layout->inputs[i].at, layout->inputs[i].size);
	}
}

static void expect_same(const uint8_t *got, const uint8_t *wanted, uint32_t size, uint32_t what)
{
	uint32_t i = 0;

	if (memcmp(got, wanted, size) != 0) {
		while (got[i] == wanted[i]) {
			i++;
		}
		failed(what, i, (int8_t)got[i], (int8_t)wanted[i]);
	}
}

/* Of the arena, only output and scratch may have changed, which lie there in this order. */
static void compare(const struct rig_case *item, const struct layout *layout)
{
	const uint32_t ends[] = {0, (uint32_t)(layout->shared.at - arena) + layout->shared.size,
				 (uint32_t)(layout->scratch.at - arena) + layout->scratch.size};
	const uint32_t begins[] = {(uint32_t)(layout->shared.at - arena),
				   (uint32_t)(layout->scratch.at - arena), layout->used};

	UNPOISON(arena, ARENA_SIZE);
	expect_same(layout->output.at, want, item->output, WRONG_RESULT);
	for (uint32_t i = 0; i < 3; i++) {
		expect_same(arena + ends[i], shadow + ends[i], begins[i] - ends[i],
			    WRITTEN_OUTSIDE);
	}
	for (uint32_t i = 0; i < item->count; i++) {
		if (!overlaps(i)) {
			expect_same(layout->inputs[i].at, given[i], item->inputs[i].size,
				    WRITTEN_OUTSIDE);
		}
	}
}

static void run(const struct rig_case *item)
{
	const struct layout layout = place(item);
	const void *inputs[RIG_MOST_INPUTS];

	for (uint32_t i = 0; i < item->count; i++) {
		inputs[i] = layout.inputs[i].at;
	}
	fill(item, &layout);
	item->call(inputs, layout.scratch.at, layout.output.at);
	compare(item, &layout);
}

/* Whether there is such a run: the first sample in all variants, the others at an aligned or at an
 * odd address. */
static int is_possible(const struct rig_case *item)
{
	const struct rig_input *const one = &item->inputs[now.input];

	if (now.sample > 0 && (is_odd() != (int)(now.sample % 2U) || now.variant == EDGE_INPUT)) {
		return 0;
	}
	if (now.variant < EDGE_INPUT) {
		return now.input == 0 && (now.sample == 0 || now.variant != EDGE_OUTPUT);
	}
	if (now.variant == OVERLAP_BOTH) {
		return item->count == 2 && one->may_overlap &&
		       item->inputs[1U - now.input].may_overlap;
	}
	if (now.variant == OVERLAP_ALIGNED) {
		return one->may_align;
	}
	return now.variant == EDGE_INPUT || one->may_overlap;
}

static void run_variants(const struct rig_case *item)
{
	const uint32_t before = failures;

	for (now.input = 0; now.input < item->count; now.input++) {
		for (now.variant = 0; now.variant < VARIANTS; now.variant++) {
			if (failures == before && is_possible(item)) {
				run(item);
			}
		}
	}
}

static void read_sample(const struct rig_case *item)
{
	for (uint32_t i = 0; i < item->count; i++) {
		port_read(given[i], item->inputs[i].size);
	}
	port_read(want, item->output);
}

int main(void)
{
	uint32_t samples;

#ifdef __SANITIZE_ADDRESS__
	__sanitizer_set_death_callback(died);
#endif
	port_open();
	arena = port_buffer(ARENA_SIZE);
	shadow = port_buffer(ARENA_SIZE);
	want = port_buffer(ARENA_SIZE);
	for (uint32_t i = 0; i < RIG_MOST_INPUTS; i++) {
		given[i] = port_buffer(ARENA_SIZE);
	}
	port_read(&samples, sizeof(samples));
	for (now.number = 0; now.number < rig_case_count; now.number++) {
		for (now.sample = 0; now.sample < samples; now.sample++) {
			read_sample(rig_cases[now.number]);
			run_variants(rig_cases[now.number]);
		}
	}
	report(DONE);
	port_exit(0);
}
