/*
 * Convolution by 1x1 of at most 16 input channels: the weights of four channels stay in registers
 * for a number of pixels. The number of channels is a multiple of four, and their range is that
 * of int8.
 */
#define UTVM_MVE_SHALLOW_PIXELS 32

#if defined(UTVM_MVE_VECTORS)

/* Where requantize works on q4, by q6 and q7; the predicate says how deep rows are. */
#define UTVM_MVE_SHALLOW(requantize)                                                              \
	__asm__ volatile("vldrb.8 q0, [r0]\n\t"                                           \
			 "vldrb.8 q1, [r0, #16]\n\t"                                      \
			 "vldrb.8 q2, [r0, #32]\n\t"                                      \
			 "vldrb.8 q3, [r0, #48]\n\t"                                      \
			 "vldrw.32 q5, [r2]\n\t"                                             \
			 "vldrw.32 q6, [r2, #16]\n\t"                                        \
			 "vldrb.s32 q7, [r2, #32]\n\t"                                       \
			 "vctp.8 %[depth]\n\t"                                                    \
			 "dls lr, %[count]\n"                                                     \
			 "1:\n\t"                                                                 \
			 "vpst\n\t"                                                               \
			 "vldrbt.8 q4, [r1]\n\t"                                            \
			 "add r1, %[step]\n\t"                                              \
			 "vmladav.s8 r0, q4, q0\n\t"                                              \
			 "vmladav.s8 r2, q4, q1\n\t"                                              \
			 "vmladav.s8 r4, q4, q2\n\t"                                              \
			 "vmladav.s8 r6, q4, q3\n\t"                                              \
			 "vmov q4[2], q4[0], r0, r4\n\t"                                          \
			 "vmov q4[3], q4[1], r2, r6\n\t"                                          \
			 "vadd.i32 q4, q4, q5\n\t" requantize                                     \
			 "vqadd.s32 q4, q4, %[zero]\n\t"                                          \
			 "vqmovnb.s32 q4, q4\n\t"                                                 \
			 "vqmovnb.s16 q4, q4\n\t"                                                 \
			 "vstrb.32 q4, [r3]\n\t"                                           \
			 "add r3, %[channels]\n\t"                                         \
			 "le lr, 1b"                                                              \
			 : "+r"(four), "+r"(quad), "+r"(row), "+r"(result)                        \
			 : [count] "r"(turns), [step] "r"(row_step), [depth] "r"(depth),          \
			   [channels] "r"(channels), [zero] "r"(zero)                             \
			 : "r4", "r6", "lr", "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7",      \
			   "cc", "memory")

/* Four channels of count pixels, of which there is one at least. */
UTVM_INLINE void utvm_mve_shallow_four(const struct utvm_mve_pixels *p, int positive,
				       const int8_t *input, int32_t step, int32_t count,
				       const int8_t *weights, const int32_t *scales,
				       int8_t *output)
{
	register const int8_t *four __asm__("r0") = weights;
	register const int32_t *quad __asm__("r2") = scales;
	register const int8_t *row __asm__("r1") = input;
	register int8_t *result __asm__("r3") = output;
	register int32_t turns __asm__("r5") = count;
	register int32_t row_step __asm__("r8") = step;
	register int32_t depth __asm__("r9") = p->depth;
	register int32_t channels __asm__("r10") = p->channels;
	register int32_t zero __asm__("r12") = p->range.out_zero;

	if (positive) {
		UTVM_MVE_SHALLOW(UTVM_MVE_REQUANTIZE_POSITIVE_Q4);
	} else {
		UTVM_MVE_SHALLOW(UTVM_MVE_REQUANTIZE_NEGATIVE_Q4);
	}
}

#else

UTVM_INLINE void utvm_mve_shallow_four(const struct utvm_mve_pixels *p, int positive,
				       const int8_t *input, int32_t step, int32_t count,
				       const int8_t *weights, const int32_t *quad, int8_t *output)
{
	const struct utvm_mve_row four = {p->depth, 4, 0, 0, p->range};

	for (; count > 0; count--) {
		utvm_mve_row(&four, positive, input, weights, quad, quad + 4, output);
		input += step;
		output += p->channels;
	}
}

#endif

UTVM_INLINE void utvm_mve_shallow_pixels(const struct utvm_mve_pixels *p, int positive,
					 const int8_t *input, int32_t step, int32_t count,
					 const int8_t *weights, const int32_t *quads,
					 int8_t *output)
{
	for (int32_t left = count; left > 0; left -= UTVM_MVE_SHALLOW_PIXELS) {
		const int32_t some = utvm_min(left, UTVM_MVE_SHALLOW_PIXELS);

		for (int32_t four = 0; four < p->channels / 4; four++) {
			utvm_mve_shallow_four(p, positive, input, step, some, weights + four * 64,
					      quads + four * UTVM_MVE_QUAD, output + four * 4);
		}
		input += UTVM_MVE_SHALLOW_PIXELS * step;
		output += UTVM_MVE_SHALLOW_PIXELS * p->channels;
	}
}

UTVM_SHARED void utvm_mve_shallow_pixels_negative(const struct utvm_mve_pixels *p,
						  const int8_t *input, int32_t step, int32_t count,
						  const int8_t *weights, const int32_t *quads,
						  int8_t *output)
{
	utvm_mve_shallow_pixels(p, 0, input, step, count, weights, quads, output);
}

UTVM_SHARED void utvm_mve_shallow_pixels_positive(const struct utvm_mve_pixels *p,
						  const int8_t *input, int32_t step, int32_t count,
						  const int8_t *weights, const int32_t *quads,
						  int8_t *output)
{
	utvm_mve_shallow_pixels(p, 1, input, step, count, weights, quads, output);
}

UTVM_INLINE void utvm_mve_shallow_negative(const struct utvm_mve_conv1x1 *p, const int8_t *input,
				      const int8_t *weights, const int32_t *quads, int8_t *output)
{
	utvm_mve_conv1x1(p, utvm_mve_shallow_pixels_negative, input, weights, quads, output);
}

UTVM_INLINE void utvm_mve_shallow_positive(const struct utvm_mve_conv1x1 *p, const int8_t *input,
					   const int8_t *weights, const int32_t *quads,
					   int8_t *output)
{
	utvm_mve_conv1x1(p, utvm_mve_shallow_pixels_positive, input, weights, quads, output);
}
