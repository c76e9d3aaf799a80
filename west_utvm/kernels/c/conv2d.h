/*
 * Convolution. Input and output are NHWC, weights OHWI. The input's zero point is folded into the
 * bias, so that a tap outside the image reads the zero point.
 */

/* One row of a window, whose first tap is at offset. Only its taps within the image are read. */
UTVM_INLINE int32_t utvm_conv2d_row(const struct utvm_convolution *p, const int8_t *input,
				    int32_t offset, const int8_t *weights, struct utvm_taps taps,
				    int32_t sum)
{
	const int32_t depth = p->in_channels;

	if (p->dilation_x == 1) {
		return utvm_dot(input + (offset + taps.begin * depth),
				weights + taps.begin * depth, (taps.end - taps.begin) * depth, sum);
	}
	for (int32_t x = taps.begin; x < taps.end; x++) {
		sum = utvm_dot(input + (offset + x * p->dilation_x * depth), weights + x * depth,
			       depth, sum);
	}
	return sum;
}

/* The sum of one output before requantization. Rows outside of the image are in rows neither. */
UTVM_INLINE int32_t utvm_conv2d_sum(const struct utvm_convolution *p, const int8_t *input,
				     int32_t offset, const int8_t *weights, struct utvm_taps rows,
				     struct utvm_taps columns, int32_t sum)
{
	const int32_t pitch = p->dilation_y * p->in_width * p->in_channels;
	const int32_t row_size = p->window_width * p->in_channels;

	for (int32_t y = rows.begin; y < rows.end; y++) {
		sum = utvm_conv2d_row(p, input, offset + y * pitch, weights + y * row_size, columns,
				      sum);
	}
	return sum;
}

/* The sum of the weights of those taps that are outside of the image. */
UTVM_INLINE int32_t utvm_conv2d_outside(const struct utvm_convolution *p, const int8_t *weights,
					struct utvm_taps rows, struct utvm_taps columns)
{
	const int32_t depth = p->in_channels;
	const int32_t size = p->window_width * depth;
	int32_t sum = utvm_sum(weights, rows.begin * size);

	for (int32_t y = rows.begin; y < rows.end; y++) {
		const int8_t *const row = weights + y * size;

		sum += utvm_sum(row, columns.begin * depth);
		sum += utvm_sum(row + columns.end * depth, size - columns.end * depth);
	}
	return sum + utvm_sum(weights + rows.end * size, (p->window_height - rows.end) * size);
}

UTVM_INLINE void utvm_conv2d(const struct utvm_convolution *p, const int8_t *input,
			     const int8_t *weights, const int32_t *bias, const int32_t *multiplier,
			     const int8_t *shift, int8_t *output)
{
	const int32_t patch = p->window_height * p->window_width * p->in_channels;
	const int32_t image = p->in_height * p->in_width * p->in_channels;
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
				const int8_t *const own = weights + channel * patch;
				const int32_t scale = p->per_channel ? channel : 0;
				int32_t sum = bias[channel];

				if (whole) {
					sum = utvm_conv2d_sum(p, batch, offset, own, all_rows,
							       all_columns, sum);
				} else {
					sum = utvm_conv2d_sum(p, batch, offset, own, rows, columns,
							       sum);
					sum += p->in_zero *
					       utvm_conv2d_outside(p, own, rows, columns);
				}
				sum = utvm_requantize(sum, multiplier[scale], shift[scale]);
				*output++ = utvm_clamp(sum + p->out_zero, p->low, p->high);
			}
		}
	}
}
