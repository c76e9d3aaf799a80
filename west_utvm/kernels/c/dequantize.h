/* int8 to float32. */
struct utvm_dequantize {
	int32_t count;
	float scale;
	int32_t zero_point;
};

UTVM_INLINE void utvm_dequantize(const struct utvm_dequantize *p, const int8_t *input,
				 float *output)
{
	for (int32_t i = 0; i < p->count; i++) {
		output[i] = p->scale * (float)(input[i] - p->zero_point);
	}
}
