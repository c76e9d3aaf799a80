/* A window of one tap that moves by one: pixels are one after the other, rows of a matrix. */
struct utvm_matmul_packed {
	struct utvm_packed packed;
	int32_t rows;
	int32_t depth;
};

UTVM_INLINE void utvm_matmul_packed(const struct utvm_matmul_packed *p, utvm_packed_kind block,
				    const int8_t *input, const int32_t *packed, void *scratch,
				    int8_t *output)
{
	int32_t *const inputs = scratch;

	for (int32_t left = p->rows; left > 0; left -= 3) {
		const int32_t pixels = utvm_min(left, 3);

		for (int32_t i = 0; i < pixels; i++, input += p->depth) {
			utvm_expand(input, p->depth, inputs + i, 3);
		}
		block(&p->packed, inputs, pixels, packed, output);
		output += pixels * p->packed.channels;
	}
}
