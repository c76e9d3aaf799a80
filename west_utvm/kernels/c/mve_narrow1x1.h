/*
 * Convolution by 1x1 of at most 64 input channels, channel by channel, for numbers of channels that
 * are no multiples of four.
 */
struct utvm_mve_narrow1x1 {
	struct utvm_mve_conv1x1 lines;
	int32_t safe; /* pixels of a line behind which vectors of weights do not reach beyond it */
	int32_t some; /* pixels, all channels of which come before those of the next */
};

/* Pixels of a line; the last of them from a copy. */
UTVM_INLINE void utvm_mve_narrow1x1_line(const struct utvm_mve_narrow1x1 *p, int positive,
					 int vectors, int shared, const int8_t *input,
					 const int32_t *records, int8_t *scratch, int8_t *output)
{
	const int32_t step = p->lines.pixel_step;
	const int32_t depth = p->lines.pixels.depth;
	const int32_t channels = p->lines.pixels.channels;
	const int32_t out_zero = p->lines.pixels.range.out_zero;
	const int32_t width = p->lines.width;

	for (int32_t first = 0; first < width;) {
		const int32_t end = first < p->safe ? p->safe : width;
		const int32_t count = utvm_min(end - first, p->some);
		const struct utvm_mve_windows windows =
			utvm_mve_windows_of(depth, channels, out_zero, step, count);
		const int8_t *pixels = input + first * step;

		if (first >= p->safe) {
			utvm_mve_copy(scratch, pixels, (count - 1) * step + depth);
			pixels = scratch;
		}
		utvm_mve_windows(&windows, positive, vectors, shared, pixels, records, channels,
				 output + first * channels);
		first += count;
	}
}

UTVM_INLINE void utvm_mve_narrow1x1(const struct utvm_mve_narrow1x1 *p, int positive, int vectors,
				    int shared, const int8_t *input, const int32_t *records,
				    int8_t *scratch, int8_t *output)
{
	for (int32_t line = 0; line < p->lines.batches * p->lines.height; line++) {
		const int32_t offset = line / p->lines.height * p->lines.batch_step +
				       line % p->lines.height * p->lines.line_step;

		utvm_mve_narrow1x1_line(p, positive, vectors, shared, input + offset, records,
					scratch, output);
		output += p->lines.width * p->lines.pixels.channels;
	}
}

#define UTVM_MVE_NARROW1X1(name, positive, vectors, shared)                                        \
	UTVM_SHARED void utvm_mve_narrow1x1_##name##_##vectors##_##shared(                         \
		const struct utvm_mve_narrow1x1 *p, const int8_t *input, const int32_t *records,   \
		void *scratch, int8_t *output)                                                     \
	{                                                                                          \
		utvm_mve_narrow1x1(p, positive, vectors, shared, input, records, scratch, output); \
	}
UTVM_MVE_NARROW1X1(negative, 0, 1, 1)
UTVM_MVE_NARROW1X1(negative, 0, 1, 2)
UTVM_MVE_NARROW1X1(negative, 0, 1, 4)
UTVM_MVE_NARROW1X1(negative, 0, 2, 1)
UTVM_MVE_NARROW1X1(negative, 0, 2, 2)
UTVM_MVE_NARROW1X1(negative, 0, 3, 1)
UTVM_MVE_NARROW1X1(negative, 0, 4, 1)
UTVM_MVE_NARROW1X1(positive, 1, 1, 1)
UTVM_MVE_NARROW1X1(positive, 1, 1, 2)
UTVM_MVE_NARROW1X1(positive, 1, 1, 4)
UTVM_MVE_NARROW1X1(positive, 1, 2, 1)
UTVM_MVE_NARROW1X1(positive, 1, 2, 2)
UTVM_MVE_NARROW1X1(positive, 1, 3, 1)
UTVM_MVE_NARROW1X1(positive, 1, 4, 1)
