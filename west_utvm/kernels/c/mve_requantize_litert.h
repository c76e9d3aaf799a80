#if defined(__ARM_FEATURE_MVE)
/*
 * utvm_requantize on vectors. In single precision, where vectors have it, that is what is meant:
 * multiplier / 2^shift is a float32, and products beyond 2^30 are far beyond any range.
 */
UTVM_INLINE int32x4_t utvm_mve_requantize(int32x4_t value, int32x4_t multiplier, int32x4_t shift)
{
#if __ARM_FEATURE_MVE & 2
	/* 2^-shift by its exponent; what is smaller than 2^-126 makes nothing of 2^31 either. */
	const int32x4_t exponent = vsubq_s32(vdupq_n_s32(127), vminq_s32(shift, vdupq_n_s32(126)));
	const float32x4_t power = vreinterpretq_f32_s32(vshlq_n_s32(exponent, 23));
	const float32x4_t scale = vmulq_f32(vcvtq_f32_s32(multiplier), power);

	value = vcvtnq_s32_f32(vmulq_f32(vcvtq_f32_s32(value), scale));
	return vmaxq_s32(vminq_s32(value, vdupq_n_s32(1 << 30)), vdupq_n_s32(-(1 << 30)));
#else
	int32_t values[4], multipliers[4], shifts[4];

	vstrwq_s32(values, value);
	vstrwq_s32(multipliers, multiplier);
	vstrwq_s32(shifts, shift);
	for (int lane = 0; lane < 4; lane++) {
		values[lane] = utvm_requantize(values[lane], multipliers[lane], shifts[lane]);
	}
	return vldrwq_s32(values);
#endif
}

UTVM_INLINE int32x4_t utvm_mve_requantize_positive(int32x4_t value, int32x4_t multiplier,
						   int32x4_t shift)
{
	return utvm_mve_requantize(value, multiplier, shift);
}
#endif
