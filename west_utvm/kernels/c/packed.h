/*
 * Products of matrices for CPUs that multiply two pairs of 16 bits at once. Weights of two output
 * channels, a and b, are in one number of 16 bits, a + 256 * b: with these the sum is sum(a) +
 * 256 * sum(b), and with their lower bytes it is sum(a).
 */
struct utvm_packed {
	int32_t words; /* of 32 bits: a pair of inputs, for two channels; a multiple of 4 */
	int32_t channels;
	int32_t out_zero;
	int32_t low;
	int32_t high;
};

/* Sums of two channels for three pixels; b's are with those of a in them. */
struct utvm_sums {
	int32_t a0, a1, a2;
	int32_t b0, b1, b2;
};

/* Adds to the sums; the end of the weights that it took. */
UTVM_INLINE const int32_t *utvm_packed_dot(const int32_t *weights, const int32_t *inputs,
					   int32_t words, struct utvm_sums *sums)
{
	for (int32_t i = 0; i < words; i++, inputs += 3) {
		const int32_t both = *weights++;
		const int32_t first = utvm_even_bytes(both);

		sums->b0 = utvm_dot2(both, inputs[0], sums->b0);
		sums->b1 = utvm_dot2(both, inputs[1], sums->b1);
		sums->b2 = utvm_dot2(both, inputs[2], sums->b2);
		sums->a0 = utvm_dot2(first, inputs[0], sums->a0);
		sums->a1 = utvm_dot2(first, inputs[1], sums->a1);
		sums->a2 = utvm_dot2(first, inputs[2], sums->a2);
	}
	return weights;
}

/* The sum of channel b alone. */
UTVM_INLINE int32_t utvm_packed_second(int32_t both, int32_t first)
{
	return (int32_t)((uint32_t)both - (uint32_t)first) >> 8;
}

UTVM_INLINE int8_t utvm_packed_result(const struct utvm_packed *p, int narrow, int32_t sum,
				      struct utvm_scale scale)
{
	const int32_t result = utvm_saturated(utvm_requantized(sum, scale, p->out_zero));

	return narrow ? utvm_clamp(result, p->low, p->high) : (int8_t)result;
}

/*
 * All channels of up to three pixels. Missing ones are computed too, but their results are where
 * the first pixel's come last. packed has for two channels: their biases, weights and scales.
 */
UTVM_INLINE void utvm_packed_block(const struct utvm_packed *p, int narrow, const int32_t *inputs,
				   int32_t pixels, const int32_t *packed, int8_t *output)
{
	const int32_t pixel1 = pixels > 1 ? p->channels : 0;
	const int32_t pixel2 = pixels > 2 ? 2 * p->channels : 0;

	for (int32_t left = p->channels; left > 0; left -= 2) {
		struct utvm_sums sums = {packed[0], packed[0], packed[0],
					 packed[1], packed[1], packed[1]};
		struct utvm_scale scale;

		packed = utvm_packed_dot(packed + 2, inputs, p->words, &sums);
		scale = utvm_scale_at(packed);
		packed += UTVM_SCALE_WORDS;
		output[pixel2] = utvm_packed_result(p, narrow, sums.a2, scale);
		output[pixel1] = utvm_packed_result(p, narrow, sums.a1, scale);
		*output++ = utvm_packed_result(p, narrow, sums.a0, scale);
		if (left == 1) {
			break;
		}
		sums.b2 = utvm_packed_second(sums.b2, sums.a2);
		sums.b1 = utvm_packed_second(sums.b1, sums.a1);
		sums.b0 = utvm_packed_second(sums.b0, sums.a0);
		scale = utvm_scale_at(packed);
		packed += UTVM_SCALE_WORDS;
		output[pixel2] = utvm_packed_result(p, narrow, sums.b2, scale);
		output[pixel1] = utvm_packed_result(p, narrow, sums.b1, scale);
		*output++ = utvm_packed_result(p, narrow, sums.b0, scale);
	}
}

typedef void (*utvm_packed_kind)(const struct utvm_packed *p, const int32_t *inputs, int32_t pixels,
				 const int32_t *packed, int8_t *output);

/* For results that are clamped to less than int8. */
UTVM_SHARED void utvm_packed_narrow(const struct utvm_packed *p, const int32_t *inputs,
				    int32_t pixels, const int32_t *packed, int8_t *output)
{
	utvm_packed_block(p, 1, inputs, pixels, packed, output);
}
