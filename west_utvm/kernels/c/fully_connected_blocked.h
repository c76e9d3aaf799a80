/* A matrix of weights, OI, times each row of the input, four outputs at a time. */
struct utvm_fully_connected_blocked {
	struct utvm_rows rows;
	int32_t count;
	int32_t per_channel;
};

#define UTVM_FOUR_ROWS(i)                                                                          \
	do {                                                                                       \
		const int32_t value = x[i];                                                        \
												   \
		sums[0] += value * w[i];                                                           \
		sums[1] += value * w1[i];                                                          \
		sums[2] += value * w2[i];                                                          \
		sums[3] += value * w3[i];                                                          \
	} while (0)

/* Adds to the sums of four rows of weights, each step bytes after the one before. */
UTVM_INLINE void utvm_four_rows(const int8_t *x, const int8_t *w, int32_t step, int32_t depth,
				int32_t *sums)
{
	const int8_t *const end = x + (depth & ~3);
	const int8_t *w1 = w + step, *w2 = w1 + step, *w3 = w2 + step;

	for (; x != end; x += 4, w += 4, w1 += 4, w2 += 4, w3 += 4) {
#if defined(UTVM_DSP)
		const int32_t word = utvm_load4(x);
		const int32_t even = utvm_even_bytes(word), odd = utvm_odd_bytes(word);
		const int32_t a = utvm_load4(w), b = utvm_load4(w1);
		const int32_t c = utvm_load4(w2), d = utvm_load4(w3);

		sums[0] = utvm_dot2(even, utvm_even_bytes(a), sums[0]);
		sums[0] = utvm_dot2(odd, utvm_odd_bytes(a), sums[0]);
		sums[1] = utvm_dot2(even, utvm_even_bytes(b), sums[1]);
		sums[1] = utvm_dot2(odd, utvm_odd_bytes(b), sums[1]);
		sums[2] = utvm_dot2(even, utvm_even_bytes(c), sums[2]);
		sums[2] = utvm_dot2(odd, utvm_odd_bytes(c), sums[2]);
		sums[3] = utvm_dot2(even, utvm_even_bytes(d), sums[3]);
		sums[3] = utvm_dot2(odd, utvm_odd_bytes(d), sums[3]);
#else
		UTVM_FOUR_ROWS(0);
		UTVM_FOUR_ROWS(1);
		UTVM_FOUR_ROWS(2);
		UTVM_FOUR_ROWS(3);
#endif
	}
	for (int32_t i = 0; i < (depth & 3); i++) {
		UTVM_FOUR_ROWS(i);
	}
}

UTVM_SHARED void utvm_fully_connected_blocked(const struct utvm_fully_connected_blocked *p,
					   const int8_t *input, const int8_t *weights,
					   const int32_t *bias, const int32_t *scales,
					   int8_t *output)
{
	const struct utvm_rows *const q = &p->rows;
	const int32_t step = p->per_channel ? UTVM_SCALE_WORDS : 0;

	for (int32_t row = 0; row < p->count; row++, input += q->depth) {
		const int32_t *scale = scales;

		for (int32_t channel = 0; channel < q->channels; channel += 4) {
			const int32_t many = utvm_min(q->channels - channel, 4);
			/* With less than four, the first one is taken four times. */
			const int32_t next = many == 4 ? 1 : 0;
			int32_t sums[4];

			for (int32_t i = 0; i < many; i += 4 * next + 1 - next) {
				const int32_t *const own = bias + channel + i;

				for (int32_t j = 0; j < 4; j++) {
					sums[j] = own[j * next];
				}
				utvm_four_rows(input, weights + (channel + i) * q->depth,
					       next * q->depth, q->depth, sums);
				for (int32_t j = 0; j < (next ? 4 : 1); j++) {
					*output++ = utvm_rows_result(q, sums[j],
								     utvm_scale_at(scale));
					scale += step;
				}
			}
		}
	}
}
