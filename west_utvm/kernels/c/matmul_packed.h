/*
 * A window of one tap that moves by one: pixels are one after the other, rows of a matrix, of a
 * multiple of four.
 */
struct utvm_matmul_packed {
	struct utvm_packed packed;
	int32_t rows;
	int32_t depth;
};

UTVM_SHARED void utvm_matmul_packed(const struct utvm_matmul_packed *p, utvm_packed_kind block,
				    const int8_t *input, const int32_t *packed, void *scratch,
				    int8_t *output)
{
	const int32_t depth = p->depth;
	struct utvm_gathered three = {{input, input, input}, 1, depth, 0};

	for (int32_t left = p->rows; left > 0; left -= 3) {
		const int32_t pixels = utvm_min(left, 3);

		/* What is missing of three is there twice. */
		three.pixel[0] = input;
		three.pixel[1] = pixels > 1 ? input + depth : input;
		three.pixel[2] = input + (pixels - 1) * depth;
		utvm_gather_three(&three, scratch);
		block(&p->packed, scratch, pixels, packed, output);
		input += pixels * depth;
		output += pixels * p->packed.channels;
	}
}
