/* The product of two inputs. */
struct utvm_mul {
	struct utvm_broadcast shape;
	int32_t a_zero;
	int32_t b_zero;
	int32_t multiplier;
	int32_t shift;
	int32_t out_zero;
	int32_t low;
	int32_t high;
};

UTVM_INLINE int8_t utvm_mul_one(const struct utvm_mul *p, int32_t a, int32_t b)
{
	const int32_t product = (a - p->a_zero) * (b - p->b_zero);

	return utvm_clamp(utvm_requantize(product, p->multiplier, p->shift) + p->out_zero, p->low,
			  p->high);
}

UTVM_INLINE void utvm_mul(const struct utvm_mul *p, const int8_t *a, const int8_t *b,
			  int8_t *output)
{
	UTVM_BROADCAST(&p->shape, *output++ = utvm_mul_one(p, a[i], b[j]))
}
