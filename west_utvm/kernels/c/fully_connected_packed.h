/*
 * A matrix of weights, OI, times each row of the input, four outputs at a time. Weights are of two
 * channels each, as in packed.h; packed has for four outputs: their biases, weights and scales.
 */
struct utvm_fully_connected_packed {
	struct utvm_packed packed;
	int32_t rows;
	int32_t in_features;
	int32_t per_channel;
};

#if defined(UTVM_DSP)
/* Four inputs by the weights of four channels. */
#define UTVM_FOUR_STEP                                                                             \
	"ldmia r12!, {r4, r5, r6, r7}\n\t"                                                         \
	"ldr r8, [lr], #4\n\t"                                                                     \
	"sxtb16 r9, r8, ror #8\n\t"                                                                \
	"sxtb16 r8, r8\n\t"                                                                        \
	"smlad r1, r4, r8, r1\n\t"                                                                 \
	"sxtb16 r4, r4\n\t"                                                                        \
	"smlad r3, r5, r8, r3\n\t"                                                                 \
	"sxtb16 r5, r5\n\t"                                                                        \
	"smlad r1, r6, r9, r1\n\t"                                                                 \
	"sxtb16 r6, r6\n\t"                                                                        \
	"smlad r3, r7, r9, r3\n\t"                                                                 \
	"sxtb16 r7, r7\n\t"                                                                        \
	"smlad r0, r4, r8, r0\n\t"                                                                 \
	"smlad r2, r5, r8, r2\n\t"                                                                 \
	"smlad r0, r6, r9, r0\n\t"                                                                 \
	"smlad r2, r7, r9, r2\n\t"
#endif

/*
 * Adds eight inputs or more, in eights, by the weights of four channels to the sums of two channels
 * each: the second and the fourth are with those of the first and the third in them.
 */
UTVM_INLINE void utvm_four_dot(int32_t *sums, const int32_t *weights, const int8_t *inputs,
			       const int8_t *end)
{
#if defined(UTVM_DSP)
	/* Such assembly takes every register: it saves what it may not lose. */
	register int32_t a __asm__("r0") = (int32_t)weights;
	register int32_t b __asm__("r1") = (int32_t)inputs;
	register int32_t c __asm__("r2") = (int32_t)end;
	register int32_t d __asm__("r3") = (int32_t)sums;

	__asm__ volatile("push {r3-r10}\n\t"
			 "mov r12, r0\n\t"
			 "mov lr, r1\n\t"
			 "mov r10, r2\n\t"
			 "ldmia r3, {r0, r1, r2, r3}\n"
			 "1:\n\t" UTVM_FOUR_STEP UTVM_FOUR_STEP
			 "cmp lr, r10\n\t"
			 "bne 1b\n\t"
			 "pop {r4}\n\t"
			 "stmia r4, {r0, r1, r2, r3}\n\t"
			 "pop {r4-r10}"
			 : "+r"(a), "+r"(b), "+r"(c), "+r"(d)
			 :
			 : "r12", "lr", "cc", "memory");
#else
	for (; inputs != end; inputs += 4, weights += 4) {
		const int32_t word = utvm_load4(inputs);
		const int32_t pairs[2] = {utvm_even_bytes(word), utvm_odd_bytes(word)};

		for (int32_t i = 0; i < 4; i++) {
			const int32_t first = 2 * (i & 1);
			const int32_t pair = pairs[i >> 1];

			sums[first + 1] = utvm_dot2(weights[i], pair, sums[first + 1]);
			sums[first] = utvm_dot2(utvm_even_bytes(weights[i]), pair, sums[first]);
		}
	}
#endif
}

UTVM_INLINE int8_t utvm_four_result(const struct utvm_packed *p, int32_t sum, const int32_t *scale)
{
	const int32_t result = utvm_requantized(sum, utvm_scale_at(scale), p->out_zero);

	return utvm_clamp(result, p->low, p->high);
}

UTVM_SHARED void utvm_fully_connected_packed(const struct utvm_fully_connected_packed *p,
					     const int8_t *input, const int32_t *packed,
					     const int32_t *scales, int8_t *output)
{
	const struct utvm_packed *const q = &p->packed;
	const int32_t step = p->per_channel ? UTVM_SCALE_WORDS : 0;
	const int32_t eights = p->in_features & ~7;
	int8_t rest[8] = {0};

	for (int32_t row = 0; row < p->rows; row++, input += p->in_features) {
		const int32_t *weights = packed;
		const int32_t *scale = scales;

		memcpy(rest, input + eights, (size_t)(p->in_features - eights));
		for (int32_t left = q->channels; left > 0; left -= 4) {
			int32_t sums[4] = {weights[0], weights[1], weights[2], weights[3]};

			weights += 4;
			if (eights > 0) {
				utvm_four_dot(sums, weights, input, input + eights);
			}
			if (eights != p->in_features) {
				utvm_four_dot(sums, weights + eights, rest, rest + 8);
			}
			weights += 2 * q->words;
			sums[1] = utvm_packed_second(sums[1], sums[0]);
			sums[3] = utvm_packed_second(sums[3], sums[2]);
			for (int32_t i = 0; i < 4 && i < left; i++, scale += step) {
				*output++ = utvm_four_result(q, sums[i], scale);
			}
		}
	}
}
