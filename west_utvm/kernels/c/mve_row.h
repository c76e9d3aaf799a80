/*
 * A row of int8 times a matrix of weights. These are in blocks of four channels, and in those of
 * 16 products: [channels / 4][depth / 16][4][16], zeros where there are no more. For each four
 * channels there are four biases, and as scales four multipliers and a word of four shifts;
 * biases and scales of the next four are bias_step and scales_step words further.
 */
struct utvm_mve_row {
	int32_t depth;
	int32_t channels;
	int32_t bias_step;
	int32_t scales_step;
	struct utvm_mve_range range;
};

#if defined(UTVM_MVE_VECTORS)

/* Four channels: each turn of the loop is 16 products of each. */
UTVM_INLINE const int8_t *utvm_mve_sums(const int8_t *row, const int8_t *weights,
					const int32_t *bias, int32_t depth, int32x4_t *sums)
{
	register int32_t sum0 __asm__("r0") = bias[0];
	register int32_t sum1 __asm__("r2") = bias[1];
	register int32_t sum2 __asm__("r4") = bias[2];
	register int32_t sum3 __asm__("r6") = bias[3];

	__asm__ volatile(
		"wlstp.8 lr, %[depth], 2f\n"
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
		: [row] "+r"(row), [next] "+r"(weights), [sum0] "+r"(sum0), [sum1] "+r"(sum1),
		  [sum2] "+r"(sum2), [sum3] "+r"(sum3), [sums] "=&w"(*sums)
		: [depth] "r"(depth)
		: "lr", "q0", "q1", "q2", "cc", "memory");
	return weights;
}

UTVM_INLINE void utvm_mve_row(const struct utvm_mve_row *p, int positive, const int8_t *row,
			      const int8_t *weights, const int32_t *bias, const int32_t *scales,
			      int8_t *output)
{
	const int32x4_t low = vdupq_n_s32(p->range.low);
	const int32x4_t high = vdupq_n_s32(p->range.high);
	const int32_t out_zero = p->range.out_zero;
	const int32_t depth = p->depth;
	const int32_t bias_step = p->bias_step;
	const int32_t scales_step = p->scales_step;

	for (int32_t left = p->channels; left > 0; left -= 4) {
		int32x4_t sums, multiplier, shift;

		weights = utvm_mve_sums(row, weights, bias, depth, &sums);
		multiplier = vldrwq_s32(scales);
		shift = vldrbq_s32((const int8_t *)(scales + 4));
		sums = positive ? utvm_mve_requantize_positive(sums, multiplier, shift)
				: utvm_mve_requantize(sums, multiplier, shift);
		sums = vqaddq_n_s32(sums, out_zero);
		sums = vminq_s32(vmaxq_s32(sums, low), high);
		if (left >= 4) {
			vstrbq_s32(output, sums);
		} else {
			vstrbq_p_s32(output, sums, vctp32q((uint32_t)left));
		}
		bias += bias_step;
		scales += scales_step;
		output += 4;
	}
}

#else

UTVM_INLINE void utvm_mve_row(const struct utvm_mve_row *p, int positive, const int8_t *row,
			      const int8_t *weights, const int32_t *bias, const int32_t *scales,
			      int8_t *output)
{
	const int32_t blocks = (p->depth + 15) / 16;

	(void)positive;
	for (int32_t channel = 0; channel < p->channels; channel++) {
		const int32_t four = channel / 4;
		const int32_t lane = channel % 4;
		const int8_t *const own = weights + (four * blocks * 4 + lane) * 16;
		const int32_t *const scale = scales + four * p->scales_step;
		int32_t sum = bias[four * p->bias_step + lane];

		for (int32_t i = 0; i < p->depth; i++) {
			sum += row[i] * own[i / 16 * 64 + i % 16];
		}
		sum = utvm_mve_requantize_one(sum, scale[lane], utvm_mve_shift(scale[4], lane));
		output[channel] = utvm_clamp(sum + p->range.out_zero, p->range.low, p->range.high);
	}
}

#endif
