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

struct utvm_pool2d_four {
	int32_t a, b, c, d;
};

/* Sums or largest values of four channels, or of one; input is at the window's first tap. */
UTVM_INLINE struct utvm_pool2d_four utvm_pool2d_window(const struct utvm_pool2d *p, int average,
						       const int8_t *input, struct utvm_taps rows,
						       struct utvm_taps columns, int four)
{
	const int32_t start = average ? 0 : INT8_MIN;
	struct utvm_pool2d_four found = {start, start, start, start};

	for (int32_t y = rows.begin; y < rows.end; y++) {
		const int8_t *pixel = input + (y * p->in_width + columns.begin) * p->channels;

		for (int32_t x = columns.begin; x < columns.end; x++, pixel += p->channels) {
			found.a = average ? found.a + pixel[0] : utvm_max(found.a, pixel[0]);
			if (!four) {
				continue;
			}
			found.b = average ? found.b + pixel[1] : utvm_max(found.b, pixel[1]);
			found.c = average ? found.c + pixel[2] : utvm_max(found.c, pixel[2]);
			found.d = average ? found.d + pixel[3] : utvm_max(found.d, pixel[3]);
		}
	}
	return found;
}

UTVM_INLINE int8_t utvm_pool2d_result(const struct utvm_pool2d *p, int average, int32_t found,
				      int32_t count)
{
	return utvm_clamp(average ? utvm_mean(found, count) : found, p->low, p->high);
}

/* All channels of one pixel; input is that of the window's first tap. */
UTVM_INLINE void utvm_pool2d_pixel(const struct utvm_pool2d *p, int average, const int8_t *input,
				   struct utvm_taps rows, struct utvm_taps columns, int8_t *output)
{
	const int32_t count = (rows.end - rows.begin) * (columns.end - columns.begin);
	struct utvm_pool2d_four found;
	int32_t channel = 0;

	for (; channel < p->channels - 3; channel += 4) {
		found = utvm_pool2d_window(p, average, input + channel, rows, columns, 1);
		output[channel] = utvm_pool2d_result(p, average, found.a, count);
		output[channel + 1] = utvm_pool2d_result(p, average, found.b, count);
		output[channel + 2] = utvm_pool2d_result(p, average, found.c, count);
		output[channel + 3] = utvm_pool2d_result(p, average, found.d, count);
	}
	for (; channel < p->channels; channel++) {
		found = utvm_pool2d_window(p, average, input + channel, rows, columns, 0);
		output[channel] = utvm_pool2d_result(p, average, found.a, count);
	}
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
			const int32_t offset = (y * p->in_width + x) * p->channels;

			utvm_pool2d_pixel(p, average, batch + offset, rows, columns, output);
			output += p->channels;
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
