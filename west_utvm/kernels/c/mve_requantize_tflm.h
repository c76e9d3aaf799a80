/* A sum's multiplier and shift are those of utvm_requantize. */
UTVM_INLINE int32_t utvm_mve_requantize_one(int32_t value, int32_t multiplier, int32_t shift)
{
	return utvm_requantize(value, multiplier, shift);
}

#if defined(__ARM_FEATURE_MVE)
/* Whether there are vectors for this rounding. */
#define UTVM_MVE_VECTORS

/*
 * The same on vectors. VQRDMULH rounds as utvm_multiply_high does. VRSHL rounds halves up: one
 * less of a negative value makes that away from zero, where bits are shifted out at all.
 */
UTVM_INLINE int32x4_t utvm_mve_requantize(int32x4_t value, int32x4_t multiplier, int32x4_t shift)
{
	const int32x4_t zero = vdupq_n_s32(0);
	const int32x4_t right = vminq_s32(shift, zero);

	value = vqrdmulhq_s32(vshlq_s32(value, vmaxq_s32(shift, zero)), multiplier);
	value = vaddq_s32(value, vshrq_n_s32(vandq_s32(value, right), 31));
	return vrshlq_s32(value, right);
}

/* Of vectors with one multiplier and shift. */
UTVM_INLINE int32x4_t utvm_mve_requantize_n(int32x4_t value, int32_t multiplier, int32_t shift)
{
	if (shift > 0) {
		value = vshlq_r_s32(value, shift);
	}
	value = vqrdmulhq_n_s32(value, multiplier);
	if (shift >= 0) {
		return value;
	}
	return vrshlq_n_s32(vaddq_s32(value, vshrq_n_s32(value, 31)), shift);
}

/* The same for what is then clamped to no less than 0, and never shifted to the left. */
UTVM_INLINE int32x4_t utvm_mve_requantize_positive(int32x4_t value, int32x4_t multiplier,
						   int32x4_t shift)
{
	return vrshlq_s32(vqrdmulhq_s32(value, multiplier), shift);
}

/*
 * Of q0 and q1 in assembly, with multipliers in q2 and shifts in q3; q7 is free. "Positive" as
 * above; "negative" where every shift is to the right, by one bit at least.
 */
#define UTVM_MVE_REQUANTIZE_POSITIVE                                                               \
	"vqrdmulh.s32 q0, q0, q2\n\t"                                                              \
	"vqrdmulh.s32 q1, q1, q2\n\t"                                                              \
	"vrshl.s32 q0, q0, q3\n\t"                                                                 \
	"vrshl.s32 q1, q1, q3\n\t"
#define UTVM_MVE_REQUANTIZE_NEGATIVE                                                               \
	"vqrdmulh.s32 q0, q0, q2\n\t"                                                              \
	"vqrdmulh.s32 q1, q1, q2\n\t"                                                              \
	"vshr.s32 q7, q0, #31\n\t"                                                                 \
	"vshr.s32 q2, q1, #31\n\t"                                                                 \
	"vadd.i32 q0, q0, q7\n\t"                                                                  \
	"vadd.i32 q1, q1, q2\n\t"                                                                  \
	"vrshl.s32 q0, q0, q3\n\t"                                                                 \
	"vrshl.s32 q1, q1, q3\n\t"
#define UTVM_MVE_REQUANTIZE                                                                        \
	"vmov.i32 q7, #0\n\t"                                                                      \
	"vmax.s32 q7, q3, q7\n\t"                                                                  \
	"vshl.s32 q0, q0, q7\n\t"                                                                  \
	"vshl.s32 q1, q1, q7\n\t"                                                                  \
	"vqrdmulh.s32 q0, q0, q2\n\t"                                                              \
	"vqrdmulh.s32 q1, q1, q2\n\t"                                                              \
	"vmov.i32 q7, #0\n\t"                                                                      \
	"vmin.s32 q3, q3, q7\n\t"                                                                  \
	"vand q7, q0, q3\n\t"                                                                      \
	"vand q2, q1, q3\n\t"                                                                      \
	"vshr.s32 q7, q7, #31\n\t"                                                                 \
	"vshr.s32 q2, q2, #31\n\t"                                                                 \
	"vadd.i32 q0, q0, q7\n\t"                                                                  \
	"vadd.i32 q1, q1, q2\n\t"                                                                  \
	"vrshl.s32 q0, q0, q3\n\t"                                                                 \
	"vrshl.s32 q1, q1, q3\n\t"
/*
 * Of q4 by q6 and q7. Without another register: one less of what is negative is by predication,
 * and the predicate is made again from the depth. Shifts are to the right, by one bit at least.
 */
#define UTVM_MVE_REQUANTIZE_POSITIVE_Q4                                                            \
	"vqrdmulh.s32 q4, q4, q6\n\t"                                                              \
	"vrshl.s32 q4, q4, q7\n\t"
#define UTVM_MVE_REQUANTIZE_NEGATIVE_Q4                                                            \
	"vqrdmulh.s32 q4, q4, q6\n\t"                                                              \
	"mov r0, #-1\n\t"                                                                          \
	"vpt.s32 lt, q4, zr\n\t"                                                                   \
	"vaddt.i32 q4, q4, r0\n\t"                                                                 \
	"vrshl.s32 q4, q4, q7\n\t"                                                                 \
	"vctp.8 %[depth]\n\t"
/* Of q4 and q5 by r10 and r12; q3 is free. Shifts are to the right, by one bit at least. */
#define UTVM_MVE_REQUANTIZE_POSITIVE_Q4_Q5                                                         \
	"vqrdmulh.s32 q4, q4, r10\n\t"                                                             \
	"vqrdmulh.s32 q5, q5, r10\n\t"                                                             \
	"vrshl.s32 q4, r12\n\t"                                                                    \
	"vrshl.s32 q5, r12\n\t"
#define UTVM_MVE_REQUANTIZE_NEGATIVE_Q4_Q5                                                         \
	"vqrdmulh.s32 q4, q4, r10\n\t"                                                             \
	"vqrdmulh.s32 q5, q5, r10\n\t"                                                             \
	"vshr.s32 q3, q4, #31\n\t"                                                                 \
	"vadd.i32 q4, q4, q3\n\t"                                                                  \
	"vshr.s32 q3, q5, #31\n\t"                                                                 \
	"vadd.i32 q5, q5, q3\n\t"                                                                  \
	"vrshl.s32 q4, r12\n\t"                                                                    \
	"vrshl.s32 q5, r12\n\t"
/* Of one register by q0 and q1; q2 is free. Shifts are to the right, by one bit at least. */
#define UTVM_MVE_REQUANTIZE_POSITIVE_BY_Q0(q)                                                      \
	"vqrdmulh.s32 " q ", " q ", q0\n\t"                                                        \
	"vrshl.s32 " q ", " q ", q1\n\t"
#define UTVM_MVE_REQUANTIZE_NEGATIVE_BY_Q0(q)                                                      \
	"vqrdmulh.s32 " q ", " q ", q0\n\t"                                                        \
	"vshr.s32 q2, " q ", #31\n\t"                                                              \
	"vadd.i32 " q ", " q ", q2\n\t"                                                            \
	"vrshl.s32 " q ", " q ", q1\n\t"
/* Of q4 by r10 and r12; q5 is free. Shifts are to the right, by one bit at least. */
#define UTVM_MVE_REQUANTIZE_POSITIVE_Q4_BY_R10                                                     \
	"vqrdmulh.s32 q4, q4, r10\n\t"                                                             \
	"vrshl.s32 q4, r12\n\t"
#define UTVM_MVE_REQUANTIZE_NEGATIVE_Q4_BY_R10                                                     \
	"vqrdmulh.s32 q4, q4, r10\n\t"                                                             \
	"vshr.s32 q5, q4, #31\n\t"                                                                 \
	"vadd.i32 q4, q4, q5\n\t"                                                                  \
	"vrshl.s32 q4, r12\n\t"
#endif
