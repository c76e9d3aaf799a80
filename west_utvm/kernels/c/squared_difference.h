/* (a - b)^2: both on a scale of their own, with 7 bits more, and rounded twice. */
struct utvm_squared_difference {
	struct utvm_broadcast shape;
	int32_t a_zero;
	int32_t a_multiplier;
	int32_t a_shift;
	int32_t b_zero;
	int32_t b_multiplier;
	int32_t b_shift;
	int32_t multiplier;
	int32_t shift;
	int32_t out_zero;
	int32_t low;
	int32_t high;
};

UTVM_INLINE int8_t utvm_squared_difference_one(const struct utvm_squared_difference *p, int32_t a,
					       int32_t b)
{
	const int32_t first =
		utvm_twice_rounded((a - p->a_zero) * 128, p->a_multiplier, p->a_shift);
	const int32_t second =
		utvm_twice_rounded((b - p->b_zero) * 128, p->b_multiplier, p->b_shift);
	const int32_t square = (first - second) * (first - second);

	return utvm_clamp(utvm_twice_rounded(square, p->multiplier, p->shift) + p->out_zero, p->low,
			  p->high);
}

UTVM_INLINE void utvm_squared_difference(const struct utvm_squared_difference *p, const int8_t *a,
					 const int8_t *b, int8_t *output)
{
	UTVM_BROADCAST(&p->shape, *output++ = utvm_squared_difference_one(p, a[i], b[j]))
}
