#if defined(__ARM_FEATURE_MVE)
/*
 * utvm_requantize on vectors. VQRDMULH rounds as utvm_multiply_high does. VRSHL rounds halves up:
 * one less of a negative value makes that away from zero, where bits are shifted out at all.
 */
UTVM_INLINE int32x4_t utvm_mve_requantize(int32x4_t value, int32x4_t multiplier, int32x4_t shift)
{
	const int32x4_t zero = vdupq_n_s32(0);
	const int32x4_t right = vminq_s32(shift, zero);

	value = vqrdmulhq_s32(vshlq_s32(value, vmaxq_s32(shift, zero)), multiplier);
	value = vaddq_s32(value, vshrq_n_s32(vandq_s32(value, right), 31));
	return vrshlq_s32(value, right);
}

/* The same for what is then clamped to no less than 0, and never shifted to the left. */
UTVM_INLINE int32x4_t utvm_mve_requantize_positive(int32x4_t value, int32x4_t multiplier,
						   int32x4_t shift)
{
	return vrshlq_s32(vqrdmulhq_s32(value, multiplier), shift);
}
#endif
