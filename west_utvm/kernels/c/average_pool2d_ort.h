/*
 * The mean over windows, NHWC, as ONNX Runtime has it: in single precision, each step rounded, in
 * the order of rows and columns. Taps outside of the image take no part.
 * The output's zero point is the model's own, by the offset larger where that has uint8.
 */
struct utvm_mean_pool2d {
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
	float in_scale;
	int32_t in_zero;
	float scale;
	int32_t out_zero;
	int32_t offset;
	int32_t low;
	int32_t high;
};

UTVM_INLINE float utvm_mean_pool2d_sum(const struct utvm_mean_pool2d *p, const int8_t *input,
					  int32_t offset, struct utvm_taps rows,
					  struct utvm_taps columns)
{
	float sum = 0.0f;

	for (int32_t y = rows.begin; y < rows.end; y++) {
		for (int32_t x = columns.begin; x < columns.end; x++) {
			const int32_t value =
				input[offset + (y * p->in_width + x) * p->channels] - p->in_zero;

			sum += utvm_rounded(p->in_scale * (float)value);
		}
	}
	return sum;
}

UTVM_INLINE int8_t utvm_mean_pool2d_one(const struct utvm_mean_pool2d *p, float sum,
					   int32_t count)
{
	const float mean = utvm_rounded(sum / (float)count);
	const float scaled = utvm_rounded(utvm_scaled_real(mean, p->scale));

	return utvm_clamp(utvm_round(scaled + (float)p->out_zero) - p->offset, p->low, p->high);
}

UTVM_INLINE void utvm_mean_pool2d(const struct utvm_mean_pool2d *p, const int8_t *input,
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
				const float sum = utvm_mean_pool2d_sum(
					p, batch, offset + channel, rows, columns);

				*output++ = utvm_mean_pool2d_one(p, sum, count);
			}
		}
	}
}
