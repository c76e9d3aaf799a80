/* A window of one tap that moves by one: pixels are one after the other, rows of a matrix. */
struct utvm_matmul_packed {
	struct utvm_packed packed;
	int32_t rows;
	int32_t depth;
};

/* utvm_expand of three rows at once, of fours. */
UTVM_INLINE void utvm_expand_three(const int8_t *row, int32_t depth, int32_t *to)
{
	const int8_t *const end = row + depth;

	for (; row != end; row += 4, to += 6) {
		const int32_t word0 = utvm_load4(row);
		const int32_t word1 = utvm_load4(row + depth);
		const int32_t word2 = utvm_load4(row + 2 * depth);

		to[0] = utvm_even_bytes(word0);
		to[1] = utvm_even_bytes(word1);
		to[2] = utvm_even_bytes(word2);
		to[3] = utvm_odd_bytes(word0);
		to[4] = utvm_odd_bytes(word1);
		to[5] = utvm_odd_bytes(word2);
	}
}

UTVM_INLINE void utvm_matmul_packed(const struct utvm_matmul_packed *p, utvm_packed_kind block,
				    const int8_t *input, const int32_t *packed, void *scratch,
				    int8_t *output)
{
	int32_t *const inputs = scratch;

	for (int32_t left = p->rows; left > 0; left -= 3) {
		const int32_t pixels = utvm_min(left, 3);

		if (pixels == 3 && p->depth % 4 == 0) {
			utvm_expand_three(input, p->depth, inputs);
		} else {
			for (int32_t i = 0; i < pixels; i++) {
				utvm_expand(input + i * p->depth, p->depth, inputs + i, 3);
			}
		}
		input += pixels * p->depth;
		block(&p->packed, inputs, pixels, packed, output);
		output += pixels * p->packed.channels;
	}
}
