/* add_litert.h in vectors. */
#if defined(UTVM_MVE_VECTORS)

UTVM_INLINE int32x4_t utvm_mve_add_4(const struct utvm_add *p, int32x4_t a, int32x4_t b)
{
	int32x4_t sum = vmlaq_n_s32(vdupq_n_s32(p->bias), a, p->a_multiplier);

	sum = vshlq_r_s32(vmlaq_n_s32(sum, b, p->b_multiplier), -p->shift);
	sum = vaddq_n_s32(sum, p->out_zero);
	sum = vmaxq_s32(sum, vdupq_n_s32(p->low));
	return vminq_s32(sum, vdupq_n_s32(p->high));
}

#endif

UTVM_MVE_BINARY(add)
