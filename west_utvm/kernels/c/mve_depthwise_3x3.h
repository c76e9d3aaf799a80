/*
 * The same for windows of 3x3 whose results are in the range of int8, where the products of the
 * first two taps, of the next two and so on have a sum of 16 bits.
 */
#if defined(UTVM_MVE_VECTORS)

#define UTVM_MVE_TAP(row)                                                                         \
	"vldrb.8 q0, [" row "]\n\t"                                                               \
	"vldrb.8 q1, [r5], #16\n\t"                                                               \
	"vmullb.s8 q2, q0, q1\n\t"                                                                \
	"vmullt.s8 q3, q0, q1\n\t"
#define UTVM_MVE_SECOND_TAP(row)                                                                  \
	"vldrb.8 q0, [" row "]\n\t"                                                               \
	"vldrb.8 q1, [r5], #16\n\t"                                                               \
	"vmullb.s8 q0, q0, q1\n\t"                                                                \
	"vadd.i16 q2, q2, q0\n\t"                                                                 \
	"vldrb.8 q0, [" row "]\n\t"                                                               \
	"vmullt.s8 q0, q0, q1\n\t"                                                                \
	"vadd.i16 q3, q3, q0\n\t"
#define UTVM_MVE_WIDEN                                                                            \
	"vmovlb.s16 q0, q2\n\t"                                                                   \
	"vadd.i32 q4, q4, q0\n\t"                                                                 \
	"vmovlt.s16 q2, q2\n\t"                                                                   \
	"vadd.i32 q5, q5, q2\n\t"                                                                 \
	"vmovlb.s16 q1, q3\n\t"                                                                   \
	"vadd.i32 q6, q6, q1\n\t"                                                                 \
	"vmovlt.s16 q3, q3\n\t"                                                                   \
	"vadd.i32 q7, q7, q3\n\t"
#define UTVM_MVE_SCALES(first, second)                                                            \
	"vldrw.32 q0, [r4, #" first "]\n\t"                                                       \
	"vldrb.s32 q1, [r4, #" second "]\n\t"

/* Channels by 16. A step from tap to tap of a row is in r8, back and to the next channels r10. */
#define UTVM_MVE_3X3(requantize)                                                                  \
	__asm__ volatile("1:\n\t"                                                                 \
			 "vldrw.32 q4, [r6], #16\n\t"                                             \
			 "vldrw.32 q5, [r6], #16\n\t"                                             \
			 "vldrw.32 q6, [r6], #16\n\t"                                             \
			 "vldrw.32 q7, [r6], #16\n\t" UTVM_MVE_TAP("r1")                          \
			 "add r1, r8\n\t" UTVM_MVE_SECOND_TAP("r1") UTVM_MVE_WIDEN               \
			 "add r1, r8\n\t" UTVM_MVE_TAP("r1") UTVM_MVE_SECOND_TAP("r2")           \
			 UTVM_MVE_WIDEN "add r2, r8\n\t" UTVM_MVE_TAP("r2")                      \
			 "add r2, r8\n\t" UTVM_MVE_SECOND_TAP("r2") UTVM_MVE_WIDEN               \
			 UTVM_MVE_TAP("r3")                                                       \
			 "add r3, r8\n\t" UTVM_MVE_SECOND_TAP("r3") UTVM_MVE_WIDEN               \
			 "add r3, r8\n\t" UTVM_MVE_TAP("r3") UTVM_MVE_WIDEN                      \
			 "add r1, r10\n\t"                                                        \
			 "add r2, r10\n\t"                                                        \
			 "add r3, r10\n\t"                                                        \
			 UTVM_MVE_SCALES("0", "64") requantize("q4")                              \
			 UTVM_MVE_SCALES("16", "68") requantize("q5")                             \
			 UTVM_MVE_SCALES("32", "72") requantize("q6")                             \
			 UTVM_MVE_SCALES("48", "76") requantize("q7")                             \
			 "add r4, #80\n\t"                                                        \
			 "vqmovnb.s32 q4, q4\n\t"                                                 \
			 "vqmovnb.s32 q6, q6\n\t"                                                 \
			 "vqmovnt.s32 q4, q5\n\t"                                                 \
			 "vqmovnt.s32 q6, q7\n\t"                                                 \
			 "vqadd.s16 q4, q4, r0\n\t"                                               \
			 "vqadd.s16 q6, q6, r0\n\t"                                               \
			 "vqmovnb.s16 q4, q4\n\t"                                                 \
			 "vqmovnt.s16 q4, q6\n\t"                                                 \
			 "vctp.8 r12\n\t"                                                         \
			 "vpst\n\t"                                                               \
			 "vstrbt.8 q4, [r9], #16\n\t"                                             \
			 "subs r12, #16\n\t"                                                      \
			 "bgt 1b"                                                                 \
			 : "+r"(row0), "+r"(row1), "+r"(row2), "+r"(next), "+r"(biases),          \
			   "+r"(factors), "+r"(result), "+r"(left)                                \
			 : "r"(step), "r"(back), "r"(out_zero)                                    \
			 : "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "cc", "memory")

UTVM_INLINE void utvm_mve_depthwise_pixel_3x3(const struct utvm_mve_depthwise *p, int kind,
					      const int8_t *const *rows, int32_t offset,
					      const int8_t *weights, const int32_t *bias,
					      const int32_t *scales, int8_t *output)
{
	register const int8_t *row0 __asm__("r1") = rows[0] + offset;
	register const int8_t *row1 __asm__("r2") = rows[1] + offset;
	register const int8_t *row2 __asm__("r3") = rows[2] + offset;
	register int32_t step __asm__("r8") = p->window.dilation_x * p->window.in_channels;
	register const int8_t *next __asm__("r5") = weights;
	register const int32_t *biases __asm__("r6") = bias;
	register const int32_t *factors __asm__("r4") = scales;
	register int8_t *result __asm__("r9") = output;
	register int32_t back __asm__("r10") = 16 - 2 * step;
	register int32_t left __asm__("r12") = p->window.in_channels;
	register int32_t out_zero __asm__("r0") = p->range.out_zero;

	if (kind == UTVM_MVE_POSITIVE) {
		UTVM_MVE_3X3(UTVM_MVE_REQUANTIZE_POSITIVE_BY_Q0);
	} else {
		UTVM_MVE_3X3(UTVM_MVE_REQUANTIZE_NEGATIVE_BY_Q0);
	}
}

#else
#define utvm_mve_depthwise_pixel_3x3 utvm_mve_depthwise_pixel
#endif

UTVM_MVE_DEPTHWISE(3x3_negative, utvm_mve_depthwise_pixel_3x3, UTVM_MVE_NEGATIVE)
UTVM_MVE_DEPTHWISE(3x3_positive, utvm_mve_depthwise_pixel_3x3, UTVM_MVE_POSITIVE)
