/*
 * Products of matrices for CPUs that multiply two pairs of 16 bits at once. Weights of two output
 * channels, a and b, are in one number of 16 bits, a + 256 * b: with these the sum is sum(a) +
 * 256 * sum(b), and with their lower bytes it is sum(a).
 */
struct utvm_packed {
	int32_t words; /* of 32 bits: a pair of inputs, for two channels; even, 4 at least */
	int32_t channels;
	int32_t out_zero;
	int32_t low;
	int32_t high;
};

/* Sums of two channels, a and b, for three pixels. */
struct utvm_sums {
	int32_t a0, a1, a2;
	int32_t b0, b1, b2;
};

/* The sum of channel b alone. */
UTVM_INLINE int32_t utvm_packed_second(int32_t both, int32_t first)
{
	return (int32_t)((uint32_t)both - (uint32_t)first) >> 8;
}

#if defined(UTVM_DSP)
/*
 * Such assembly takes every register, and saves those that it may not lose. They are
 *
 *	r0, r1    weights		r8-r10  sums of both channels
 *	r2-r4     inputs		r11     end of the inputs
 *	r5-r7     sums of channel a	r12     constants, which go on
 *					lr      inputs, which go on
 */
/* Four inputs of three pixels, by the weights of two channels. */
#define UTVM_PACKED_STEP									   \
	"ldrd r0, r1, [r12], #8\n\t"								   \
	"ldmia lr!, {r2, r3, r4}\n\t"								   \
	"smlad r8, r0, r2, r8\n\t"								   \
	"smlad r9, r0, r3, r9\n\t"								   \
	"smlad r10, r0, r4, r10\n\t"								   \
	"sxtb16 r0, r0\n\t"									   \
	"smlad r5, r0, r2, r5\n\t"								   \
	"smlad r6, r0, r3, r6\n\t"								   \
	"smlad r7, r0, r4, r7\n\t"								   \
	"ldmia lr!, {r2, r3, r4}\n\t"								   \
	"smlad r8, r1, r2, r8\n\t"								   \
	"smlad r9, r1, r3, r9\n\t"								   \
	"smlad r10, r1, r4, r10\n\t"								   \
	"sxtb16 r1, r1\n\t"									   \
	"smlad r5, r1, r2, r5\n\t"								   \
	"smlad r6, r1, r3, r6\n\t"								   \
	"smlad r7, r1, r4, r7\n\t"

/* The same of the first four, whose sums start with what r5 and r8 have. */
#define UTVM_PACKED_FIRST									   \
	"ldrd r0, r1, [r12], #8\n\t"								   \
	"ldmia lr!, {r2, r3, r4}\n\t"								   \
	"smlad r10, r0, r4, r8\n\t"								   \
	"smlad r9, r0, r3, r8\n\t"								   \
	"smlad r8, r0, r2, r8\n\t"								   \
	"sxtb16 r0, r0\n\t"									   \
	"smlad r7, r0, r4, r5\n\t"								   \
	"smlad r6, r0, r3, r5\n\t"								   \
	"smlad r5, r0, r2, r5\n\t"								   \
	"ldmia lr!, {r2, r3, r4}\n\t"								   \
	"smlad r8, r1, r2, r8\n\t"								   \
	"smlad r9, r1, r3, r9\n\t"								   \
	"smlad r10, r1, r4, r10\n\t"								   \
	"sxtb16 r1, r1\n\t"									   \
	"smlad r5, r1, r2, r5\n\t"								   \
	"smlad r6, r1, r3, r6\n\t"								   \
	"smlad r7, r1, r4, r7\n\t"

/* From the biases to the sums, which are left in r5 to r10. */
#define UTVM_PACKED_SUMS									   \
	"ldrd r5, r8, [r12], #8\n\t" UTVM_PACKED_FIRST UTVM_PACKED_STEP			   \
	"cmp lr, r11\n\t"									   \
	"beq 3f\n"										   \
	"1:\n\t" UTVM_PACKED_STEP UTVM_PACKED_STEP						   \
	"cmp lr, r11\n\t"									   \
	"bne 1b\n"										   \
	"3:\n\t"
#endif

/* For two channels whose biases and weights are at packed; where these end. */
UTVM_INLINE const int32_t *utvm_packed_dot(const int32_t *packed, const int32_t *inputs,
					   const int32_t *end, struct utvm_sums *sums)
{
#if defined(UTVM_DSP)
	register const int32_t *r0 __asm__("r0") = packed;
	register const int32_t *r1 __asm__("r1") = inputs;
	register const int32_t *r2 __asm__("r2") = end;
	register struct utvm_sums *r3 __asm__("r3") = sums;

	__asm__ volatile("push {r3-r11}\n\t"
			 "mov r12, r0\n\t"
			 "mov lr, r1\n\t"
			 "mov r11, r2\n\t" UTVM_PACKED_SUMS
			 "pop {r3}\n\t"
			 "stmia r3, {r5-r10}\n\t"
			 "mov r0, r12\n\t"
			 "pop {r4-r11}"
			 : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3)
			 :
			 : "r12", "lr", "cc", "memory");
	packed = r0;
#else
	*sums = (struct utvm_sums){packed[0], packed[0], packed[0],
				   packed[1], packed[1], packed[1]};
	for (packed += 2; inputs != end; inputs += 3) {
		const int32_t both = *packed++;
		const int32_t first = utvm_even_bytes(both);

		sums->b0 = utvm_dot2(both, inputs[0], sums->b0);
		sums->b1 = utvm_dot2(both, inputs[1], sums->b1);
		sums->b2 = utvm_dot2(both, inputs[2], sums->b2);
		sums->a0 = utvm_dot2(first, inputs[0], sums->a0);
		sums->a1 = utvm_dot2(first, inputs[1], sums->a1);
		sums->a2 = utvm_dot2(first, inputs[2], sums->a2);
	}
#endif
	sums->b0 = utvm_packed_second(sums->b0, sums->a0);
	sums->b1 = utvm_packed_second(sums->b1, sums->a1);
	sums->b2 = utvm_packed_second(sums->b2, sums->a2);
	return packed;
}

UTVM_INLINE int8_t utvm_packed_result(const struct utvm_packed *p, int32_t sum,
				      struct utvm_scale scale)
{
	return (int8_t)utvm_saturated(utvm_requantized(sum, scale, p->out_zero));
}

/*
 * All channels of up to three pixels. Missing ones are computed too, but their results are where
 * the first pixel's come last. packed has for two channels: their biases, weights and scales.
 */
UTVM_INLINE void utvm_packed_block(const struct utvm_packed *p, const int32_t *inputs,
				   int32_t pixels, const int32_t *packed, int8_t *output)
{
	const int32_t *const end = inputs + 3 * p->words;
	const int32_t pixel1 = pixels > 1 ? p->channels : 0;
	const int32_t pixel2 = pixels > 2 ? 2 * p->channels : 0;

	for (int32_t left = p->channels; left > 0; left -= 2) {
		struct utvm_sums sums;
		struct utvm_scale scale;

		packed = utvm_packed_dot(packed, inputs, end, &sums);
		scale = utvm_scale_at(packed);
		packed += UTVM_SCALE_WORDS;
		output[pixel2] = utvm_packed_result(p, sums.a2, scale);
		output[pixel1] = utvm_packed_result(p, sums.a1, scale);
		*output++ = utvm_packed_result(p, sums.a0, scale);
		if (left == 1) {
			break;
		}
		scale = utvm_scale_at(packed);
		packed += UTVM_SCALE_WORDS;
		output[pixel2] = utvm_packed_result(p, sums.b2, scale);
		output[pixel1] = utvm_packed_result(p, sums.b1, scale);
		*output++ = utvm_packed_result(p, sums.b0, scale);
	}
}

typedef void (*utvm_packed_kind)(const struct utvm_packed *p, const int32_t *inputs, int32_t pixels,
				 const int32_t *packed, int8_t *output);
