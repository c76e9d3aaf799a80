/* Convolution by 1x1: lines of pixels, line_step and pixel_step bytes from each other. */
struct utvm_mve_conv1x1 {
	int32_t batches;
	int32_t batch_step;
	int32_t height;
	int32_t line_step;
	int32_t width;
	int32_t pixel_step;
	struct utvm_mve_pixels pixels;
};

UTVM_SHARED void utvm_mve_conv1x1(const struct utvm_mve_conv1x1 *p, utvm_mve_pixels_t *pixels,
				  const int8_t *input, const int8_t *weights, const int32_t *quads,
				  int8_t *output)
{
	for (int32_t batch = 0; batch < p->batches; batch++) {
		for (int32_t line = 0; line < p->height; line++) {
			pixels(&p->pixels, input + line * p->line_step, p->pixel_step, p->width,
			       weights, quads, output);
			output += p->width * p->pixels.channels;
		}
		input += p->batch_step;
	}
}

#define UTVM_MVE_CONV1X1(name)                                                                     \
	UTVM_INLINE void utvm_mve_conv1x1_##name(const struct utvm_mve_conv1x1 *p,                 \
						 const int8_t *input, const int8_t *weights,       \
						 const int32_t *quads, int8_t *output)             \
	{                                                                                          \
		utvm_mve_conv1x1(p, utvm_mve_pixels_##name, input, weights, quads, output);        \
	}
UTVM_MVE_CONV1X1(any)
UTVM_MVE_CONV1X1(negative)
UTVM_MVE_CONV1X1(positive)
