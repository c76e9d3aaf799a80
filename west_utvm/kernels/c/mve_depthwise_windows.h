/*
 * Depthwise convolution without dilation, of windows of at most 64 taps: from strips. Where these
 * are full, the rows that windows still need are moved to their beginning.
 */
struct utvm_mve_depthwise_windows {
	int32_t batches;
	int32_t height;
	int32_t rows; /* of a window */
	int32_t stride_y;
	int32_t most; /* the last row of a strip that a window may begin at */
	struct utvm_mve_strips_image image;
	struct utvm_mve_windows windows;
};

/* What is some bytes further in each strip, to its beginning. */
UTVM_INLINE void utvm_mve_strips_move(const struct utvm_mve_strips_image *p, int8_t *strips,
				      int32_t further)
{
	const int32_t size = utvm_max(p->pitch - further, 0);

	for (int32_t channel = 0; channel < p->channels; channel++) {
#if defined(__ARM_FEATURE_MVE)
		/* Upwards: bytes are read before they are written. */
		utvm_mve_copy(strips, strips + further, size);
#else
		memmove(strips, strips + further, (size_t)size);
#endif
		strips += p->pitch;
	}
}

UTVM_INLINE void utvm_mve_depthwise_windows(const struct utvm_mve_depthwise_windows *p,
					    int positive, int vectors, int shared, const int8_t *input,
					    const int32_t *records, int8_t *strips, int8_t *output)
{
	for (int32_t batch = 0; batch < p->batches; batch++) {
		int32_t loaded = 0;
		int32_t origin = 0; /* the row that strips begin with */

		for (int32_t line = 0; line < p->height; line++) {
			const int32_t first = line * p->stride_y;

			if (first - origin > p->most) {
				utvm_mve_strips_move(&p->image, strips, first - origin);
				origin = first;
			}
			for (loaded = utvm_max(loaded, first); loaded < first + p->rows;
			     loaded++) {
				utvm_mve_strips_load(&p->image, input, p->rows, loaded,
						     p->image.channels == 1,
						     strips + loaded - origin);
			}
			utvm_mve_windows(&p->windows, positive, vectors, shared, strips + first - origin,
					 records, p->windows.channels, output);
			output += p->windows.count * p->windows.channels;
		}
		input += p->image.height * p->image.width * p->image.channels;
	}
}

#define UTVM_MVE_DEPTHWISE_WINDOWS(name, positive, vectors, shared)                                \
	UTVM_SHARED void utvm_mve_depthwise_windows_##name##_##vectors##_##shared(                 \
		const struct utvm_mve_depthwise_windows *p, const int8_t *input,                   \
		const int32_t *records, void *scratch, int8_t *output)                             \
	{                                                                                          \
		utvm_mve_depthwise_windows(p, positive, vectors, shared, input, records, scratch, output);\
	}
UTVM_MVE_DEPTHWISE_WINDOWS(negative, 0, 1, 1)
UTVM_MVE_DEPTHWISE_WINDOWS(negative, 0, 1, 2)
UTVM_MVE_DEPTHWISE_WINDOWS(negative, 0, 1, 4)
UTVM_MVE_DEPTHWISE_WINDOWS(negative, 0, 2, 1)
UTVM_MVE_DEPTHWISE_WINDOWS(negative, 0, 2, 2)
UTVM_MVE_DEPTHWISE_WINDOWS(negative, 0, 3, 1)
UTVM_MVE_DEPTHWISE_WINDOWS(negative, 0, 4, 1)
UTVM_MVE_DEPTHWISE_WINDOWS(positive, 1, 1, 1)
UTVM_MVE_DEPTHWISE_WINDOWS(positive, 1, 1, 2)
UTVM_MVE_DEPTHWISE_WINDOWS(positive, 1, 1, 4)
UTVM_MVE_DEPTHWISE_WINDOWS(positive, 1, 2, 1)
UTVM_MVE_DEPTHWISE_WINDOWS(positive, 1, 2, 2)
UTVM_MVE_DEPTHWISE_WINDOWS(positive, 1, 3, 1)
UTVM_MVE_DEPTHWISE_WINDOWS(positive, 1, 4, 1)
