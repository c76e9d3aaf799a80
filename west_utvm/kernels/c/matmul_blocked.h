/* A convolution with a window of one tap that moves by one: pixels are rows of a matrix. */
struct utvm_matmul_blocked {
	struct utvm_rows rows;
	int32_t pixels;
};

UTVM_SHARED void utvm_matmul_blocked(const struct utvm_matmul_blocked *p, const int8_t *input,
				  const int8_t *weights, const int32_t *constants, int8_t *output)
{
	const int32_t depth = p->rows.depth;
	const int32_t channels = p->rows.channels;

	for (int32_t left = p->pixels; left > 0; left -= 2) {
		const int32_t more = left > 1 ? 1 : 0;

		utvm_two_rows(&p->rows, input, input + more * depth, weights, constants, output,
			      more * channels);
		input += 2 * depth;
		output += 2 * channels;
	}
}
