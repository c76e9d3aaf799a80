/*
 * Rows of int8 times a matrix of weights. The weights are in blocks of four channels, and in those
 * of 16 products: [channels / 4][depth / 16][4][16], zeros where there are no more. There are
 * as many biases as the weights have channels.
 */
struct utvm_mve_rows {
	int32_t depth;
	int32_t channels;
	int32_t scales_step;
	struct utvm_mve_range range;
};

#if defined(__ARM_FEATURE_MVE)

/* Two rows by four channels: eight sums, which must be in even registers, lr among them. */
#define UTVM_MVE_STEP_2X4                                                                         \
	"vldrb.8 q2, [r5], #16\n\t"                                                               \
	"vmladava.s8 r0, q0, q2\n\t"                                                              \
	"vldrb.8 q3, [r5], #16\n\t"                                                               \
	"vmladava.s8 r8, q1, q2\n\t"                                                              \
	"vmladava.s8 r2, q0, q3\n\t"                                                              \
	"vldrb.8 q2, [r5], #16\n\t"                                                               \
	"vmladava.s8 r10, q1, q3\n\t"                                                             \
	"vmladava.s8 r4, q0, q2\n\t"                                                              \
	"vldrb.8 q3, [r5], #16\n\t"                                                               \
	"vmladava.s8 r12, q1, q2\n\t"                                                             \
	"vmladava.s8 r6, q0, q3\n\t"                                                              \
	"vmladava.s8 lr, q1, q3\n\t"
#define UTVM_MVE_LOAD_2X4                                                                         \
	"vldrb.8 q0, [r1], #16\n\t"                                                               \
	"vldrb.8 q1, [r3], #16\n\t"

/*
 * Bytes of as many lanes as there are channels. Compilers have no name for the predicate, to be
 * told that the loops above change it: their result is what keeps one from being made before them.
 */
UTVM_INLINE void utvm_mve_store(int8_t *output, int32x4_t values, int32_t channels)
{
	if (channels >= 4) {
		vstrbq_s32(output, values);
	} else {
		__asm__ volatile("" : "+r"(channels), "+w"(values));
		vstrbq_p_s32(output, values, vctp32q((uint32_t)channels));
	}
}

struct utvm_mve_sums {
	int32x4_t first;
	int32x4_t second;
};

/* Loops by 32 products, then by 16 and what is left of them. Returns the weights that follow. */
UTVM_INLINE const int8_t *utvm_mve_sums_2x4(const int8_t *a0, const int8_t *a1,
					    const int8_t *weights, const int32_t *bias,
					    int32_t depth, struct utvm_mve_sums *sums)
{
	register const int8_t *row0 __asm__("r1") = a0;
	register const int8_t *row1 __asm__("r3") = a1;
	register const int8_t *next __asm__("r5") = weights;
	register int32_t left __asm__("r9") = depth;
	register const int32_t *biases __asm__("r11") = bias;
	register int32x4_t first __asm__("q0");
	register int32x4_t second __asm__("q1");

	__asm__ volatile("ldrd r0, r2, [r11]\n\t"
			 "ldrd r4, r6, [r11, #8]\n\t"
			 "mov r8, r0\n\t"
			 "mov r10, r2\n\t"
			 "mov r12, r4\n\t"
			 "mov lr, r6\n\t"
			 "lsrs r11, r9, #5\n\t"
			 "beq 2f\n"
			 "1:\n\t" UTVM_MVE_LOAD_2X4 UTVM_MVE_STEP_2X4 UTVM_MVE_LOAD_2X4
			 "subs r11, #1\n\t" UTVM_MVE_STEP_2X4
			 "bne 1b\n"
			 "2:\n\t"
			 "ands r9, #31\n\t"
			 "beq 4f\n"
			 "3:\n\t"
			 "vctp.8 r9\n\t"
			 "vpstt\n\t"
			 "vldrbt.8 q0, [r1], #16\n\t"
			 "vldrbt.8 q1, [r3], #16\n\t"
			 "subs r9, #16\n\t" UTVM_MVE_STEP_2X4
			 "bgt 3b\n"
			 "4:\n\t"
			 "vmov q0[2], q0[0], r0, r4\n\t"
			 "vmov q0[3], q0[1], r2, r6\n\t"
			 "vmov q1[2], q1[0], r8, r12\n\t"
			 "vmov q1[3], q1[1], r10, lr"
			 : "+r"(row0), "+r"(row1), "+r"(next), "+r"(left), "+r"(biases),
			   "=w"(first), "=w"(second)
			 :
			 : "r0", "r2", "r4", "r6", "r8", "r10", "r12", "lr", "q2", "q3", "cc");
	sums->first = first;
	sums->second = second;
	return next;
}

/* One row by four channels: each letp is 16 products of each. */
UTVM_INLINE const int8_t *utvm_mve_sums_1x4(const int8_t *row, const int8_t *weights,
					    const int32_t *bias, int32_t depth, int32x4_t *sums)
{
	register int32_t sum0 __asm__("r0") = bias[0];
	register int32_t sum1 __asm__("r2") = bias[1];
	register int32_t sum2 __asm__("r4") = bias[2];
	register int32_t sum3 __asm__("r6") = bias[3];

	__asm__ volatile("wlstp.8 lr, %[depth], 2f\n"
			 "1:\n\t"
			 "vldrb.8 q0, [%[row]], #16\n\t"
			 "vldrb.8 q1, [%[next]], #16\n\t"
			 "vmladava.s8 %[sum0], q0, q1\n\t"
			 "vldrb.8 q2, [%[next]], #16\n\t"
			 "vmladava.s8 %[sum1], q0, q2\n\t"
			 "vldrb.8 q1, [%[next]], #16\n\t"
			 "vmladava.s8 %[sum2], q0, q1\n\t"
			 "vldrb.8 q2, [%[next]], #16\n\t"
			 "vmladava.s8 %[sum3], q0, q2\n\t"
			 "letp lr, 1b\n"
			 "2:\n\t"
			 "vmov %q[sums][2], %q[sums][0], %[sum0], %[sum2]\n\t"
			 "vmov %q[sums][3], %q[sums][1], %[sum1], %[sum3]"
			 : [row] "+r"(row), [next] "+r"(weights), [sum0] "+r"(sum0),
			   [sum1] "+r"(sum1), [sum2] "+r"(sum2), [sum3] "+r"(sum3),
			   [sums] "=&w"(*sums)
			 : [depth] "r"(depth)
			 : "lr", "q0", "q1", "q2", "cc");
	return weights;
}

/* The range in vectors, which stay in registers that the loops above do not use. */
struct utvm_mve_bounds {
	int32x4_t out_zero;
	int32x4_t low;
	int32x4_t high;
};

UTVM_INLINE struct utvm_mve_bounds utvm_mve_bounds(const struct utvm_mve_range *range)
{
	const struct utvm_mve_bounds bounds = {
		vdupq_n_s32(range->out_zero),
		vdupq_n_s32(range->low),
		vdupq_n_s32(range->high),
	};

	return bounds;
}

UTVM_INLINE int32x4_t utvm_mve_result(int32x4_t sums, int32x4_t multiplier, int32x4_t shift,
				      struct utvm_mve_bounds bounds, int positive)
{
	if (positive) {
		sums = utvm_mve_requantize_positive(sums, multiplier, shift);
	} else {
		sums = utvm_mve_requantize(sums, multiplier, shift);
	}
	sums = vaddq_s32(sums, bounds.out_zero);
	return vminq_s32(vmaxq_s32(sums, bounds.low), bounds.high);
}

UTVM_INLINE void utvm_mve_rows2(const struct utvm_mve_rows *p, int positive, const int8_t *a0,
				const int8_t *a1, const int8_t *weights, const int32_t *bias,
				const int32_t *scales, int8_t *out0, int8_t *out1)
{
	const struct utvm_mve_bounds bounds = utvm_mve_bounds(&p->range);
	const int32_t depth = p->depth;
	const int32_t channels = p->channels;
	const int32_t step = p->scales_step;

	for (int32_t channel = 0; channel < channels; channel += 4) {
		struct utvm_mve_sums sums;
		int32x4_t multiplier, shift;

		weights = utvm_mve_sums_2x4(a0, a1, weights, bias + channel, depth, &sums);
		multiplier = vldrwq_s32(scales);
		shift = vldrbq_s32((const int8_t *)(scales + 4));
		scales += step;
		sums.first = utvm_mve_result(sums.first, multiplier, shift, bounds, positive);
		sums.second = utvm_mve_result(sums.second, multiplier, shift, bounds, positive);
		utvm_mve_store(out0 + channel, sums.first, channels - channel);
		utvm_mve_store(out1 + channel, sums.second, channels - channel);
	}
}

UTVM_INLINE void utvm_mve_row(const struct utvm_mve_rows *p, int positive, const int8_t *row,
			      const int8_t *weights, const int32_t *bias, const int32_t *scales,
			      int8_t *output)
{
	const struct utvm_mve_bounds bounds = utvm_mve_bounds(&p->range);
	const int32_t depth = p->depth;
	const int32_t channels = p->channels;
	const int32_t step = p->scales_step;

	for (int32_t channel = 0; channel < channels; channel += 4) {
		int32x4_t sums, multiplier, shift;

		weights = utvm_mve_sums_1x4(row, weights, bias + channel, depth, &sums);
		multiplier = vldrwq_s32(scales);
		shift = vldrbq_s32((const int8_t *)(scales + 4));
		scales += step;
		sums = utvm_mve_result(sums, multiplier, shift, bounds, positive);
		utvm_mve_store(output + channel, sums, channels - channel);
	}
}

#else

UTVM_INLINE void utvm_mve_row(const struct utvm_mve_rows *p, int positive, const int8_t *row,
			      const int8_t *weights, const int32_t *bias, const int32_t *scales, int8_t *output)
{
	const int32_t blocks = (p->depth + 15) / 16;

	(void)positive;
	for (int32_t channel = 0; channel < p->channels; channel++) {
		const int32_t lane = channel % 4;
		const int8_t *const own = weights + (channel / 4 * blocks * 4 + lane) * 16;
		const int32_t *const own_scales = scales + channel / 4 * p->scales_step;
		int32_t sum = bias[channel];

		for (int32_t i = 0; i < p->depth; i++) {
			sum += row[i] * own[i / 16 * 64 + i % 16];
		}
		sum = utvm_requantize(sum, own_scales[lane], utvm_mve_shift(own_scales, lane));
		output[channel] =
			utvm_clamp(sum + p->range.out_zero, p->range.low, p->range.high);
	}
}

UTVM_INLINE void utvm_mve_rows2(const struct utvm_mve_rows *p, int positive, const int8_t *a0,
				const int8_t *a1, const int8_t *weights, const int32_t *bias, const int32_t *scales,
				int8_t *out0, int8_t *out1)
{
	utvm_mve_row(p, positive, a0, weights, bias, scales, out0);
	utvm_mve_row(p, positive, a1, weights, bias, scales, out1);
}

#endif
/* Where outputs are no less than their zero point ("positive"), requantization is shorter. */
UTVM_SHARED void utvm_mve_rows2_any(const struct utvm_mve_rows *p, const int8_t *a0,
				    const int8_t *a1, const int8_t *weights, const int32_t *bias, const int32_t *scales,
				    int8_t *out0, int8_t *out1)
{
	utvm_mve_rows2(p, 0, a0, a1, weights, bias, scales, out0, out1);
}

UTVM_SHARED void utvm_mve_rows2_positive(const struct utvm_mve_rows *p, const int8_t *a0,
					 const int8_t *a1, const int8_t *weights,
					 const int32_t *bias, const int32_t *scales, int8_t *out0, int8_t *out1)
{
	utvm_mve_rows2(p, 1, a0, a1, weights, bias, scales, out0, out1);
}

typedef void utvm_mve_rows2_t(const struct utvm_mve_rows *p, const int8_t *a0, const int8_t *a1,
			      const int8_t *weights, const int32_t *bias, const int32_t *scales, int8_t *out0,
			      int8_t *out1);

/*
 * Pixels from rows that are step bytes from each other, in pairs; the last of an odd number is
 * computed twice.
 */
UTVM_INLINE void utvm_mve_pixels(const struct utvm_mve_rows *p, utvm_mve_rows2_t *rows2,
				 const int8_t *input, int32_t step, int32_t count,
				 const int8_t *weights, const int32_t *bias,
				 const int32_t *scales, int8_t *output)
{
	for (int32_t left = count; left > 0; left -= 2) {
		const int32_t pair = left > 1 ? 1 : 0;

		rows2(p, input, input + pair * step, weights, bias, scales, output,
		      output + pair * p->channels);
		input += 2 * step;
		output += 2 * p->channels;
	}
}
