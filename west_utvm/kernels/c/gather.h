/*
 * Elements at given places along one axis or two: of a tensor of dimensions outer, rows, middle,
 * columns and inner.
 */
struct utvm_gather {
	int32_t outer;
	int32_t in_rows;
	int32_t middle;
	int32_t in_columns;
	int32_t inner;
	int32_t rows;
	int32_t columns;
};

UTVM_INLINE void utvm_gather(const struct utvm_gather *p, const int8_t *input, const int16_t *rows,
			     const int16_t *columns, int8_t *output)
{
	for (int32_t line = 0; line < p->outer * p->rows; line++) {
		const int32_t row = line / p->rows * p->in_rows + rows[line % p->rows];

		for (int32_t m = 0; m < p->middle; m++) {
			const int32_t start = (row * p->middle + m) * p->in_columns;

			for (int32_t x = 0; x < p->columns; x++) {
				memcpy(output, input + (start + columns[x]) * p->inner,
				       (size_t)p->inner);
				output += p->inner;
			}
		}
	}
}
