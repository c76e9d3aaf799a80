/* Pooling, NHWC. Taps outside of the image take no part. */
struct utvm_pool2d {
	int32_t batches;
	int32_t in_height;
	int32_t in_width;
	int32_t channels;
	int32_t height;
	int32_t width;
	int32_t window_height;
	int32_t window_width;
	int32_t stride_y;
	int32_t stride_x;
	int32_t pad_top;
	int32_t pad_left;
	int32_t low;
	int32_t high;
};

/* The quotient rounded to nearest, halves away from zero. */
UTVM_INLINE int32_t utvm_mean(int32_t sum, int32_t count)
{
	return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

UTVM_INLINE int32_t utvm_pool2d_sum(const struct utvm_pool2d *p, const int8_t *input,
				    int32_t offset, struct utvm_taps rows,
				    struct utvm_taps columns)
{
	int32_t sum = 0;

	for (int32_t y = rows.begin; y < rows.end; y++) {
		for (int32_t x = columns.begin; x < columns.end; x++) {
			sum += input[offset + (y * p->in_width + x) * p->channels];
		}
	}
	return sum;
}

UTVM_INLINE int32_t utvm_pool2d_max(const struct utvm_pool2d *p, const int8_t *input,
				    int32_t offset, struct utvm_taps rows,
				    struct utvm_taps columns)
{
	int32_t largest = INT8_MIN;

	for (int32_t y = rows.begin; y < rows.end; y++) {
		for (int32_t x = columns.begin; x < columns.end; x++) {
			largest = utvm_max(largest,
					   input[offset + (y * p->in_width + x) * p->channels]);
		}
	}
	return largest;
}

UTVM_INLINE void utvm_pool2d(const struct utvm_pool2d *p, int average, const int8_t *input,
			     int8_t *output)
{
	for (int32_t line = 0; line < p->batches * p->height; line++) {
		const int32_t y = line % p->height * p->stride_y - p->pad_top;
		const struct utvm_taps rows = utvm_taps(y, p->in_height, p->window_height, 1);
		const int8_t *const batch =
			input + line / p->height * p->in_height * p->in_width * p->channels;

		for (int32_t column = 0; column < p->width; column++) {
			const int32_t x = column * p->stride_x - p->pad_left;
			const struct utvm_taps columns =
				utvm_taps(x, p->in_width, p->window_width, 1);
			const int32_t count =
				(rows.end - rows.begin) * (columns.end - columns.begin);
			const int32_t offset = (y * p->in_width + x) * p->channels;

			for (int32_t channel = 0; channel < p->channels; channel++) {
				int32_t result;

				if (average) {
					result = utvm_pool2d_sum(p, batch, offset + channel, rows,
								 columns);
					result = utvm_mean(result, count);
				} else {
					result = utvm_pool2d_max(p, batch, offset + channel, rows,
								 columns);
				}
				*output++ = utvm_clamp(result, p->low, p->high);
			}
		}
	}
}

UTVM_INLINE void utvm_average_pool2d(const struct utvm_pool2d *p, const int8_t *input,
				     int8_t *output)
{
	utvm_pool2d(p, 1, input, output);
}

UTVM_INLINE void utvm_max_pool2d(const struct utvm_pool2d *p, const int8_t *input, int8_t *output)
{
	utvm_pool2d(p, 0, input, output);
}
