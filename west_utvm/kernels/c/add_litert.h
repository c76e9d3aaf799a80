/* a * a_multiplier + b * b_multiplier + bias, shifted: the bias has the zero points and a half. */
struct utvm_add {
	struct utvm_broadcast shape;
	int32_t a_multiplier;
	int32_t b_multiplier;
	int32_t bias;
	int32_t shift;
	int32_t out_zero;
	int32_t low;
	int32_t high;
};

UTVM_INLINE int8_t utvm_add_one(const struct utvm_add *p, int32_t a, int32_t b)
{
	const int32_t sum = p->bias + a * p->a_multiplier + b * p->b_multiplier;

	return utvm_clamp((sum >> p->shift) + p->out_zero, p->low, p->high);
}

UTVM_INLINE void utvm_add(const struct utvm_add *p, const int8_t *a, const int8_t *b,
			  int8_t *output)
{
	UTVM_BROADCAST(&p->shape, *output++ = utvm_add_one(p, a[i], b[j]))
}
