/*
 * Transposed convolution. What reaches an output depends on its place: of rows, and of columns, a
 * stride apart the same taps do, those of a phase. Each phase is a convolution without a stride,
 * whose windows are copied to rows, for two outputs at a time; all have as many taps, of which some
 * may be zero. Weights and quads are those of one phase after the other, rows first.
 */
struct utvm_mve_conv2d_transpose {
	int32_t height;
	int32_t width;
	int32_t stride_y;
	int32_t stride_x;
	int32_t pad_top;
	int32_t pad_left;
	int32_t weights; /* bytes of a phase */
	int32_t quads;   /* words of a phase */
	struct utvm_mve_conv2d phase;
};

/* The outputs of one phase in a line, whose windows begin with row y, which may be outside. */
UTVM_INLINE void utvm_mve_conv2d_transpose_run(const struct utvm_mve_conv2d_transpose *p,
					       utvm_mve_pixels_t *pixels, const int8_t *image,
					       int32_t y, int32_t first, const int8_t *weights,
					       const int32_t *quads, int8_t *patches,
					       int8_t *output)
{
	const struct utvm_window *const window = &p->phase.window;
	const struct utvm_taps rows = utvm_taps(y, window->in_height, window->window_height, 1);
	const int32_t depth = p->phase.pixels.depth;
	const int32_t channels = p->phase.pixels.channels;
	int32_t x = (first + p->pad_left) / p->stride_x - (window->window_width - 1);
	int32_t waiting = 0;

	for (int32_t column = first; column < p->width; column += p->stride_x) {
		const int32_t last = column + p->stride_x >= p->width;

		utvm_mve_window(&p->phase, image, rows, y, x, patches + waiting * depth);
		waiting++;
		x++;
		if (waiting == 2 || last) {
			const int32_t begin = column - (waiting - 1) * p->stride_x;

			pixels(&p->phase.pixels, patches, depth, waiting, weights, quads,
			       output + begin * channels);
			waiting = 0;
		}
	}
}

UTVM_SHARED void utvm_mve_conv2d_transpose(const struct utvm_mve_conv2d_transpose *p,
					   utvm_mve_pixels_t *pixels, const int8_t *input,
					   const int8_t *weights, const int32_t *quads,
					   int8_t *patches, int8_t *output)
{
	const struct utvm_window *const window = &p->phase.window;
	const int32_t size = window->in_height * window->in_width * window->in_channels;

	for (int32_t line = 0; line < p->phase.batches * p->height; line++) {
		const int32_t place = line % p->height + p->pad_top;
		const int32_t y = place / p->stride_y - (window->window_height - 1);

		for (int32_t first = 0; first < utvm_min(p->stride_x, p->width); first++) {
			const int32_t phase = place % p->stride_y * p->stride_x +
					      (first + p->pad_left) % p->stride_x;

			utvm_mve_conv2d_transpose_run(p, pixels, input + line / p->height * size, y,
						      first, weights + phase * p->weights,
						      quads + phase * p->quads, patches, output);
		}
		output += p->width * p->phase.pixels.channels;
	}
}

#define UTVM_MVE_CONV2D_TRANSPOSE(name)                                                            \
	UTVM_INLINE void utvm_mve_conv2d_transpose_##name(                                         \
		const struct utvm_mve_conv2d_transpose *p, const int8_t *input,                    \
		const int8_t *weights, const int32_t *quads, void *scratch, int8_t *output)        \
	{                                                                                          \
		utvm_mve_conv2d_transpose(p, utvm_mve_pixels_##name, input, weights, quads,        \
					  scratch, output);                                        \
	}
UTVM_MVE_CONV2D_TRANSPOSE(any)
UTVM_MVE_CONV2D_TRANSPOSE(negative)
UTVM_MVE_CONV2D_TRANSPOSE(positive)
