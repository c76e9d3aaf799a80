/*
 * Softmax over rows. Exponentials come from a table of 256: entry d is e^(-d * scale). Their sum
 * and the quotients are in single precision, which a CPU without floating point emulates.
 */
struct utvm_softmax {
	int32_t rows;
	int32_t depth;
	float scale;
	int32_t out_zero;
};

UTVM_INLINE void utvm_softmax_row(const struct utvm_softmax *p, const int8_t *input,
				  const float *exponentials, int8_t *output)
{
	int32_t largest = INT8_MIN;
	float sum = 0.0f;
	float inverse;

	for (int32_t i = 0; i < p->depth; i++) {
		largest = utvm_max(largest, input[i]);
	}
	for (int32_t i = 0; i < p->depth; i++) {
		sum += exponentials[largest - input[i]];
	}
	inverse = 1.0f / utvm_rounded(sum * p->scale);
	for (int32_t i = 0; i < p->depth; i++) {
		const float quotient = utvm_rounded(exponentials[largest - input[i]] * inverse);
		/* Halves away from zero. Adding a half could round up what is below it. */
		const int32_t whole = (int32_t)quotient;
		const int32_t half = quotient - (float)whole >= 0.5f ? 1 : 0;

		output[i] = utvm_clamp(whole + half + p->out_zero, -128, 127);
	}
}

UTVM_INLINE void utvm_softmax(const struct utvm_softmax *p, const int8_t *input,
			      const float *exponentials, int8_t *output)
{
	for (int32_t row = 0; row < p->rows; row++) {
		utvm_softmax_row(p, input, exponentials, output);
		input += p->depth;
		output += p->depth;
	}
}
