/*
 * Convolution in groups by packed weights, of three pixels at a time. Of a tap's inputs the last
 * four are a word even where some of them are in the word before, too: these have weights of 0.
 */
struct utvm_grouped_packed {
	struct utvm_packed packed; /* of one group */
	struct utvm_grouped grouped;
	int32_t step; /* from group to group, words of packed weights */
};

typedef void (*utvm_grouped_kind)(const struct utvm_packed *p, const int32_t *inputs,
				  int32_t pixels, const int32_t *packed, int32_t pitch,
				  int8_t *output);

/* Four inputs of three pixels. */
UTVM_INLINE int32_t *utvm_grouped_four(int32_t word0, int32_t word1, int32_t word2, int32_t *to)
{
	to[0] = utvm_even_bytes(word0);
	to[1] = utvm_even_bytes(word1);
	to[2] = utvm_even_bytes(word2);
	to[3] = utvm_odd_bytes(word0);
	to[4] = utvm_odd_bytes(word1);
	to[5] = utvm_odd_bytes(word2);
	return to + 6;
}

/* What the windows see of the group whose first channel is given. */
UTVM_SHARED void utvm_grouped_expand(const struct utvm_grouped *p, const int8_t *const *taps,
				     int32_t first, int32_t *to)
{
	const int8_t *const *const end = taps + 3 * utvm_grouped_taps(p);
	const int32_t last = p->depth - 4;

	for (; taps != end; taps += 3) {
		const int8_t *x0 = taps[0] + first, *x1 = taps[1] + first, *x2 = taps[2] + first;

		if (last < 0) {
			for (int32_t i = 0; i < 3; i++) {
				utvm_expand(taps[i] + first, p->depth, to + i, 3);
			}
			to += 6;
			continue;
		}
		for (int32_t i = 0; i < last; i += 4) {
			to = utvm_grouped_four(utvm_load4(x0 + i), utvm_load4(x1 + i),
					       utvm_load4(x2 + i), to);
		}
		to = utvm_grouped_four(utvm_load4(x0 + last), utvm_load4(x1 + last),
				       utvm_load4(x2 + last), to);
	}
}

UTVM_INLINE void utvm_grouped_packed(const struct utvm_grouped_packed *p, utvm_grouped_kind block,
				     const int8_t *input, const int32_t *packed, void *scratch,
				     int8_t *output)
{
	const struct utvm_grouped *const q = &p->grouped;
	const int32_t pitch = utvm_grouped_pitch(q);
	const int8_t **const taps = scratch;
	int32_t *const inputs = (int32_t *)(taps + 3 * utvm_grouped_taps(q));
	int8_t *const zeros = (int8_t *)(inputs + 3 * p->packed.words);
	struct utvm_grouped_place at = {0, 0};
	int32_t pixels;

	memset(zeros, q->window.in_zero, (size_t)q->window.in_channels);
	while ((pixels = utvm_grouped_next(q, &at, input, zeros, 3, taps)) > 0) {
		for (int32_t i = 0; i < q->groups; i++) {
			utvm_grouped_expand(q, taps, i * q->depth, inputs);
			block(&p->packed, inputs, pixels, packed + i * p->step, pitch,
			      output + i * q->channels);
		}
		output += pixels * pitch;
	}
}
