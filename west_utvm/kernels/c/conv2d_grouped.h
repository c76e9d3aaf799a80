/*
 * Convolution in groups: an output channel sees the input channels of its own group alone. Input
 * and output are NHWC, weights OHWI. The input's zero point is folded into the bias, so that a tap
 * outside the image reads the zero point.
 */
struct utvm_conv2d_grouped {
	struct utvm_convolution whole;
	int32_t depth;
	int32_t per_group;
};

/* The sum of one output before requantization; its window's first tap is at y, x of the image. */
UTVM_INLINE int32_t utvm_conv2d_grouped_sum(const struct utvm_conv2d_grouped *p,
					    const int8_t *image, const int8_t *weights, int32_t y,
					    int32_t x, int32_t sum)
{
	const struct utvm_convolution *const q = &p->whole;

	for (int32_t i = 0; i < q->window_height; i++) {
		const int32_t row = y + i * q->dilation_y;

		for (int32_t j = 0; j < q->window_width; j++) {
			const int32_t column = x + j * q->dilation_x;
			const int32_t pixel = row * q->in_width + column;

			if (q->padded && (row < 0 || row >= q->in_height || column < 0 ||
					  column >= q->in_width)) {
				sum += q->in_zero * utvm_sum(weights, p->depth);
			} else {
				sum = utvm_dot(image + pixel * q->in_channels, weights, p->depth,
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
	const struct utvm_convolution *const q = &p->whole;
	const int32_t patch = q->window_height * q->window_width * p->depth;
	const int32_t image = q->in_height * q->in_width * q->in_channels;

	for (int32_t line = 0; line < q->batches * q->height; line++) {
		const int32_t y = line % q->height * q->stride_y - q->pad_top;
		const int8_t *const batch = input + line / q->height * image;

		for (int32_t column = 0; column < q->width; column++) {
			const int32_t x = column * q->stride_x - q->pad_left;

			for (int32_t channel = 0; channel < q->channels; channel++) {
				const int8_t *const group =
					batch + channel / p->per_group * p->depth;
				const int32_t scale = q->per_channel ? channel : 0;
				int32_t sum = utvm_conv2d_grouped_sum(
					p, group, weights + channel * patch, y, x, bias[channel]);

				sum = utvm_requantize(sum, multiplier[scale], shift[scale]);
				*output++ = utvm_clamp(sum + q->out_zero, q->low, q->high);
			}
		}
	}
}
