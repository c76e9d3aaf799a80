/*
 * Convolution without dilation. The rows of the image and its borders that windows of a line see
 * are in a strip: row r of column x, all its channels, is piece number rows x + r, rows being
 * those of a window. So the window of an output pixel is a run of pieces, column by column, as its
 * weights are; and that of the pixel below begins one piece further: a row is copied once, over
 * what no window needs any more, and the output may overwrite the input.
 */
struct utvm_mve_columns {
	int32_t batches;
	int32_t in_height;
	int32_t in_width;
	int32_t in_channels;
	int32_t height;
	int32_t width;
	int32_t window_height;
	int32_t stride_y;
	int32_t stride_x;
	int32_t pad_top;
	int32_t pad_left;
	int32_t in_zero;
	int32_t columns; /* of the image and its borders */
	int32_t strip_size;
	struct utvm_mve_pixels pixels;
};

/* count pieces of size bytes, from step_in bytes apart to step_out bytes apart. */
UTVM_INLINE void utvm_mve_spread(int8_t *to, int32_t step_out, const int8_t *from, int32_t step_in,
				 int32_t size, int32_t count)
{
#if defined(__ARM_FEATURE_MVE)
	if (size == 16) {
		__asm__ volatile("wls lr, %[count], 2f\n"
				 "1:\n\t"
				 "vldrb.8 q0, [%[from]]\n\t"
				 "add %[from], %[in]\n\t"
				 "vstrb.8 q0, [%[to]]\n\t"
				 "add %[to], %[out]\n\t"
				 "le lr, 1b\n"
				 "2:"
				 : [to] "+r"(to), [from] "+r"(from)
				 : [out] "r"(step_out), [in] "r"(step_in), [count] "r"(count)
				 : "q0", "lr", "memory");
		return;
	}
	if (size < 16) {
		__asm__ volatile("vctp.8 %[size]\n\t"
				 "wls lr, %[count], 2f\n"
				 "1:\n\t"
				 "vpstt\n\t"
				 "vldrbt.8 q0, [%[from]]\n\t"
				 "vstrbt.8 q0, [%[to]]\n\t"
				 "add %[from], %[in]\n\t"
				 "add %[to], %[out]\n\t"
				 "le lr, 1b\n"
				 "2:"
				 : [to] "+r"(to), [from] "+r"(from)
				 : [out] "r"(step_out), [in] "r"(step_in), [count] "r"(count),
				   [size] "r"(size)
				 : "q0", "lr", "cc", "memory");
		return;
	}
#endif
	for (; count > 0; count--) {
		utvm_mve_copy(to, from, size);
		to += step_out;
		from += step_in;
	}
}

/* Columns outside of the image. */
UTVM_INLINE void utvm_mve_strip_border(const struct utvm_mve_columns *p, int32_t count, int8_t *to)
{
	for (; count > 0; count--) {
		utvm_mve_fill(to, p->in_zero, p->in_channels);
		to += p->window_height * p->in_channels;
	}
}

/* Row r of the image and its borders. */
UTVM_INLINE void utvm_mve_strip_row(const struct utvm_mve_columns *p, const int8_t *image,
				    int32_t r, int8_t *strip)
{
	const int32_t depth = p->in_channels;
	const int32_t step = p->window_height * depth;
	const int32_t y = r - p->pad_top;
	const int32_t inside = utvm_min(p->in_width, p->columns - p->pad_left);

	strip += r * depth;
	if (y < 0 || y >= p->in_height) {
		utvm_mve_strip_border(p, p->columns, strip);
		return;
	}
	utvm_mve_strip_border(p, p->pad_left, strip);
	strip += p->pad_left * step;
	utvm_mve_spread(strip, step, image + y * p->in_width * depth, depth, depth, inside);
	utvm_mve_strip_border(p, p->columns - p->pad_left - inside, strip + inside * step);
}

/* The last windows of lines with an odd number of them, two of which are a pair. */
struct utvm_mve_odd {
	int8_t *windows;
	int32_t count;
};

/* One line, whose windows begin at strip. */
UTVM_INLINE void utvm_mve_columns_line(const struct utvm_mve_columns *p, utvm_mve_pixels_t *pixels,
				       const int8_t *strip, const int8_t *weights,
				       const int32_t *quads, struct utvm_mve_odd *odd,
				       int8_t *output)
{
	const int32_t step = p->stride_x * p->window_height * p->in_channels;
	const int32_t depth = p->pixels.depth;
	const int32_t last = p->width - 1;
	const int32_t pitch = p->width * p->pixels.channels;
	struct utvm_mve_pixels apart = p->pixels;

	pixels(&p->pixels, strip, step, p->width / 2 * 2, weights, quads, output);
	if (p->width % 2 == 0) {
		return;
	}
	utvm_mve_copy(odd->windows + odd->count * depth, strip + last * step, depth);
	odd->count++;
	if (odd->count == 2) {
		apart.out_step = pitch;
		output += last * apart.channels - pitch;
		pixels(&apart, odd->windows, depth, 2, weights, quads, output);
		odd->count = 0;
	}
}

UTVM_SHARED void utvm_mve_columns(const struct utvm_mve_columns *p, utvm_mve_pixels_t *pixels,
				  const int8_t *input, const int8_t *weights, const int32_t *quads,
				  int8_t *strip, int8_t *output)
{
	struct utvm_mve_odd odd = {strip + p->strip_size, 0};

	for (int32_t batch = 0; batch < p->batches; batch++) {
		int32_t loaded = 0;

		for (int32_t line = 0; line < p->height; line++) {
			const int32_t first = line * p->stride_y;
			const int32_t end = first + p->window_height;

			for (loaded = utvm_max(loaded, first); loaded < end; loaded++) {
				utvm_mve_strip_row(p, input, loaded, strip);
			}
			utvm_mve_columns_line(p, pixels, strip + first * p->in_channels, weights,
					      quads, &odd, output);
			output += p->width * p->pixels.channels;
		}
		input += p->in_height * p->in_width * p->in_channels;
	}
	if (odd.count) {
		pixels(&p->pixels, odd.windows, 0, 1, weights, quads, output - p->pixels.channels);
	}
}

#define UTVM_MVE_COLUMNS(name)                                                                     \
	UTVM_INLINE void utvm_mve_columns_##name(                                                  \
		const struct utvm_mve_columns *p, const int8_t *input, const int8_t *weights,      \
		const int32_t *quads, void *scratch, int8_t *output)                               \
	{                                                                                          \
		utvm_mve_columns(p, utvm_mve_pixels_##name, input, weights, quads, scratch,        \
				 output);                                                          \
	}
UTVM_MVE_COLUMNS(any)
UTVM_MVE_COLUMNS(negative)
UTVM_MVE_COLUMNS(positive)
