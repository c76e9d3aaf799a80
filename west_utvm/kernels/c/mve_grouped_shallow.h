/*
 * Convolution by 1x1 in groups where any four output channels see at most 16 neighbouring input
 * channels, of one group or of several: they have weights of 0 for those that are not theirs.
 */
struct utvm_mve_grouped_shallow {
	struct utvm_mve_conv1x1 whole; /* its pixels are as deep as what four channels see */
	int32_t depth;                 /* input channels of a group */
	int32_t channels;              /* output channels of a group */
	int32_t last;                  /* the last input channel that four may begin with */
};

/* As utvm_mve_shallow_pixels. */
UTVM_INLINE void utvm_mve_grouped_line(const struct utvm_mve_grouped_shallow *p, int positive,
				       const int8_t *input, const int8_t *weights,
				       const int32_t *quads, int8_t *output)
{
	const struct utvm_mve_pixels *const pixels = &p->whole.pixels;
	const int32_t step = p->whole.pixel_step;

	for (int32_t left = p->whole.width; left > 0; left -= UTVM_MVE_SHALLOW_PIXELS) {
		const int32_t some = utvm_min(left, UTVM_MVE_SHALLOW_PIXELS);

		for (int32_t four = 0; four < pixels->channels / 4; four++) {
			const int32_t first = 4 * four / p->channels * p->depth;

			utvm_mve_shallow_four(pixels, positive, input + utvm_min(first, p->last),
					      step, some, weights + four * 64,
					      quads + four * UTVM_MVE_QUAD, output + four * 4);
		}
		input += UTVM_MVE_SHALLOW_PIXELS * step;
		output += UTVM_MVE_SHALLOW_PIXELS * pixels->channels;
	}
}

UTVM_INLINE void utvm_mve_grouped_lines(const struct utvm_mve_grouped_shallow *p, int positive,
					const int8_t *input, const int8_t *weights,
					const int32_t *quads, int8_t *output)
{
	const struct utvm_mve_conv1x1 *const whole = &p->whole;

	for (int32_t line = 0; line < whole->batches * whole->height; line++) {
		const int8_t *const from = input + line / whole->height * whole->batch_step +
					   line % whole->height * whole->line_step;

		utvm_mve_grouped_line(p, positive, from, weights, quads, output);
		output += whole->width * whole->pixels.channels;
	}
}

UTVM_SHARED void utvm_mve_grouped_shallow_negative(const struct utvm_mve_grouped_shallow *p,
						   const int8_t *input, const int8_t *weights,
						   const int32_t *quads, int8_t *output)
{
	utvm_mve_grouped_lines(p, 0, input, weights, quads, output);
}

UTVM_SHARED void utvm_mve_grouped_shallow_positive(const struct utvm_mve_grouped_shallow *p,
						   const int8_t *input, const int8_t *weights,
						   const int32_t *quads, int8_t *output)
{
	utvm_mve_grouped_lines(p, 1, input, weights, quads, output);
}
