/* a * a_multiplier + b * b_multiplier + bias, shifted: the bias has the zero points and a half. */
struct utvm_mve_add {
	int32_t size;
	int32_t a_multiplier;
	int32_t b_multiplier;
	int32_t bias;
	int32_t shift;
	struct utvm_mve_range range;
};

#if defined(__ARM_FEATURE_MVE)

/* Four elements. */
UTVM_INLINE int32x4_t utvm_mve_add_4(const struct utvm_mve_add *p, int32x4_t a, int32x4_t b)
{
	int32x4_t sum = vmlaq_n_s32(vdupq_n_s32(p->bias), a, p->a_multiplier);

	sum = vshlq_r_s32(vmlaq_n_s32(sum, b, p->b_multiplier), -p->shift);
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
		const int32_t sum = p->bias + a[i] * p->a_multiplier + b[i] * p->b_multiplier;

		output[i] = utvm_clamp((sum >> p->shift) + p->range.out_zero, p->range.low,
				       p->range.high);
	}
}

#endif
