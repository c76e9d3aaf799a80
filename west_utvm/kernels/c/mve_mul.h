/* mul.h in vectors. */
#if defined(UTVM_MVE_VECTORS)

UTVM_INLINE int32x4_t utvm_mve_mul_4(const struct utvm_mul *p, int32x4_t a, int32x4_t b)
{
	int32x4_t product = vmulq_s32(vsubq_n_s32(a, p->a_zero), vsubq_n_s32(b, p->b_zero));

	product = utvm_mve_requantize_n(product, p->multiplier, p->shift);
	product = vqaddq_n_s32(product, p->out_zero);
	product = vmaxq_s32(product, vdupq_n_s32(p->low));
	return vminq_s32(product, vdupq_n_s32(p->high));
}

#endif

UTVM_MVE_BINARY(mul)
