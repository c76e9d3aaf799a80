/*
 * a + sign * b of two inputs of one shape: both on a scale of their own, with 20 bits more, and
 * rounded twice. Shifts are to the right.
 */
struct utvm_mve_add {
	int32_t size;
	int32_t a_zero;
	int32_t a_multiplier;
	int32_t a_shift;
	int32_t b_zero;
	int32_t b_multiplier;
	int32_t b_shift;
	int32_t multiplier;
	int32_t shift;
	int32_t sign;
	struct utvm_mve_range range;
};

#if defined(__ARM_FEATURE_MVE)

/* value / 2^-shift, rounded to nearest, halves away from zero. */
UTVM_INLINE int32x4_t utvm_mve_shifted(int32x4_t value, int32_t shift)
{
	if (shift != 0) {
		value = vaddq_s32(value, vshrq_n_s32(value, 31));
	}
	return vrshlq_n_s32(value, shift);
}

UTVM_INLINE int32x4_t utvm_mve_fine(int32x4_t value, int32_t zero, int32_t multiplier,
				    int32_t shift)
{
	value = vsubq_n_s32(value, zero);
	/* A half, which the multiplier of the larger scale always is. */
	if (multiplier == 1 << 30 && shift == 0) {
		return vshlq_n_s32(value, 19);
	}
	value = vshlq_n_s32(value, 20);
	return utvm_mve_shifted(vqrdmulhq_n_s32(value, multiplier), shift);
}

/* Four elements. */
UTVM_INLINE int32x4_t utvm_mve_add_4(const struct utvm_mve_add *p, int32x4_t a, int32x4_t b)
{
	int32x4_t sum;

	a = utvm_mve_fine(a, p->a_zero, p->a_multiplier, p->a_shift);
	b = utvm_mve_fine(b, p->b_zero, p->b_multiplier, p->b_shift);
	sum = p->sign > 0 ? vaddq_s32(a, b) : vsubq_s32(a, b);
	sum = vqrdmulhq_n_s32(sum, p->multiplier);
	/* What is negative is clamped to 0: its halves may be rounded either way. */
	sum = p->range.low >= p->range.out_zero ? vrshlq_n_s32(sum, p->shift)
						: utvm_mve_shifted(sum, p->shift);
	sum = vaddq_n_s32(sum, p->range.out_zero);
	sum = vmaxq_s32(sum, vdupq_n_s32(p->range.low));
	return vminq_s32(sum, vdupq_n_s32(p->range.high));
}

UTVM_INLINE void utvm_mve_add(const struct utvm_mve_add *p, const int8_t *a, const int8_t *b,
			      int8_t *output)
{
	int32_t left = p->size;

	for (; left >= 4; left -= 4) {
		vstrbq_s32(output, utvm_mve_add_4(p, vldrbq_s32(a), vldrbq_s32(b)));
		a += 4;
		b += 4;
		output += 4;
	}
	if (left > 0) {
		const mve_pred16_t lanes = vctp32q((uint32_t)left);

		vstrbq_p_s32(output,
			     utvm_mve_add_4(p, vldrbq_z_s32(a, lanes), vldrbq_z_s32(b, lanes)),
			     lanes);
	}
}

#else

UTVM_INLINE void utvm_mve_add(const struct utvm_mve_add *p, const int8_t *a, const int8_t *b,
			      int8_t *output)
{
	for (int32_t i = 0; i < p->size; i++) {
		const int32_t first = utvm_requantize((a[i] - p->a_zero) * (1 << 20),
						      p->a_multiplier, p->a_shift);
		const int32_t second = utvm_requantize((b[i] - p->b_zero) * (1 << 20),
						       p->b_multiplier, p->b_shift);
		const int32_t sum =
			utvm_requantize(first + p->sign * second, p->multiplier, p->shift);

		output[i] = utvm_clamp(sum + p->range.out_zero, p->range.low, p->range.high);
	}
}

#endif
