/*
 * Transposed convolution: each pixel of the input is spread over a window of the output, windows a
 * stride apart. Here each output sums what reaches it. NHWC, weights OHWI.
 */
struct utvm_conv2d_transpose {
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
	int32_t pad_top;
	int32_t pad_left;
	int32_t per_channel;
	int32_t own;
	int32_t in_zero;
	int32_t out_zero;
	int32_t low;
	int32_t high;
};

/* If p->own as LiteRT's own kernel has it: rounded twice, halves up; else as the model's mode. */
UTVM_INLINE int32_t utvm_conv2d_transpose_scaled(const struct utvm_conv2d_transpose *p,
						 int32_t value, int32_t multiplier, int32_t shift)
{
	if (!p->own) {
		return utvm_requantize(value, multiplier, shift);
	}
	value = (int32_t)((uint32_t)value << (shift > 0 ? shift : 0));
	value = utvm_multiply_high(value, multiplier);
	return shift < 0 ? (value + (1 << (-shift - 1))) >> -shift : value;
}

/* The row or column of the input whose tap reaches a place, which is offset by it; -1: none. */
UTVM_INLINE int32_t utvm_conv2d_transpose_from(int32_t place, int32_t stride, int32_t size)
{
	return place >= 0 && place % stride == 0 && place / stride < size ? place / stride : -1;
}

/* The sum of one output before requantization; y and x are its place, padding included. */
UTVM_INLINE int32_t utvm_conv2d_transpose_sum(const struct utvm_conv2d_transpose *p,
					      const int8_t *image, const int8_t *weights,
					      int32_t y, int32_t x, int32_t sum)
{
	for (int32_t i = 0; i < p->window_height; i++) {
		const int32_t row = utvm_conv2d_transpose_from(y - i, p->stride_y, p->in_height);

		for (int32_t j = 0; row >= 0 && j < p->window_width; j++) {
			const int32_t column =
				utvm_conv2d_transpose_from(x - j, p->stride_x, p->in_width);
			const int8_t *const pixel =
				image + (row * p->in_width + column) * p->in_channels;
			const int8_t *const tap =
				weights + (i * p->window_width + j) * p->in_channels;

			for (int32_t k = 0; column >= 0 && k < p->in_channels; k++) {
				sum += (pixel[k] - p->in_zero) * tap[k];
			}
		}
	}
	return sum;
}

UTVM_INLINE void utvm_conv2d_transpose(const struct utvm_conv2d_transpose *p, const int8_t *input,
				       const int8_t *weights, const int32_t *bias,
				       const int32_t *multiplier, const int8_t *shift,
				       int8_t *output)
{
	const int32_t patch = p->window_height * p->window_width * p->in_channels;
	const int32_t image = p->in_height * p->in_width * p->in_channels;

	for (int32_t line = 0; line < p->batches * p->height; line++) {
		const int32_t y = line % p->height + p->pad_top;
		const int8_t *const batch = input + line / p->height * image;

		for (int32_t x = p->pad_left; x < p->pad_left + p->width; x++) {
			for (int32_t channel = 0; channel < p->channels; channel++) {
				const int32_t scale = p->per_channel ? channel : 0;
				int32_t sum = utvm_conv2d_transpose_sum(
					p, batch, weights + channel * patch, y, x, bias[channel]);

				sum = utvm_conv2d_transpose_scaled(p, sum, multiplier[scale],
								   shift[scale]);
				*output++ = utvm_clamp(sum + p->out_zero, p->low, p->high);
			}
		}
	}
}
