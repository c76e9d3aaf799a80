/* Fixed-point arithmetic on 32 bits. */

/* a * b / 2^31, rounded to nearest, halves up. Not for a == b == INT32_MIN. */
UTVM_INLINE int32_t utvm_multiply_high(int32_t a, int32_t b)
{
	return (int32_t)(((int64_t)a * b + (1 << 30)) >> 31);
}

/* value / 2^bits, rounded to nearest, halves away from zero; 0 <= bits <= 31. */
UTVM_INLINE int32_t utvm_divide_by_power(int32_t value, int32_t bits)
{
	const int32_t mask = (int32_t)((1U << bits) - 1U);
	const int32_t threshold = (mask >> 1) + (value < 0 ? 1 : 0);

	return (value >> bits) + ((value & mask) > threshold ? 1 : 0);
}
