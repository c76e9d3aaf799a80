/* A sum's multiplier is a float32, by its bits; there is no shift. */
UTVM_INLINE int32_t utvm_mve_requantize_one(int32_t value, int32_t multiplier, int32_t shift)
{
	const int32_t mantissa = (multiplier & 0x7FFFFF) | 0x800000;

	(void)shift;
	return utvm_requantize(value, mantissa, 150 - (multiplier >> 23));
}

#if defined(__ARM_FEATURE_MVE) && __ARM_FEATURE_MVE & 2
/* Whether there are vectors for this rounding, which is that of single precision. */
#define UTVM_MVE_VECTORS

UTVM_INLINE int32x4_t utvm_mve_requantize(int32x4_t value, int32x4_t multiplier, int32x4_t shift)
{
	const float32x4_t scale = vreinterpretq_f32_s32(multiplier);

	(void)shift;
	return vcvtnq_s32_f32(vmulq_f32(vcvtq_f32_s32(value), scale));
}

/* Of vectors with one multiplier and shift, which are those of utvm_requantize. */
UTVM_INLINE int32x4_t utvm_mve_requantize_n(int32x4_t value, int32_t multiplier, int32_t shift)
{
	const int32_t bits = shift < 150 ? (150 - shift) * (1 << 23) + (multiplier & 0x7FFFFF) : 0;

	return utvm_mve_requantize(value, vdupq_n_s32(bits), value);
}

UTVM_INLINE int32x4_t utvm_mve_requantize_positive(int32x4_t value, int32x4_t multiplier,
						   int32x4_t shift)
{
	return utvm_mve_requantize(value, multiplier, shift);
}

/* Of q0 and q1 in assembly, with multipliers in q2. */
#define UTVM_MVE_REQUANTIZE                                                                        \
	"vcvt.f32.s32 q0, q0\n\t"                                                                  \
	"vcvt.f32.s32 q1, q1\n\t"                                                                  \
	"vmul.f32 q0, q0, q2\n\t"                                                                  \
	"vmul.f32 q1, q1, q2\n\t"                                                                  \
	"vcvtn.s32.f32 q0, q0\n\t"                                                                 \
	"vcvtn.s32.f32 q1, q1\n\t"
#define UTVM_MVE_REQUANTIZE_NEGATIVE UTVM_MVE_REQUANTIZE
#define UTVM_MVE_REQUANTIZE_POSITIVE UTVM_MVE_REQUANTIZE
/* Of q4 by q6. */
#define UTVM_MVE_REQUANTIZE_NEGATIVE_Q4                                                            \
	"vcvt.f32.s32 q4, q4\n\t"                                                                  \
	"vmul.f32 q4, q4, q6\n\t"                                                                  \
	"vcvtn.s32.f32 q4, q4\n\t"
#define UTVM_MVE_REQUANTIZE_POSITIVE_Q4 UTVM_MVE_REQUANTIZE_NEGATIVE_Q4
/* Of q4 and q5 by r10. */
#define UTVM_MVE_REQUANTIZE_NEGATIVE_Q4_Q5                                                         \
	"vcvt.f32.s32 q4, q4\n\t"                                                                  \
	"vcvt.f32.s32 q5, q5\n\t"                                                                  \
	"vmul.f32 q4, q4, r10\n\t"                                                                 \
	"vmul.f32 q5, q5, r10\n\t"                                                                 \
	"vcvtn.s32.f32 q4, q4\n\t"                                                                 \
	"vcvtn.s32.f32 q5, q5\n\t"
#define UTVM_MVE_REQUANTIZE_POSITIVE_Q4_Q5 UTVM_MVE_REQUANTIZE_NEGATIVE_Q4_Q5
/* Of one register by q0. */
#define UTVM_MVE_REQUANTIZE_NEGATIVE_BY_Q0(q)                                                      \
	"vcvt.f32.s32 " q ", " q "\n\t"                                                            \
	"vmul.f32 " q ", " q ", q0\n\t"                                                            \
	"vcvtn.s32.f32 " q ", " q "\n\t"
#define UTVM_MVE_REQUANTIZE_POSITIVE_BY_Q0 UTVM_MVE_REQUANTIZE_NEGATIVE_BY_Q0
/* Of q4 by r10. */
#define UTVM_MVE_REQUANTIZE_NEGATIVE_Q4_BY_R10                                                     \
	"vcvt.f32.s32 q4, q4\n\t"                                                                  \
	"vmul.f32 q4, q4, r10\n\t"                                                                 \
	"vcvtn.s32.f32 q4, q4\n\t"
#define UTVM_MVE_REQUANTIZE_POSITIVE_Q4_BY_R10 UTVM_MVE_REQUANTIZE_NEGATIVE_Q4_BY_R10
#endif
