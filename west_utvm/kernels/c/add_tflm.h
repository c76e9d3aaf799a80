/* a + sign * b: both on a scale of their own, with 20 bits more, and rounded twice. */
struct utvm_add {
	struct utvm_broadcast shape;
	int32_t a_zero;
	int32_t a_multiplier;
	int32_t a_shift;
	int32_t b_zero;
	int32_t b_multiplier;
	int32_t b_shift;
	int32_t multiplier;
	int32_t shift;
	int32_t sign;
	int32_t out_zero;
	int32_t low;
	int32_t high;
};

/* value, of 2^28 at most, times what is below one: its shift is not to the left. */
UTVM_INLINE int32_t utvm_add_rescaled(int32_t value, int32_t multiplier, int32_t shift)
{
	return utvm_divide_small_by_power(utvm_multiply_high_of_small(value, multiplier), -shift);
}

UTVM_INLINE int8_t utvm_add_one(const struct utvm_add *p, int32_t a, int32_t b)
{
	const int32_t bit = 1 << 20;
	const int32_t first =
		utvm_add_rescaled(a * bit - p->a_zero * bit, p->a_multiplier, p->a_shift);
	const int32_t second =
		utvm_add_rescaled(b * bit - p->b_zero * bit, p->b_multiplier, p->b_shift);
	const int32_t sum = first + p->sign * second;
	const int32_t result = utvm_add_rescaled(sum, p->multiplier, p->shift) + p->out_zero;

	return utvm_clamp(result, p->low, p->high);
}

UTVM_INLINE void utvm_add(const struct utvm_add *p, const int8_t *a, const int8_t *b,
			  int8_t *output)
{
	UTVM_BROADCAST(&p->shape, *output++ = utvm_add_one(p, a[i], b[j]))
}
