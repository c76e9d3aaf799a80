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

/* Sums of two channels each; b's and d's are with those of a and c in them. */
struct utvm_four_sums {
	int32_t a, b, c, d;
};

#if defined(UTVM_DSP)
/* Four inputs by the weights of four channels. */
#define UTVM_FOUR_STEP                                                                             \
	"ldmia r12!, {r4, r5, r6, r7}\n\t"                                                         \
	"ldrd r8, r9, [lr], #8\n\t"                                                                \
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

/* What starts with four biases, and then has as many weights as there are inputs for each. */
UTVM_INLINE struct utvm_four_sums utvm_four_dot(const int32_t *weights, const int32_t *inputs,
						const int32_t *end)
{
#if defined(UTVM_DSP)
	/* Such assembly takes every register: it saves what it may not lose. */
	register int32_t a __asm__("r0") = (int32_t)weights;
	register int32_t b __asm__("r1") = (int32_t)inputs;
	register int32_t c __asm__("r2") = (int32_t)end;
	register int32_t d __asm__("r3");

	__asm__ volatile("push {r4-r10}\n\t"
			 "mov r12, r0\n\t"
			 "mov lr, r1\n\t"
			 "mov r10, r2\n\t"
			 "ldmia r12!, {r0, r1, r2, r3}\n"
			 "1:\n\t" UTVM_FOUR_STEP UTVM_FOUR_STEP
			 "cmp lr, r10\n\t"
			 "bne 1b\n\t"
			 "pop {r4-r10}"
			 : "+r"(a), "+r"(b), "+r"(c), "=r"(d)
			 :
			 : "r12", "lr", "cc", "memory");
	return (struct utvm_four_sums){a, b, c, d};
#else
	struct utvm_four_sums sums = {weights[0], weights[1], weights[2], weights[3]};

	for (weights += 4; inputs != end; inputs++, weights += 2) {
		sums.b = utvm_dot2(weights[0], *inputs, sums.b);
		sums.a = utvm_dot2(utvm_even_bytes(weights[0]), *inputs, sums.a);
		sums.d = utvm_dot2(weights[1], *inputs, sums.d);
		sums.c = utvm_dot2(utvm_even_bytes(weights[1]), *inputs, sums.c);
	}
	return sums;
#endif
}

UTVM_INLINE int8_t utvm_four_result(const struct utvm_packed *p, int32_t sum, const int32_t *scale)
{
	const int32_t result = utvm_requantized(sum, utvm_scale_at(scale), p->out_zero);

	return utvm_clamp(result, p->low, p->high);
}

UTVM_SHARED void utvm_fully_connected_packed(const struct utvm_fully_connected_packed *p,
					     const int8_t *input, const int32_t *packed,
					     const int32_t *scales, void *scratch, int8_t *output)
{
	const struct utvm_packed *const q = &p->packed;
	const int32_t step = p->per_channel ? UTVM_SCALE_WORDS : 0;
	int32_t *const inputs = scratch;
	const int32_t *const end = inputs + q->words;

	for (int32_t row = 0; row < p->rows; row++, input += p->in_features) {
		const int32_t *weights = packed;
		const int32_t *scale = scales;

		utvm_expand(input, p->in_features, inputs, 1);
		for (int32_t left = q->channels; left > 0; left -= 4) {
			struct utvm_four_sums s = utvm_four_dot(weights, inputs, end);

			weights += 4 + 2 * q->words;
			*output++ = utvm_four_result(q, s.a, scale);
			scale += step;
			if (left > 1) {
				s.b = utvm_packed_second(s.b, s.a);
				*output++ = utvm_four_result(q, s.b, scale);
				scale += step;
			}
			if (left > 2) {
				*output++ = utvm_four_result(q, s.c, scale);
				scale += step;
			}
			if (left > 3) {
				s.d = utvm_packed_second(s.d, s.c);
				*output++ = utvm_four_result(q, s.d, scale);
				scale += step;
			}
		}
	}
}
