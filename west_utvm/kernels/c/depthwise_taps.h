/*
 * Depthwise convolution of any window. Where each of its taps is, is found once a pixel; taps
 * outside of the image are in a row of zero points. Weights are HWC; constants are for each channel
 * its bias and its scale.
 */
struct utvm_depthwise_taps {
	struct utvm_window window;
	int32_t batches;
	int32_t channels;
	int32_t copies; /* output channels of one input channel */
	int32_t out_zero;
	int32_t low;
	int32_t high;
};

UTVM_INLINE int8_t utvm_taps_result(const struct utvm_depthwise_taps *p, int32_t sum,
				    const int32_t *constants)
{
	const int32_t result = utvm_requantized(sum, utvm_scale_at(constants + 1), p->out_zero);

	return (int8_t)utvm_min(utvm_max(utvm_saturated(result), p->low), p->high);
}

UTVM_INLINE void utvm_taps_channel(const struct utvm_depthwise_taps *p, const int8_t *const *taps,
				   const int8_t *const *end, int32_t channel, const int8_t *weights,
				   const int32_t *constants, int8_t *output)
{
	int32_t sum = constants[0];

	for (; taps != end; taps++, weights += p->channels) {
		sum += (*taps)[channel] * *weights;
	}
	*output = utvm_taps_result(p, sum, constants);
}

/* Four neighbours, each from an input channel of its own. */
UTVM_INLINE void utvm_taps_four(const struct utvm_depthwise_taps *p, const int8_t *const *taps,
				const int8_t *const *end, int32_t channel, const int8_t *weights,
				const int32_t *constants, int8_t *output)
{
	const int32_t *const c1 = constants + UTVM_CHANNEL_WORDS;
	const int32_t *const c2 = c1 + UTVM_CHANNEL_WORDS;
	const int32_t *const c3 = c2 + UTVM_CHANNEL_WORDS;
	int32_t s0 = constants[0], s1 = c1[0], s2 = c2[0], s3 = c3[0];

	for (; taps != end; taps++, weights += p->channels) {
		const int8_t *const x = *taps + channel;
#if defined(UTVM_DSP)
		const int32_t word = utvm_load4(x), by = utvm_load4(weights);
		const int32_t even = utvm_even_bytes(word), odd = utvm_odd_bytes(word);
		const int32_t by_even = utvm_even_bytes(by), by_odd = utvm_odd_bytes(by);

		s0 = utvm_dot_low(even, by_even, s0);
		s1 = utvm_dot_low(odd, by_odd, s1);
		s2 = utvm_dot_high(even, by_even, s2);
		s3 = utvm_dot_high(odd, by_odd, s3);
#else
		s0 += x[0] * weights[0];
		s1 += x[1] * weights[1];
		s2 += x[2] * weights[2];
		s3 += x[3] * weights[3];
#endif
	}
	output[0] = utvm_taps_result(p, s0, constants);
	output[1] = utvm_taps_result(p, s1, c1);
	output[2] = utvm_taps_result(p, s2, c2);
	output[3] = utvm_taps_result(p, s3, c3);
}

/* Where the taps of the window are that starts at row y and column x. */
UTVM_INLINE void utvm_taps_find(const struct utvm_window *w, const int8_t *image,
				const int8_t *zeros, int32_t y, int32_t x, const int8_t **taps)
{
	for (int32_t i = 0; i < w->window_height; i++, y += w->dilation_y) {
		const int8_t *const row = image + y * w->in_width * w->in_channels;
		const int inside = y >= 0 && y < w->in_height;
		int32_t column = x;

		for (int32_t j = 0; j < w->window_width; j++, column += w->dilation_x) {
			*taps++ = inside && column >= 0 && column < w->in_width
					  ? row + column * w->in_channels
					  : zeros;
		}
	}
}

typedef void (*utvm_taps_kind)(const struct utvm_depthwise_taps *p, const int8_t *const *taps,
			       const int8_t *weights, const int32_t *constants, int8_t *output);

/* All channels of a pixel, each from an input channel of its own. */
UTVM_SHARED void utvm_taps_pixel(const struct utvm_depthwise_taps *p, const int8_t *const *taps,
				 const int8_t *weights, const int32_t *constants, int8_t *output)
{
	const int8_t *const *const end =
		taps + p->window.window_height * p->window.window_width;
	int32_t channel = 0;

	for (; channel < p->channels - 3; channel += 4) {
		utvm_taps_four(p, taps, end, channel, weights + channel, constants,
			       output + channel);
		constants += 4 * UTVM_CHANNEL_WORDS;
	}
	for (; channel < p->channels; channel++) {
		utvm_taps_channel(p, taps, end, channel, weights + channel, constants,
				  output + channel);
		constants += UTVM_CHANNEL_WORDS;
	}
}

UTVM_INLINE void utvm_taps_image(const struct utvm_depthwise_taps *p, utvm_taps_kind pixel,
				 const int8_t *input, const int8_t *weights,
				 const int32_t *constants, void *scratch, int8_t *output)
{
	const struct utvm_window *const w = &p->window;
	const int8_t **const taps = scratch;
	int8_t *const zeros = (int8_t *)(taps + w->window_height * w->window_width);

	memset(zeros, w->in_zero, (size_t)w->in_channels);
	for (int32_t line = 0; line < p->batches * w->height; line++) {
		const int32_t y = line % w->height * w->stride_y - w->pad_top;
		const int8_t *const image =
			input + line / w->height * w->in_height * w->in_width * w->in_channels;

		for (int32_t column = 0; column < w->width; column++) {
			utvm_taps_find(w, image, zeros, y, column * w->stride_x - w->pad_left,
				       taps);
			pixel(p, taps, weights, constants, output);
			output += p->channels;
		}
	}
}

UTVM_SHARED void utvm_depthwise_taps(const struct utvm_depthwise_taps *p, const int8_t *input,
				     const int8_t *weights, const int32_t *constants, void *scratch,
				     int8_t *output)
{
	utvm_taps_image(p, utvm_taps_pixel, input, weights, constants, scratch, output);
}
