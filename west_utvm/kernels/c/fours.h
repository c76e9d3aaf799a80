/*
 * Products of a vector and a matrix, OI, four outputs at a time. Weights are of two channels each,
 * as in packed.h; for four outputs there are their biases and weights.
 */

/*
 * Where the outputs of a row come from and go to; the scale and the output are those of the next.
 * Inputs are eights of the row; those that are left of it are padded to one before rest_end, which
 * is the end of the inputs if there are none. A row of less than eight is all of the inputs.
 */
struct utvm_fours {
	int32_t zero;
	int32_t scale_step; /* in bytes */
	int8_t *last;
	const int32_t *scale;
	int8_t *output;
	const int8_t *end;
	const int8_t *inputs;
	const int8_t *rest_end;
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

/* Sums of two channels each: b with those of a in them. */
struct utvm_four_sums {
	int32_t a0, b0;
	int32_t a1, b1;
};

/* Adds inputs, in eights, by the weights of four channels; where these end. */
UTVM_INLINE const int32_t *utvm_four_dot(struct utvm_four_sums *sums, const int32_t *weights,
					 const int8_t *inputs, const int8_t *end)
{
#if defined(UTVM_DSP)
	/* Such assembly takes every register: it saves what it may not lose. */
	register int32_t a0 __asm__("r0") = sums->a0;
	register int32_t b0 __asm__("r1") = sums->b0;
	register int32_t a1 __asm__("r2") = sums->a1;
	register int32_t b1 __asm__("r3") = sums->b1;
	register const int8_t *last __asm__("r4") = end;
	register const int32_t *w __asm__("r12") = weights;
	register const int8_t *x __asm__("lr") = inputs;

	__asm__ volatile("push {r4-r10}\n\t"
			 "mov r10, r4\n"
			 "1:\n\t" UTVM_FOUR_STEP UTVM_FOUR_STEP
			 "cmp lr, r10\n\t"
			 "bne 1b\n\t"
			 "pop {r4-r10}"
			 : "+r"(a0), "+r"(b0), "+r"(a1), "+r"(b1), "+r"(w), "+r"(x)
			 : "r"(last)
			 : "cc", "memory");
	*sums = (struct utvm_four_sums){a0, b0, a1, b1};
	return w;
#else
	for (; inputs != end; inputs += 4, weights += 4) {
		const int32_t word = utvm_load4(inputs);
		const int32_t even = utvm_even_bytes(word), odd = utvm_odd_bytes(word);

		sums->b0 = utvm_dot2(weights[0], even, sums->b0);
		sums->b0 = utvm_dot2(weights[2], odd, sums->b0);
		sums->a0 = utvm_dot2(utvm_even_bytes(weights[0]), even, sums->a0);
		sums->a0 = utvm_dot2(utvm_even_bytes(weights[2]), odd, sums->a0);
		sums->b1 = utvm_dot2(weights[1], even, sums->b1);
		sums->b1 = utvm_dot2(weights[3], odd, sums->b1);
		sums->a1 = utvm_dot2(utvm_even_bytes(weights[1]), even, sums->a1);
		sums->a1 = utvm_dot2(utvm_even_bytes(weights[3]), odd, sums->a1);
	}
	return weights;
#endif
}

UTVM_INLINE void utvm_four_result(struct utvm_fours *f, int32_t sum)
{
	const struct utvm_scale scale = utvm_scale_at(f->scale);

	*f->output++ = (int8_t)utvm_saturated(utvm_requantized(sum, scale, f->zero));
	f->scale += f->scale_step / (int32_t)sizeof(*f->scale);
}

/* Four outputs, and again until the last; where their weights end. */
UTVM_INLINE const int32_t *utvm_four_plain_outputs(struct utvm_fours *f, const int32_t *packed)
{
	do {
		struct utvm_four_sums sums = {packed[0], packed[1], packed[2], packed[3]};

		packed = utvm_four_dot(&sums, packed + 4, f->inputs, f->end);
		if (f->rest_end != f->end) {
			packed = utvm_four_dot(&sums, packed, f->rest_end - 8, f->rest_end);
		}
		utvm_four_result(f, sums.a0);
		utvm_four_result(f, utvm_packed_second(sums.b0, sums.a0));
		utvm_four_result(f, sums.a1);
		utvm_four_result(f, utvm_packed_second(sums.b1, sums.a1));
	} while (f->output != f->last);
	return packed;
}
