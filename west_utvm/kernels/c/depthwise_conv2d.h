/*
 * Depthwise convolution: every output channel reads one input channel. Input and output are NHWC,
 * weights HWC. The input's zero point is folded into the bias, so that a tap outside of the image
 * reads the zero point.
 */
/* The sum of one output before requantization. Input and weights are those of its channel. */
UTVM_INLINE int32_t utvm_depthwise_conv2d_taps(const struct utvm_convolution *p,
					       const int8_t *input, int32_t offset,
					       const int8_t *weights, struct utvm_taps rows,
					       struct utvm_taps columns, int32_t sum)
{
	const int32_t step = p->dilation_x * p->in_channels;

	for (int32_t y = rows.begin; y < rows.end; y++) {
		const int32_t row = offset + y * p->dilation_y * p->in_width * p->in_channels;
		const int8_t *const own = weights + y * p->window_width * p->channels;

		for (int32_t x = columns.begin; x < columns.end; x++) {
			sum += input[row + x * step] * own[x * p->channels];
		}
	}
	return sum;
}

/* The sum of the weights of those taps that are outside of the image. */
UTVM_INLINE int32_t utvm_depthwise_conv2d_outside(const struct utvm_convolution *p,
						  const int8_t *weights, struct utvm_taps rows,
						  struct utvm_taps columns)
{
	int32_t sum = 0;

	for (int32_t y = 0; y < p->window_height; y++) {
		const int inside = y >= rows.begin && y < rows.end;

		for (int32_t x = 0; x < p->window_width; x++) {
			if (!inside || x < columns.begin || x >= columns.end) {
				sum += weights[(y * p->window_width + x) * p->channels];
			}
		}
	}
	return sum;
}

UTVM_INLINE void utvm_depthwise_conv2d(const struct utvm_convolution *p, const int8_t *input,
				       const int8_t *weights, const int32_t *bias,
				       const int32_t *multiplier, const int8_t *shift,
				       int8_t *output)
{
	const int32_t image = p->in_height * p->in_width * p->in_channels;
	const int32_t copies = p->channels / p->in_channels;
	const struct utvm_taps all_rows = {0, p->window_height};
	const struct utvm_taps all_columns = {0, p->window_width};

	for (int32_t line = 0; line < p->batches * p->height; line++) {
		const int32_t y = line % p->height * p->stride_y - p->pad_top;
		const struct utvm_taps rows =
			utvm_taps(y, p->in_height, p->window_height, p->dilation_y);
		const int8_t *const batch = input + line / p->height * image;

		for (int32_t column = 0; column < p->width; column++) {
			const int32_t x = column * p->stride_x - p->pad_left;
			const struct utvm_taps columns =
				utvm_taps(x, p->in_width, p->window_width, p->dilation_x);
			const int32_t offset = (y * p->in_width + x) * p->in_channels;
			const int whole = !p->padded || (rows.begin == 0 &&
							 rows.end == p->window_height &&
							 columns.begin == 0 &&
							 columns.end == p->window_width);

			for (int32_t channel = 0; channel < p->channels; channel++) {
				const int8_t *const own = weights + channel;
				const int32_t scale = p->per_channel ? channel : 0;
				const int32_t corner = offset + channel / copies;
				int32_t sum = bias[channel];

				if (whole) {
					sum = utvm_depthwise_conv2d_taps(p, batch, corner, own,
									 all_rows, all_columns,
									 sum);
				} else {
					sum = utvm_depthwise_conv2d_taps(p, batch, corner, own,
									 rows, columns, sum);
					sum += p->in_zero * utvm_depthwise_conv2d_outside(
								    p, own, rows, columns);
				}
				sum = utvm_requantize(sum, multiplier[scale], shift[scale]);
				*output++ = utvm_clamp(sum + p->out_zero, p->low, p->high);
			}
		}
	}
}
