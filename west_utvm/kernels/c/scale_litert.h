/*
 * Requantization in words of constants: one a channel, the bits of a float32 factor f with
 * 2^-24 < f < 2^-2; sums are below 2^24.
 */
#define UTVM_SCALE_WORDS 1
/* A channel's bias and its scale. */
#define UTVM_CHANNEL_WORDS (1 + UTVM_SCALE_WORDS)

struct utvm_scale {
	int32_t bits;
};

UTVM_INLINE struct utvm_scale utvm_scale_at(const int32_t *words)
{
	const struct utvm_scale scale = {words[0]};

	return scale;
}

UTVM_SHARED int32_t utvm_requantized_exactly(int32_t sum, int32_t multiplier, int32_t shift)
{
	return utvm_requantize(sum, multiplier, shift);
}

/*
 * zero + sum * f as LiteRT's XNNPACK has it: the product in single precision, then the nearest
 * integer, halves to even.
 */
UTVM_INLINE int32_t utvm_requantized(int32_t sum, struct utvm_scale scale, int32_t zero)
{
#if defined(__ARM_FP) && (__ARM_FP & 4)
	/* 1.5 * 2^23: to add it leaves no fraction, and the integer is in the lower bits. */
	const float magic = 12582912.0f;
	const int32_t magic_bits = 0x4B400000;
	float factor, product;
	int32_t bits;

	memcpy(&factor, &scale.bits, sizeof(factor));
	product = (float)sum * factor;
	__asm__("" : "+t"(product)); /* Not to be fused with the addition. */
	product += magic;
	memcpy(&bits, &product, sizeof(bits));
	return bits - magic_bits + zero;
#else
	const int32_t multiplier = (scale.bits & 0x7FFFFF) | 0x800000;
	const int32_t shift = 150 - (scale.bits >> 23);
	const int64_t product = (int64_t)sum * multiplier;
	const int64_t half = (int64_t)1 << (shift - 1);
	const int64_t rounded = (product + half) >> shift;
	/*
	 * Results that count are below 2^9, so that single precision moves them by less than
	 * 2^-15: only so near to a half does it make a difference.
	 */
	const int32_t rest = (int32_t)((product - rounded * ((int64_t)1 << shift)) >>
				       (shift - 15));

	if (rest >= 0x3FFF || rest < -0x3FFF) {
		return utvm_requantized_exactly(sum, multiplier, shift) + zero;
	}
	return (int32_t)rounded + zero;
#endif
}
