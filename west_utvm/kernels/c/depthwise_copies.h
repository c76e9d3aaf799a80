/* depthwise_taps.h for several output channels of each input channel. */

/* Four neighbours, from any input channels. */
UTVM_INLINE void utvm_taps_copies(const struct utvm_depthwise_taps *p, const int8_t *const *taps,
				  const int8_t *const *end, int32_t channel, const int8_t *weights,
				  const int32_t *constants, int8_t *output)
{
	const int32_t copies = p->copies;
	const int32_t from[] = {channel / copies, (channel + 1) / copies, (channel + 2) / copies,
				(channel + 3) / copies};
	const int32_t *const c1 = constants + UTVM_CHANNEL_WORDS;
	const int32_t *const c2 = c1 + UTVM_CHANNEL_WORDS;
	const int32_t *const c3 = c2 + UTVM_CHANNEL_WORDS;
	int32_t s0 = constants[0], s1 = c1[0], s2 = c2[0], s3 = c3[0];

	for (; taps != end; taps++, weights += p->channels) {
		const int8_t *const x = *taps;

		s0 += x[from[0]] * weights[0];
		s1 += x[from[1]] * weights[1];
		s2 += x[from[2]] * weights[2];
		s3 += x[from[3]] * weights[3];
	}
	output[0] = utvm_taps_result(p, s0, constants);
	output[1] = utvm_taps_result(p, s1, c1);
	output[2] = utvm_taps_result(p, s2, c2);
	output[3] = utvm_taps_result(p, s3, c3);
}

/* All channels of a pixel. */
UTVM_SHARED void utvm_copies_pixel(const struct utvm_depthwise_taps *p, const int8_t *const *taps,
				   const int8_t *weights, const int32_t *constants, int8_t *output)
{
	const int8_t *const *const end =
		taps + p->window.window_height * p->window.window_width;
	int32_t channel = 0;

	for (; channel < p->channels - 3; channel += 4) {
		utvm_taps_copies(p, taps, end, channel, weights + channel, constants,
				 output + channel);
		constants += 4 * UTVM_CHANNEL_WORDS;
	}
	for (; channel < p->channels; channel++) {
		utvm_taps_channel(p, taps, end, channel / p->copies, weights + channel, constants,
				  output + channel);
		constants += UTVM_CHANNEL_WORDS;
	}
}

UTVM_SHARED void utvm_depthwise_copies(const struct utvm_depthwise_taps *p, const int8_t *input,
				       const int8_t *weights, const int32_t *constants,
				       void *scratch, int8_t *output)
{
	utvm_taps_image(p, utvm_copies_pixel, input, weights, constants, scratch, output);
}
