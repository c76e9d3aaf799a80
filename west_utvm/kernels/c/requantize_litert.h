/* value / 2^bits, rounded to nearest, halves to even; 1 <= bits. */
UTVM_INLINE uint64_t utvm_divide_to_even(uint64_t value, int32_t bits)
{
	uint64_t quotient;

	if (bits > 62) {
		return 0;
	}
	quotient = value >> bits;
	return (value + (((uint64_t)1 << (bits - 1)) - 1U + (quotient & 1U))) >> bits;
}

/* The 24 bits of value that single precision keeps. */
UTVM_INLINE uint64_t utvm_single(uint64_t value)
{
	const int32_t rest = 40 - (value ? __builtin_clzll(value) : 64);

	return rest > 0 ? utvm_divide_to_even(value, rest) << rest : value;
}

/*
 * value * multiplier / 2^shift as LiteRT's XNNPACK has it, in integers: value and product are
 * rounded to single precision, then the result to an integer. The multiplier has 24 bits. What is
 * beyond 2^30 is far beyond any result's range.
 */
UTVM_INLINE int32_t utvm_requantize(int32_t value, int32_t multiplier, int32_t shift)
{
	const uint32_t magnitude = value < 0 ? 0U - (uint32_t)value : (uint32_t)value;
	const uint64_t factor = magnitude >> 24 ? utvm_single(magnitude) : magnitude;
	uint64_t result = utvm_single(factor * (uint32_t)multiplier);

	result = utvm_divide_to_even(result, shift);
	if (result > 1U << 30) {
		result = 1U << 30;
	}
	return value < 0 ? -(int32_t)result : (int32_t)result;
}
