/*
 * Softmax over rows, in fixed point. Exponentials come from a table: entry d is e^(-d * scale),
 * in Q0.31, and what is beyond its end counts as zero.
 */
struct utvm_softmax {
	int32_t rows;
	int32_t depth;
	int32_t entries;
};

/* 1 / (1 + x) in Q0.31 for 0 <= x < 1 in Q0.31, by three steps of Newton and Raphson. */
UTVM_INLINE int32_t utvm_one_over_one_plus(int32_t x)
{
	const int32_t half = (int32_t)(((int64_t)x + INT32_MAX + 1) / 2); /* (1 + x) / 2 */
	/* In Q2.29: the line 48/17 - 32/17 * half is the best first guess. */
	int32_t guess = 1515870810 + utvm_multiply_high(half, -1010580540);

	for (int step = 0; step < 3; step++) {
		const int32_t error = (1 << 29) - utvm_multiply_high(half, guess);

		guess += utvm_multiply_high(guess, error) * 4;
	}
	return guess >= 1 << 30 ? INT32_MAX : guess * 2;
}

/* The reciprocal in Q0.31 of a sum in Q12.19 with so many leading zeros. */
UTVM_INLINE int32_t utvm_softmax_inverse(int32_t sum, int32_t zeros)
{
	return utvm_one_over_one_plus((int32_t)(((uint32_t)sum << zeros) - (1U << 31)));
}

/* By how many bits a product of that and an exponential is shifted to the right. */
UTVM_INLINE int32_t utvm_softmax_shift(int32_t zeros)
{
	return 12 - zeros + 31 - 8;
}

UTVM_INLINE void utvm_softmax_row(const struct utvm_softmax *p, const int8_t *input,
				  const int32_t *exponentials, int8_t *output)
{
	int32_t largest = INT8_MIN;
	int32_t sum = 0; /* Q12.19 */
	int32_t zeros = 0;
	int32_t inverse, shift;

	for (int32_t i = 0; i < p->depth; i++) {
		largest = utvm_max(largest, input[i]);
	}
	for (int32_t i = 0; i < p->depth; i++) {
		const int32_t below = largest - input[i];

		if (below < p->entries) {
			sum += utvm_divide_by_power(exponentials[below], 12);
		}
	}
	while (((uint32_t)sum << zeros) < (1U << 31)) {
		zeros++;
	}
	inverse = utvm_softmax_inverse(sum, zeros);
	shift = utvm_softmax_shift(zeros);
	for (int32_t i = 0; i < p->depth; i++) {
		const int32_t below = largest - input[i];
		int32_t result = 0;

		/* More bits, which 512 that are alike have, leave less than a half. */
		if (below < p->entries && (p->depth < 512 || shift < 32)) {
			result = utvm_multiply_high(inverse, exponentials[below]);
			result = utvm_divide_by_power(result, shift);
		}
		output[i] = utvm_clamp(result - 128, -128, 127);
	}
}

UTVM_INLINE void utvm_softmax(const struct utvm_softmax *p, const int8_t *input,
			      const int32_t *exponentials, int8_t *output)
{
	for (int32_t row = 0; row < p->rows; row++) {
		utvm_softmax_row(p, input, exponentials, output);
		input += p->depth;
		output += p->depth;
	}
}
