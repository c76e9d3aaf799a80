/*
 * Convolution in groups: an output channel sees the input channels of its own group alone. Input
 * and output are NHWC, weights OHWI. The input's zero point is folded into the bias, so that a tap
 * outside the image reads the zero point.
 */
struct utvm_conv2d_grouped {
	int32_t batches;
	int32_t in_height;
	int32_t in_width;
	int32_t in_channels;
	int32_t height;
	int32_t width;
	int32_t channels;
	int32_t window_height;
	int32_t window_width;
	int32_t stride_y;
	int32_t stride_x;
	int32_t dilation_y;
	int32_t dilation_x;
	int32_t pad_top;
	int32_t pad_left;
	int32_t padded;
	int32_t per_channel;
	int32_t in_zero;
	int32_t out_zero;
	int32_t low;
	int32_t high;
	int32_t depth;
	int32_t per_group;
};

/* The sum of one output before requantization; its window's first tap is at y, x of the image. */
UTVM_INLINE int32_t utvm_conv2d_grouped_sum(const struct utvm_conv2d_grouped *p,
					    const int8_t *image, const int8_t *weights, int32_t y,
					    int32_t x, int32_t sum)
{
	for (int32_t i = 0; i < p->window_height; i++) {
		const int32_t row = y + i * p->dilation_y;

		for (int32_t j = 0; j < p->window_width; j++) {
			const int32_t column = x + j * p->dilation_x;
			const int32_t pixel = row * p->in_width + column;

			if (p->padded && (row < 0 || row >= p->in_height || column < 0 ||
					  column >= p->in_width)) {
				sum += p->in_zero * utvm_sum(weights, p->depth);
			} else {
				sum = utvm_dot(image + pixel * p->in_channels, weights, p->depth,
					       sum);
			}
			weights += p->depth;
		}
	}
	return sum;
}

UTVM_INLINE void utvm_conv2d_grouped(const struct utvm_conv2d_grouped *p, const int8_t *input,
				     const int8_t *weights, const int32_t *bias,
				     const int32_t *multiplier, const int8_t *shift, int8_t *output)
{
	const int32_t patch = p->window_height * p->window_width * p->depth;
	const int32_t image = p->in_height * p->in_width * p->in_channels;

	for (int32_t line = 0; line < p->batches * p->height; line++) {
		const int32_t y = line % p->height * p->stride_y - p->pad_top;
		const int8_t *const batch = input + line / p->height * image;

		for (int32_t column = 0; column < p->width; column++) {
			const int32_t x = column * p->stride_x - p->pad_left;

			for (int32_t channel = 0; channel < p->channels; channel++) {
				const int8_t *const group =
					batch + channel / p->per_group * p->depth;
				const int32_t scale = p->per_channel ? channel : 0;
				int32_t sum = utvm_conv2d_grouped_sum(
					p, group, weights + channel * patch, y, x, bias[channel]);

				sum = utvm_requantize(sum, multiplier[scale], shift[scale]);
				*output++ = utvm_clamp(sum + p->out_zero, p->low, p->high);
			}
		}
	}
}
