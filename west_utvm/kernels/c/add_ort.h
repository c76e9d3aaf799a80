/*
 * a * a_ratio + (b * b_ratio + fixed) as ONNX Runtime has it on x86-64: two fused multiplications
 * and additions in single precision, then to an integer, halves to even. Here in integers, which
 * hold what is rounded exactly: a ratio is multiplier / 2^shift. The offset is 128 where the model
 * has uint8.
 */
struct utvm_add {
	struct utvm_broadcast shape;
	int64_t a_multiplier;
	int64_t b_multiplier;
	int64_t fixed;
	int32_t shift;
	int32_t offset;
	int32_t low;
	int32_t high;
};

UTVM_INLINE int64_t utvm_signed_single(int64_t value)
{
	return value < 0 ? -(int64_t)utvm_single((uint64_t)-value)
			 : (int64_t)utvm_single((uint64_t)value);
}

UTVM_INLINE int8_t utvm_add_one(const struct utvm_add *p, int32_t a, int32_t b)
{
	const int64_t first = utvm_signed_single(p->fixed + (b + p->offset) * p->b_multiplier);
	const int64_t sum = utvm_signed_single(first + (a + p->offset) * p->a_multiplier);
	const uint64_t magnitude = (uint64_t)(sum < 0 ? -sum : sum);
	const int32_t result = (int32_t)utvm_divide_to_even(magnitude, p->shift);

	return utvm_clamp((sum < 0 ? -result : result) - p->offset, p->low, p->high);
}

UTVM_INLINE void utvm_add(const struct utvm_add *p, const int8_t *a, const int8_t *b,
			  int8_t *output)
{
	UTVM_BROADCAST(&p->shape, *output++ = utvm_add_one(p, a[i], b[j]))
}
