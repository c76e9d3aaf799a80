/*
 * Convolution whose windows have at most 64 products, channel by channel: for very few products, or
 * for numbers of channels that are no multiples of four.
 */
UTVM_INLINE void utvm_mve_narrow(const struct utvm_mve_columns *p, int positive, int vectors,
				 int shared, const int8_t *input, const int32_t *records,
				 int8_t *strip, int8_t *output)
{
	const int32_t step = p->stride_x * p->window_height * p->in_channels;
	const struct utvm_mve_windows windows =
		utvm_mve_windows_of(p->pixels.depth, p->pixels.channels,
				    p->pixels.range.out_zero, step, p->width);

	for (int32_t batch = 0; batch < p->batches; batch++) {
		int32_t loaded = 0;

		for (int32_t line = 0; line < p->height; line++) {
			const int32_t first = line * p->stride_y;
			const int32_t end = first + p->window_height;

			for (loaded = utvm_max(loaded, first); loaded < end; loaded++) {
				utvm_mve_strip_row(p, input, loaded, strip);
			}
			utvm_mve_windows(&windows, positive, vectors, shared,
					 strip + first * p->in_channels, records,
					 windows.channels, output);
			output += p->width * windows.channels;
		}
		input += p->in_height * p->in_width * p->in_channels;
	}
}

#define UTVM_MVE_NARROW(name, positive, vectors, shared)                                           \
	UTVM_SHARED void utvm_mve_narrow_##name##_##vectors##_##shared(                            \
		const struct utvm_mve_columns *p, const int8_t *input, const int32_t *records,     \
		void *scratch, int8_t *output)                                                     \
	{                                                                                          \
		utvm_mve_narrow(p, positive, vectors, shared, input, records, scratch, output);    \
	}
UTVM_MVE_NARROW(negative, 0, 1, 1)
UTVM_MVE_NARROW(negative, 0, 1, 2)
UTVM_MVE_NARROW(negative, 0, 1, 4)
UTVM_MVE_NARROW(negative, 0, 2, 1)
UTVM_MVE_NARROW(negative, 0, 2, 2)
UTVM_MVE_NARROW(negative, 0, 3, 1)
UTVM_MVE_NARROW(negative, 0, 4, 1)
UTVM_MVE_NARROW(positive, 1, 1, 1)
UTVM_MVE_NARROW(positive, 1, 1, 2)
UTVM_MVE_NARROW(positive, 1, 1, 4)
UTVM_MVE_NARROW(positive, 1, 2, 1)
UTVM_MVE_NARROW(positive, 1, 2, 2)
UTVM_MVE_NARROW(positive, 1, 3, 1)
UTVM_MVE_NARROW(positive, 1, 4, 1)
