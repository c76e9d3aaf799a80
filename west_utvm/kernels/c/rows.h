/*
 * Products of matrices by weights as they are, OI: two pixels by two channels at a time. constants
 * are for each channel its bias and its scale.
 */
struct utvm_rows {
	int32_t depth;
	int32_t channels;
	int32_t out_zero;
	int32_t low;
	int32_t high;
};

/* Of two pixels, 0 and 1, by two channels, a and b. */
struct utvm_square {
	int32_t a0, a1;
	int32_t b0, b1;
};

#define UTVM_SQUARE_STEP(i)                                                                        \
	do {                                                                                       \
		const int32_t first = x0[i], second = x1[i];                                       \
												   \
		sums.a0 += first * a[i];                                                           \
		sums.a1 += second * a[i];                                                          \
		sums.b0 += first * b[i];                                                           \
		sums.b1 += second * b[i];                                                          \
	} while (0)

UTVM_INLINE struct utvm_square utvm_square(const int8_t *x0, const int8_t *x1, const int8_t *a,
					   const int8_t *b, int32_t depth, struct utvm_square sums)
{
	const int8_t *const end = x0 + (depth & ~3);

	for (; x0 != end; x0 += 4, x1 += 4, a += 4, b += 4) {
#if defined(UTVM_DSP)
		const int32_t word0 = utvm_load4(x0), word1 = utvm_load4(x1);
		const int32_t even0 = utvm_even_bytes(word0), even1 = utvm_even_bytes(word1);
		const int32_t odd0 = utvm_odd_bytes(word0), odd1 = utvm_odd_bytes(word1);
		int32_t word = utvm_load4(a), half = utvm_even_bytes(word);

		sums.a0 = utvm_dot2(even0, half, sums.a0);
		sums.a1 = utvm_dot2(even1, half, sums.a1);
		half = utvm_odd_bytes(word);
		sums.a0 = utvm_dot2(odd0, half, sums.a0);
		sums.a1 = utvm_dot2(odd1, half, sums.a1);
		word = utvm_load4(b);
		half = utvm_even_bytes(word);
		sums.b0 = utvm_dot2(even0, half, sums.b0);
		sums.b1 = utvm_dot2(even1, half, sums.b1);
		half = utvm_odd_bytes(word);
		sums.b0 = utvm_dot2(odd0, half, sums.b0);
		sums.b1 = utvm_dot2(odd1, half, sums.b1);
#else
		UTVM_SQUARE_STEP(0);
		UTVM_SQUARE_STEP(1);
		UTVM_SQUARE_STEP(2);
		UTVM_SQUARE_STEP(3);
#endif
	}
	for (int32_t i = 0; i < (depth & 3); i++) {
		UTVM_SQUARE_STEP(i);
	}
	return sums;
}

UTVM_INLINE int8_t utvm_rows_result(const struct utvm_rows *p, int32_t sum, struct utvm_scale scale)
{
	const int32_t result = utvm_requantized(sum, scale, p->out_zero);

	return (int8_t)utvm_min(utvm_max(result, p->low), p->high);
}

/* Results that are all of int8, where they are less. */
UTVM_INLINE void utvm_rows_clamp(const struct utvm_rows *p, int8_t *output)
{
	for (int32_t i = 0; i < p->channels; i++) {
		output[i] = (int8_t)utvm_min(utvm_max(output[i], p->low), p->high);
	}
}

/* Results before they are clamped. */
UTVM_INLINE int8_t utvm_rows_saturated(int32_t sum, const int32_t *scale, int32_t zero)
{
	return (int8_t)utvm_saturated(utvm_requantized(sum, utvm_scale_at(scale), zero));
}

/* All channels of the pixels x0 and x1; the latter's are second bytes after the former's, or in
 * the same place, where the former's come last. */
UTVM_SHARED void utvm_two_rows(const struct utvm_rows *p, const int8_t *x0, const int8_t *x1,
			       const int8_t *weights, const int32_t *constants, int8_t *output,
			       int32_t second)
{
	const int32_t depth = p->depth;
	const int32_t zero = p->out_zero;
	int8_t *to = output;

	for (int32_t left = p->channels; left > 0; left -= 2) {
		const int8_t *other = weights + depth;
		const int32_t *next = constants + UTVM_CHANNEL_WORDS;
		int8_t *after = to + 1;
		struct utvm_square sums;

		if (left == 1) {
			/* A last channel without another is computed twice. */
			other = weights;
			next = constants;
			after = to;
		}
		sums = (struct utvm_square){constants[0], constants[0], next[0], next[0]};
		sums = utvm_square(x0, x1, weights, other, depth, sums);
		to[second] = utvm_rows_saturated(sums.a1, constants + 1, zero);
		to[0] = utvm_rows_saturated(sums.a0, constants + 1, zero);
		after[second] = utvm_rows_saturated(sums.b1, next + 1, zero);
		after[0] = utvm_rows_saturated(sums.b0, next + 1, zero);
		to += 2;
		weights += 2 * depth;
		constants += 2 * UTVM_CHANNEL_WORDS;
	}
	if (p->low > INT8_MIN || p->high < INT8_MAX) {
		utvm_rows_clamp(p, output + second);
		utvm_rows_clamp(p, output);
	}
}
