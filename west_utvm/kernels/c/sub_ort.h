/* a - b as ONNX Runtime has it: in single precision, each step rounded. */
struct utvm_sub {
	struct utvm_broadcast shape;
	float a_scale;
	float b_scale;
	float scale;
	int32_t a_zero;
	int32_t b_zero;
	int32_t out_zero;
	int32_t low;
	int32_t high;
};

UTVM_INLINE int8_t utvm_sub_one(const struct utvm_sub *p, int32_t a, int32_t b)
{
	const float first = utvm_rounded((float)(a - p->a_zero) * p->a_scale);
	const float second = utvm_rounded((float)(b - p->b_zero) * p->b_scale);
	const float scaled = utvm_scaled_real(first - second, p->scale);

	return utvm_clamp(utvm_round(scaled) + p->out_zero, p->low, p->high);
}

UTVM_INLINE void utvm_sub(const struct utvm_sub *p, const int8_t *a, const int8_t *b,
			  int8_t *output)
{
	UTVM_BROADCAST(&p->shape, *output++ = utvm_sub_one(p, a[i], b[j]))
}
