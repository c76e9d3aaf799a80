/* Products of matrices, in any order of their rows and columns. */
struct utvm_batch_matmul {
	int32_t batches;
	int32_t rows;
	int32_t columns;
	int32_t depth;
	int32_t a_batch;
	int32_t a_row;
	int32_t a_step;
	int32_t b_batch;
	int32_t b_column;
	int32_t b_step;
	int32_t a_zero;
	int32_t b_zero;
	int32_t twice;
	int32_t multiplier;
	int32_t shift;
	int32_t out_zero;
};

/* Of a row and a column; rounded twice, or as the model's mode has it. */
UTVM_INLINE int8_t utvm_batch_matmul_one(const struct utvm_batch_matmul *p, const int8_t *a,
					 const int8_t *b)
{
	int32_t sum = 0;

	for (int32_t k = 0; k < p->depth; k++) {
		sum += (a[k * p->a_step] - p->a_zero) * (b[k * p->b_step] - p->b_zero);
	}
	sum = p->twice ? utvm_twice_rounded(sum, p->multiplier, p->shift)
		       : utvm_requantize(sum, p->multiplier, p->shift);
	return (int8_t)utvm_saturated(sum + p->out_zero);
}

UTVM_INLINE void utvm_batch_matmul(const struct utvm_batch_matmul *p, const int8_t *a,
				   const int8_t *b, int8_t *output)
{
	for (int32_t line = 0; line < p->batches * p->rows; line++) {
		const int32_t batch = line / p->rows;
		const int8_t *const row = a + batch * p->a_batch + line % p->rows * p->a_row;
		const int8_t *const matrix = b + batch * p->b_batch;

		for (int32_t column = 0; column < p->columns; column++) {
			*output++ = utvm_batch_matmul_one(p, row, matrix + column * p->b_column);
		}
	}
}
