/* add_tflm.h in vectors. Shifts are to the right. */
#if defined(UTVM_MVE_VECTORS)

UTVM_INLINE int32x4_t utvm_mve_fine(int32x4_t value, int32_t zero, int32_t multiplier,
				    int32_t shift)
{
	value = vsubq_n_s32(value, zero);
	/* A half, which the multiplier of the larger scale always is. */
	if (multiplier == 1 << 30 && shift == 0) {
		return vshlq_n_s32(value, 19);
	}
	return utvm_mve_requantize_n(vshlq_n_s32(value, 20), multiplier, shift);
}

UTVM_INLINE int32x4_t utvm_mve_add_4(const struct utvm_add *p, int32x4_t a, int32x4_t b)
{
	int32x4_t sum;

	a = utvm_mve_fine(a, p->a_zero, p->a_multiplier, p->a_shift);
	b = utvm_mve_fine(b, p->b_zero, p->b_multiplier, p->b_shift);
	sum = p->sign > 0 ? vaddq_s32(a, b) : vsubq_s32(a, b);
	/* What is negative is clamped to 0: its halves may be rounded either way. */
	if (p->low >= p->out_zero) {
		sum = vrshlq_n_s32(vqrdmulhq_n_s32(sum, p->multiplier), p->shift);
	} else {
		sum = utvm_mve_requantize_n(sum, p->multiplier, p->shift);
	}
	sum = vaddq_n_s32(sum, p->out_zero);
	sum = vmaxq_s32(sum, vdupq_n_s32(p->low));
	return vminq_s32(sum, vdupq_n_s32(p->high));
}

#endif

UTVM_MVE_BINARY(add)
