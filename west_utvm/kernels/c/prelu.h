/* An input where it is not negative, else its product with a slope. */
struct utvm_prelu {
	struct utvm_broadcast shape;
	int32_t zero;
	int32_t slope_zero;
	int32_t above_multiplier;
	int32_t above_shift;
	int32_t below_multiplier;
	int32_t below_shift;
	int32_t out_zero;
	int32_t low;
	int32_t high;
};

UTVM_INLINE int8_t utvm_prelu_one(const struct utvm_prelu *p, int32_t value, int32_t slope)
{
	const int32_t centered = value - p->zero;
	const int32_t product = centered * (slope - p->slope_zero);
	const int32_t result =
		centered >= 0 ? utvm_twice_rounded(centered, p->above_multiplier, p->above_shift)
			      : utvm_twice_rounded(product, p->below_multiplier, p->below_shift);

	return utvm_clamp(result + p->out_zero, p->low, p->high);
}

UTVM_INLINE void utvm_prelu(const struct utvm_prelu *p, const int8_t *input, const int8_t *slopes,
			    int8_t *output)
{
	UTVM_BROADCAST(&p->shape, *output++ = utvm_prelu_one(p, input[i], slopes[j]))
}
