/* A matrix of weights, OI, times each row of the input. Its zero point is folded into the bias. */
struct utvm_fully_connected {
	int32_t rows;
	int32_t in_features;
	int32_t features;
	int32_t per_channel;
	int32_t out_zero;
	int32_t low;
	int32_t high;
};

UTVM_INLINE void utvm_fully_connected(const struct utvm_fully_connected *p, const int8_t *input,
				      const int8_t *weights, const int32_t *bias,
				      const int32_t *multiplier, const int8_t *shift,
				      int8_t *output)
{
	for (int32_t row = 0; row < p->rows; row++) {
		for (int32_t feature = 0; feature < p->features; feature++) {
			const int32_t scale = p->per_channel ? feature : 0;
			int32_t sum = utvm_dot(input + row * p->in_features,
					       weights + feature * p->in_features, p->in_features,
					       bias[feature]);

			sum = utvm_requantize(sum, multiplier[scale], shift[scale]);
			*output++ = utvm_clamp(sum + p->out_zero, p->low, p->high);
		}
	}
}
