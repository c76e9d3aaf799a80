/*
 * Requantization without branches, in words of constants: two a channel, 2 * m - 2^32 and
 * 2^(32 - n), for a real factor m * 2^(-31 - n) with 2^30 <= m < 2^31 and 2 <= n <= 31.
 */
#define UTVM_SCALE_WORDS 2
/* A channel's bias and its scale. */
#define UTVM_CHANNEL_WORDS (1 + UTVM_SCALE_WORDS)

struct utvm_scale {
	int32_t multiplier;
	int32_t power;
};

UTVM_INLINE struct utvm_scale utvm_scale_at(const int32_t *words)
{
	const struct utvm_scale scale = {words[0], words[1]};

	return scale;
}

/* zero + sum * m / 2^(31 + n), rounded twice as TensorFlow Lite Micro does. */
UTVM_INLINE int32_t utvm_requantized(int32_t sum, struct utvm_scale scale, int32_t zero)
{
#if defined(UTVM_DSP)
	int32_t high, result;

	/* (sum * 2^32 + sum * multiplier + 2^31) / 2^32 is the rounded sum * m / 2^31. */
	__asm__("smmlar %0, %1, %2, %1" : "=r"(high) : "r"(sum), "r"(scale.multiplier));
	high += high >> 31;
	__asm__("smmlar %0, %1, %2, %3" : "=r"(result) : "r"(high), "r"(scale.power), "r"(zero));
	return result;
#else
	/* A product's upper half, and one more where the lower half is half of it or more. */
	const int64_t product = (int64_t)sum * scale.multiplier;
	int32_t high = sum + (int32_t)(product >> 32) + (int32_t)((uint32_t)product >> 31);
	int64_t result;

	/* A quotient's half is rounded up, but that of a negative one down: one less in 2^n. */
	high += high >> 31;
	result = (int64_t)high * scale.power;
	return zero + (int32_t)(result >> 32) + (int32_t)((uint32_t)result >> 31);
#endif
}
