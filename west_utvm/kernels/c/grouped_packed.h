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

/* count inputs, a multiple of four, of three pixels. */
UTVM_INLINE int32_t *utvm_grouped_fours(const int8_t *x0, const int8_t *x1, const int8_t *x2,
					int32_t count, int32_t *to)
{
#if defined(UTVM_DSP)
	__asm__ volatile("1:\n\t"
			 "ldr r4, [%[x0]], #4\n\t"
			 "ldr r5, [%[x1]], #4\n\t"
			 "ldr r6, [%[x2]], #4\n\t"
			 "sxtb16 r8, r4, ror #8\n\t"
			 "sxtb16 r4, r4\n\t"
			 "sxtb16 r9, r5, ror #8\n\t"
			 "sxtb16 r5, r5\n\t"
			 "sxtb16 r10, r6, ror #8\n\t"
			 "sxtb16 r6, r6\n\t"
			 "subs %[count], %[count], #4\n\t"
			 "stmia %[to]!, {r4, r5, r6, r8, r9, r10}\n\t"
			 "bne 1b"
			 : [x0] "+r"(x0), [x1] "+r"(x1), [x2] "+r"(x2), [count] "+r"(count),
			   [to] "+r"(to)
			 :
			 : "r4", "r5", "r6", "r8", "r9", "r10", "cc", "memory");
#else
	for (; count > 0; count -= 4, x0 += 4, x1 += 4, x2 += 4, to += 6) {
		const int32_t word0 = utvm_load4(x0), word1 = utvm_load4(x1);
		const int32_t word2 = utvm_load4(x2);

		to[0] = utvm_even_bytes(word0);
		to[1] = utvm_even_bytes(word1);
		to[2] = utvm_even_bytes(word2);
		to[3] = utvm_odd_bytes(word0);
		to[4] = utvm_odd_bytes(word1);
		to[5] = utvm_odd_bytes(word2);
	}
#endif
	return to;
}

/* What three neighbours in taps see of one group of depth channels, the first of which is given. */
UTVM_INLINE int32_t *utvm_grouped_expand(const int8_t *const *taps, int32_t first, int32_t depth,
					 int32_t *to)
{
	const int8_t *const x0 = taps[0] + first;
	const int8_t *const x1 = taps[1] + first;
	const int8_t *const x2 = taps[2] + first;

	if (depth < 4) {
		utvm_expand(x0, depth, to, 3);
		utvm_expand(x1, depth, to + 1, 3);
		utvm_expand(x2, depth, to + 2, 3);
		return to + 6;
	}
	to = utvm_grouped_fours(x0, x1, x2, depth & ~3, to);
	if (depth & 3) {
		depth -= 4;
		to = utvm_grouped_fours(x0 + depth, x1 + depth, x2 + depth, 4, to);
	}
	return to;
}

/* What the windows see of some groups, whose inputs are size words each. */
UTVM_SHARED void utvm_grouped_inputs(const struct utvm_grouped *p, const int8_t *const *taps,
				     int32_t group, int32_t groups, int32_t size, int32_t *to)
{
	const int8_t *const *const end = taps + 3 * utvm_grouped_taps(p);
	const int32_t depth = p->depth;

	for (int32_t i = group; i < group + groups; i++, to += size) {
		int32_t *next = to;

		for (const int8_t *const *tap = taps; tap != end; tap += 3) {
			next = utvm_grouped_expand(tap, i * depth, depth, next);
		}
	}
}

/* All channels of some groups of up to three pixels. */
UTVM_INLINE void utvm_grouped_block(const struct utvm_grouped_packed *p, int narrow,
				    const int32_t *inputs, int32_t pixels, int32_t groups,
				    const int32_t *packed, int8_t *output)
{
	const int32_t pitch = utvm_grouped_pitch(&p->grouped);

	for (; groups > 0; groups--) {
		utvm_packed_block(&p->packed, narrow, inputs, pixels, packed, pitch, output);
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
