/*
 * Convolution: what the windows of two output pixels see is copied to two rows, with the zero
 * point for what is outside of the image.
 */
struct utvm_mve_conv2d {
	int32_t batches;
	struct utvm_window window;
	struct utvm_mve_pixels pixels;
};

/* One row of the window: count pixels within the image, with others before and after them. */
UTVM_INLINE int8_t *utvm_mve_window_row(const struct utvm_mve_conv2d *p, const int8_t *input,
					struct utvm_taps columns, int8_t *to)
{
	const int32_t depth = p->window.in_channels;
	const int32_t inside = columns.end - columns.begin;
	const int32_t after = p->window.window_width - columns.end;

	if (columns.begin > 0) {
		utvm_mve_fill(to, p->window.in_zero, columns.begin * depth);
		to += columns.begin * depth;
	}
	if (p->window.dilation_x == 1) {
		utvm_mve_copy(to, input + columns.begin * depth, inside * depth);
		to += inside * depth;
	} else {
		for (int32_t x = columns.begin; x < columns.end; x++) {
			utvm_mve_copy(to, input + x * p->window.dilation_x * depth, depth);
			to += depth;
		}
	}
	if (after > 0) {
		utvm_mve_fill(to, p->window.in_zero, after * depth);
		to += after * depth;
	}
	return to;
}

/* The window whose first tap is at row y and column x, either of which may be outside. */
UTVM_INLINE void utvm_mve_window(const struct utvm_mve_conv2d *p, const int8_t *image,
				 struct utvm_taps rows, int32_t y, int32_t x, int8_t *to)
{
	const int32_t depth = p->window.in_channels;
	const int32_t size = p->window.window_width * depth;
	const int32_t pitch = p->window.dilation_y * p->window.in_width * depth;
	const struct utvm_taps columns = utvm_taps(x, p->window.in_width, p->window.window_width, p->window.dilation_x);
	const int32_t after = p->window.window_height - rows.end;
	int32_t offset = (y * p->window.in_width + x) * depth + rows.begin * pitch;

	if (rows.begin > 0) {
		utvm_mve_fill(to, p->window.in_zero, rows.begin * size);
		to += rows.begin * size;
	}
	for (int32_t row = rows.begin; row < rows.end; row++) {
		to = utvm_mve_window_row(p, image + offset, columns, to);
		offset += pitch;
	}
	if (after > 0) {
		utvm_mve_fill(to, p->window.in_zero, after * size);
	}
}

UTVM_SHARED void utvm_mve_conv2d(const struct utvm_mve_conv2d *p, utvm_mve_pixels_t *pixels,
				 const int8_t *input, const int8_t *weights, const int32_t *quads,
				 int8_t *patches, int8_t *output)
{
	const int32_t depth = p->pixels.depth;
	const int32_t channels = p->pixels.channels;
	int32_t waiting = 0;

	for (int32_t line = 0; line < p->batches * p->window.height; line++) {
		const int32_t y = line % p->window.height * p->window.stride_y - p->window.pad_top;
		const struct utvm_taps rows =
			utvm_taps(y, p->window.in_height, p->window.window_height, p->window.dilation_y);
		const int8_t *const image =
			input + line / p->window.height * p->window.in_height * p->window.in_width * p->window.in_channels;

		for (int32_t column = 0; column < p->window.width; column++) {
			utvm_mve_window(p, image, rows, y, column * p->window.stride_x - p->window.pad_left,
					patches + waiting * depth);
			if (waiting) {
				pixels(&p->pixels, patches, depth, 2, weights, quads, output);
				output += 2 * channels;
			}
			waiting = !waiting;
		}
	}
	if (waiting) {
		pixels(&p->pixels, patches, depth, 1, weights, quads, output);
	}
}

#define UTVM_MVE_CONV2D(name)                                                                      \
	UTVM_INLINE void utvm_mve_conv2d_##name(                                                   \
		const struct utvm_mve_conv2d *p, const int8_t *input, const int8_t *weights,       \
		const int32_t *quads, void *scratch, int8_t *output)                               \
	{                                                                                          \
		utvm_mve_conv2d(p, utvm_mve_pixels_##name, input, weights, quads, scratch,         \
				output);                                                           \
	}
UTVM_MVE_CONV2D(any)
UTVM_MVE_CONV2D(negative)
UTVM_MVE_CONV2D(positive)
