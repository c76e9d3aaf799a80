/* What every kernel uses. */
#define UTVM_INLINE static inline __attribute__((always_inline, unused))
/* Of a function that the operators of a model share: in the code once, or not at all. */
#define UTVM_SHARED static __attribute__((noinline, unused))

/* Arm's DSP extension, with the encodings that its assembly here needs. */
#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
#define UTVM_DSP
#endif

UTVM_INLINE int32_t utvm_min(int32_t a, int32_t b)
{
	return a < b ? a : b;
}

UTVM_INLINE int32_t utvm_max(int32_t a, int32_t b)
{
	return a > b ? a : b;
}

/* The nearest int8. */
UTVM_INLINE int32_t utvm_saturated(int32_t value)
{
#if defined(__ARM_FEATURE_SAT)
	int32_t result;

	__asm__("ssat %0, #8, %1" : "=r"(result) : "r"(value));
	return result;
#else
	return utvm_min(utvm_max(value, -128), 127);
#endif
}

UTVM_INLINE int8_t utvm_clamp(int32_t value, int32_t low, int32_t high)
{
	if (__builtin_constant_p(low) && __builtin_constant_p(high) && low == -128 && high == 127) {
		return (int8_t)utvm_saturated(value);
	}
	return (int8_t)utvm_min(utvm_max(value, low), high);
}
