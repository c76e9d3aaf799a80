/*
 * Convolution without dilation along rows. What all windows of a line see is copied to a strip:
 * column by column, from top to bottom, with the zero point for what is outside of the image. A
 * window is then a run of bytes, and so are its weights, [channels][columns][rows][in_channels].
 */
struct utvm_mve_columns {
	int32_t batches;
	int32_t in_height;
	int32_t in_width;
	int32_t in_channels;
	int32_t height;
	int32_t width;
	int32_t window_height;
	int32_t window_width;
	int32_t stride_y;
	int32_t stride_x;
	int32_t dilation_y;
	int32_t dilation_x;
	int32_t pad_top;
	int32_t pad_left;
	int32_t in_zero;
	int32_t strip_width;
	struct utvm_mve_pixels pixels;
};

#if defined(__ARM_FEATURE_MVE)

/* count pieces of size bytes, step bytes apart in the strip; in the image side by side. */
UTVM_INLINE void utvm_mve_spread(int8_t *to, int32_t step, const int8_t *from, int32_t size,
				 int32_t count)
{
	if (size == 16) {
		__asm__ volatile("wls lr, %[count], 2f\n"
				 "1:\n\t"
				 "vldrb.8 q0, [%[from]], #16\n\t"
				 "vstrb.8 q0, [%[to]]\n\t"
				 "add %[to], %[step]\n\t"
				 "le lr, 1b\n"
				 "2:"
				 : [to] "+r"(to), [from] "+r"(from)
				 : [step] "r"(step), [count] "r"(count)
				 : "q0", "lr", "memory");
		return;
	}
	for (; count > 0; count--) {
		utvm_mve_copy(to, from, size);
		to += step;
		from += size;
	}
}

#else

UTVM_INLINE void utvm_mve_spread(int8_t *to, int32_t step, const int8_t *from, int32_t size,
				 int32_t count)
{
	for (; count > 0; count--) {
		memcpy(to, from, (size_t)size);
		to += step;
		from += size;
	}
}

#endif

/* The strip's part of one row of the image, at y, which may be outside. */
UTVM_INLINE void utvm_mve_strip_row(const struct utvm_mve_columns *p, const int8_t *image,
				    int32_t y, int8_t *strip)
{
	const int32_t depth = p->in_channels;
	const int32_t step = p->window_height * depth;
	const int32_t inside = utvm_min(p->in_width, p->strip_width - p->pad_left);

	if (y < 0 || y >= p->in_height) {
		for (int32_t x = 0; x < p->strip_width; x++) {
			utvm_mve_fill(strip + x * step, p->in_zero, depth);
		}
		return;
	}
	utvm_mve_spread(strip + p->pad_left * step, step, image + y * p->in_width * depth, depth,
			inside);
}

UTVM_INLINE void utvm_mve_columns_image(const struct utvm_mve_columns *p,
					utvm_mve_pixels_t *pixels, const int8_t *image,
					const int8_t *weights, const int32_t *quads, int8_t *strip, int8_t *output)
{
	const int32_t depth = p->in_channels;
	const int32_t step = p->window_height * depth;

	for (int32_t line = 0; line < p->height; line++) {
		for (int32_t row = 0; row < p->window_height; row++) {
			utvm_mve_strip_row(p, image,
					   line * p->stride_y - p->pad_top + row * p->dilation_y,
					   strip + row * depth);
		}
		pixels(&p->pixels, strip, p->stride_x * step, p->width, weights,
				quads, output);
		output += p->width * p->pixels.channels;
	}
}

UTVM_SHARED void utvm_mve_columns(const struct utvm_mve_columns *p, utvm_mve_pixels_t *pixels,
				  const int8_t *input, const int8_t *weights, const int32_t *quads, int8_t *strip, int8_t *output)
{
	/* The columns on either side of the image stay as they are. */
	utvm_mve_fill(strip, p->in_zero, p->strip_width * p->window_height * p->in_channels);
	for (int32_t batch = 0; batch < p->batches; batch++) {
		utvm_mve_columns_image(p, pixels, input, weights, quads, strip, output);
		input += p->in_height * p->in_width * p->in_channels;
		output += p->height * p->width * p->pixels.channels;
	}
}

UTVM_INLINE void utvm_mve_columns_any(const struct utvm_mve_columns *p, const int8_t *input,
				      const int8_t *weights, const int32_t *quads, void *scratch, int8_t *output)
{
	utvm_mve_columns(p, utvm_mve_pixels_any, input, weights, quads, scratch, output);
}

UTVM_INLINE void utvm_mve_columns_positive(const struct utvm_mve_columns *p, const int8_t *input,
					   const int8_t *weights, const int32_t *quads, void *scratch, int8_t *output)
{
	utvm_mve_columns(p, utvm_mve_pixels_positive, input, weights, quads, scratch,
			 output);
}
