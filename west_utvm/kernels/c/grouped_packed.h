/*
 * Convolution in groups by packed weights, of three pixels at a time. Of a tap's inputs the last
 * four are a word even where some of them are in the word before, too: these have weights of 0.
 */
struct utvm_grouped_packed {
	struct utvm_packed packed; /* of one group */
	struct utvm_grouped grouped;
	int32_t step;    /* from group to group, words of packed weights */
	int32_t at_once; /* groups whose inputs are copied at a time */
};

/* What is copied of three pixels: of some groups, from a table of the taps of their windows. */
struct utvm_grouped_source {
	const int8_t *const *taps;
	const int8_t *const *end;
	int32_t groups;
	int32_t depth; /* of a group, at least 4 */
	int32_t rest;  /* bytes from the end of a group's inputs to the next group's */
};

/* From the first channel of the first group. */
UTVM_INLINE void utvm_grouped_copied(struct utvm_grouped_source *source, int32_t channel,
				     int32_t *inputs)
{
#if defined(UTVM_DSP)
	register struct utvm_grouped_source *r1 __asm__("r1") = source;
	register int32_t first __asm__("r2") = channel;
	register int32_t *to __asm__("r3") = inputs;

	__asm__ volatile("push {r4-r11}\n"
			 "0:\n\t"
			 "ldr r0, [r1]\n"
			 "1:\n\t"
			 "ldmia r0!, {r4-r6}\n\t"
			 "ldr r7, [r1, #12]\n\t"
			 "add r4, r4, r2\n\t"
			 "add r5, r5, r2\n\t"
			 "add r6, r6, r2\n\t"
			 "sub r7, r7, #4\n"
			 "2:\n\t"
			 "ldr r8, [r4], #4\n\t"
			 "ldr r9, [r5], #4\n\t"
			 "ldr r10, [r6], #4\n\t"
			 "sxtb16 r11, r8, ror #8\n\t"
			 "sxtb16 r8, r8\n\t"
			 "sxtb16 r12, r9, ror #8\n\t"
			 "sxtb16 r9, r9\n\t"
			 "sxtb16 lr, r10, ror #8\n\t"
			 "sxtb16 r10, r10\n\t"
			 "subs r7, r7, #4\n\t"
			 "stmia r3!, {r8-r12, lr}\n\t"
			 "bge 2b\n\t"
			 "adds r7, r7, #4\n\t"
			 "beq 3f\n\t"
			 "subs r7, r7, #4\n\t"
			 "add r4, r4, r7\n\t"
			 "add r5, r5, r7\n\t"
			 "add r6, r6, r7\n\t"
			 "movs r7, #0\n\t"
			 "b 2b\n"
			 "3:\n\t"
			 "ldrd r8, r7, [r1, #4]\n\t"
			 "cmp r0, r8\n\t"
			 "bne 1b\n\t"
			 "ldrd r8, r9, [r1, #12]\n\t"
			 "add r2, r2, r8\n\t"
			 "add r3, r3, r9\n\t"
			 "subs r7, r7, #1\n\t"
			 "str r7, [r1, #8]\n\t"
			 "bne 0b\n\t"
			 "pop {r4-r11}"
			 : "+r"(r1), "+r"(first), "+r"(to)
			 :
			 : "r0", "r12", "lr", "cc", "memory");
#else
	for (; source->groups > 0; source->groups--, channel += source->depth) {
		for (const int8_t *const *tap = source->taps; tap != source->end; tap += 3) {
			for (int32_t i = 0; i < source->depth; i += 4, inputs += 6) {
				const int32_t last = utvm_min(i, source->depth - 4);

				for (int32_t pixel = 0; pixel < 3; pixel++) {
					utvm_expand(tap[pixel] + channel + last, 4, inputs + pixel,
						    3);
				}
			}
		}
		inputs += source->rest / (int32_t)sizeof(*inputs);
	}
#endif
}

/* What the windows see of some groups, whose inputs are size words each. */
UTVM_SHARED void utvm_grouped_inputs(const struct utvm_grouped *p, const int8_t *const *taps,
				     int32_t group, int32_t groups, int32_t size, int32_t *to)
{
	const int32_t count = utvm_grouped_taps(p);
	const int32_t words = (p->depth + 3) / 4 * 6;
	struct utvm_grouped_source source = {
		taps,
		taps + 3 * count,
		groups,
		p->depth,
		(int32_t)sizeof(*to) * (size - count * words),
	};

	if (p->depth >= 4) {
		utvm_grouped_copied(&source, group * p->depth, to);
		return;
	}
	for (int32_t i = group; i < group + groups; i++, to += size) {
		for (int32_t tap = 0; tap < count; tap++) {
			for (int32_t pixel = 0; pixel < 3; pixel++) {
				utvm_expand(taps[3 * tap + pixel] + i * p->depth, p->depth,
					    to + 6 * tap + pixel, 3);
			}
		}
	}
}

UTVM_INLINE int8_t utvm_grouped_result(const struct utvm_packed *p, int narrow, int32_t sum,
				       struct utvm_scale scale)
{
	const int32_t result = utvm_saturated(utvm_requantized(sum, scale, p->out_zero));

	return narrow ? utvm_clamp(result, p->low, p->high) : (int8_t)result;
}

/* Where results of up to three pixels go; those of missing ones are written over by the first. */
struct utvm_grouped_results {
	int32_t pixel1;
	int32_t pixel2;
};

UTVM_INLINE struct utvm_grouped_results utvm_grouped_results(const struct utvm_grouped *p,
							     int32_t pixels)
{
	const int32_t pitch = utvm_grouped_pitch(p);
	const struct utvm_grouped_results at = {
		pixels > 1 ? pitch : 0,
		pixels > 2 ? 2 * pitch : 0,
	};

	return at;
}

/* All channels of one group of up to three pixels. */
UTVM_INLINE void utvm_grouped_channels(const struct utvm_packed *p, int narrow,
				       const int32_t *inputs, struct utvm_grouped_results at,
				       const int32_t *packed, int8_t *output)
{
	const int32_t *const end = inputs + 3 * p->words;

	for (int32_t i = 0; i < p->channels; i += 2, output += 2) {
		struct utvm_sums sums;
		struct utvm_scale scale;

		packed = utvm_packed_dot(packed, inputs, end, &sums);
		scale = utvm_scale_at(packed + UTVM_SCALE_WORDS);
		if (i + 1 < p->channels) {
			output[at.pixel2 + 1] = utvm_grouped_result(p, narrow, sums.b2, scale);
			output[at.pixel1 + 1] = utvm_grouped_result(p, narrow, sums.b1, scale);
			output[1] = utvm_grouped_result(p, narrow, sums.b0, scale);
		}
		scale = utvm_scale_at(packed);
		output[at.pixel2] = utvm_grouped_result(p, narrow, sums.a2, scale);
		output[at.pixel1] = utvm_grouped_result(p, narrow, sums.a1, scale);
		output[0] = utvm_grouped_result(p, narrow, sums.a0, scale);
		packed += 2 * UTVM_SCALE_WORDS;
	}
}

/* All channels of some groups of up to three pixels. */
UTVM_INLINE void utvm_grouped_block(const struct utvm_grouped_packed *p, int narrow,
				    const int32_t *inputs, int32_t pixels, int32_t groups,
				    const int32_t *packed, int8_t *output)
{
	const struct utvm_grouped_results at = utvm_grouped_results(&p->grouped, pixels);

	for (; groups > 0; groups--) {
		utvm_grouped_channels(&p->packed, narrow, inputs, at, packed, output);
		inputs += 3 * p->packed.words;
		packed += p->step;
		output += p->grouped.channels;
	}
}

typedef void (*utvm_grouped_kind)(const struct utvm_grouped_packed *p, const int32_t *inputs,
				  int32_t pixels, int32_t groups, const int32_t *packed,
				  int8_t *output);

UTVM_INLINE void utvm_grouped_packed(const struct utvm_grouped_packed *p, utvm_grouped_kind block,
				     const int8_t *input, const int32_t *packed, void *scratch,
				     int8_t *output)
{
	const struct utvm_grouped *const q = &p->grouped;
	const int32_t size = 3 * p->packed.words;
	const int8_t **const taps = scratch;
	int32_t *const inputs = (int32_t *)(taps + 3 * utvm_grouped_taps(q));
	int8_t *const zeros = (int8_t *)(inputs + p->at_once * size);
	struct utvm_grouped_place at = {input, 0, 0, 0};
	int32_t pixels;

	memset(zeros, q->window.in_zero, (size_t)q->window.in_channels);
	while ((pixels = utvm_grouped_next(q, &at, zeros, 3, taps)) > 0) {
		for (int32_t i = 0; i < q->groups; i += p->at_once) {
			const int32_t groups = utvm_min(p->at_once, q->groups - i);

			utvm_grouped_inputs(q, taps, i, groups, size, inputs);
			block(p, inputs, pixels, groups, packed + i * p->step,
			      output + i * q->channels);
		}
		output += pixels * utvm_grouped_pitch(q);
	}
}

/* For results that are clamped to less than int8. */
UTVM_SHARED void utvm_grouped_narrow(const struct utvm_grouped_packed *p, const int32_t *inputs,
				     int32_t pixels, int32_t groups, const int32_t *packed,
				     int8_t *output)
{
	utvm_grouped_block(p, 1, inputs, pixels, groups, packed, output);
}

UTVM_SHARED void utvm_grouped_packed_narrow(const struct utvm_grouped_packed *p,
					    const int8_t *input, const int32_t *packed,
					    void *scratch, int8_t *output)
{
	utvm_grouped_packed(p, utvm_grouped_narrow, input, packed, scratch, output);
}
