/* float32 to int8. What is beyond the range is the nearest of its ends, and NaN stands for 0. */
struct utvm_quantize {
	int32_t count;
	float scale;
	int32_t zero_point;
};

UTVM_INLINE int8_t utvm_quantize_one(const struct utvm_quantize *p, float value)
{
	const float low = (float)(-128 - p->zero_point);
	const float high = (float)(127 - p->zero_point);
	float scaled = utvm_scaled_real(value, p->scale);

	if (scaled != scaled) {
		return (int8_t)p->zero_point;
	}
	scaled = scaled < low ? low : scaled;
	scaled = scaled > high ? high : scaled;
	return (int8_t)(utvm_round(scaled) + p->zero_point);
}

UTVM_INLINE void utvm_quantize(const struct utvm_quantize *p, const float *input, int8_t *output)
{
	for (int32_t i = 0; i < p->count; i++) {
		output[i] = utvm_quantize_one(p, input[i]);
	}
}
