/*
 * Softmax over rows as ONNX Runtime has it. Exponentials come from a table of 256: entry d is
 * e^(-d * scale) times a constant. All is in single precision, each step rounded.
 */
struct utvm_softmax {
	int32_t rows;
	int32_t depth;
	float inverse_scale;
	int32_t out_zero;
};

UTVM_INLINE void utvm_softmax_row(const struct utvm_softmax *p, const int8_t *input,
				  const float *exponentials, int8_t *output)
{
	int32_t largest = INT8_MIN;
	float sum = 0.0f;

	for (int32_t i = 0; i < p->depth; i++) {
		largest = utvm_max(largest, input[i]);
	}
	for (int32_t i = 0; i < p->depth; i++) {
		sum += exponentials[largest - input[i]];
	}
	for (int32_t i = 0; i < p->depth; i++) {
		const float scaled =
			utvm_rounded(exponentials[largest - input[i]] * p->inverse_scale);
		const int32_t quotient = utvm_round(utvm_scaled_real(scaled, sum));

		output[i] = utvm_clamp(quotient + p->out_zero, -128, 127);
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
