/*
 * The product of two inputs as ONNX Runtime has it: product * multiplier / 2^shift in single
 * precision, to which the zero point is added before the result is rounded to an integer. The zero
 * point is the model's own, by the offset larger where that has uint8.
 */
struct utvm_mul {
	struct utvm_broadcast shape;
	int32_t a_zero;
	int32_t b_zero;
	int32_t multiplier;
	int32_t shift;
	int32_t out_zero;
	int32_t offset;
	int32_t low;
	int32_t high;
};

UTVM_INLINE int8_t utvm_mul_one(const struct utvm_mul *p, int32_t a, int32_t b)
{
	const int32_t product = (a - p->a_zero) * (b - p->b_zero);
	const uint32_t magnitude = (uint32_t)(product < 0 ? -product : product);
	const int64_t scaled = (int64_t)utvm_single((uint64_t)magnitude * (uint32_t)p->multiplier);
	const int64_t sum =
		(product < 0 ? -scaled : scaled) + p->out_zero * ((int64_t)1 << p->shift);
	const uint64_t single = utvm_single((uint64_t)(sum < 0 ? -sum : sum));
	const int32_t result = (int32_t)utvm_divide_to_even(single, p->shift);

	return utvm_clamp((sum < 0 ? -result : result) - p->offset, p->low, p->high);
}

UTVM_INLINE void utvm_mul(const struct utvm_mul *p, const int8_t *a, const int8_t *b,
			  int8_t *output)
{
	UTVM_BROADCAST(&p->shape, *output++ = utvm_mul_one(p, a[i], b[j]))
}
