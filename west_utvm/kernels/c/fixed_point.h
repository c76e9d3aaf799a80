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

/* utvm_multiply_high for |a| < 2^30. */
UTVM_INLINE int32_t utvm_multiply_high_of_small(int32_t a, int32_t b)
{
#if defined(UTVM_DSP)
	int32_t result;

	__asm__("smmulr %0, %1, %2" : "=r"(result) : "r"(2 * a), "r"(b));
	return result;
#else
	return (int32_t)(((int64_t)(2 * a) * b + ((int64_t)1 << 31)) >> 32);
#endif
}

/* utvm_divide_by_power for |value| < 2^30 and a number of bits that the compiler knows. */
UTVM_INLINE int32_t utvm_divide_small_by_power(int32_t value, int32_t bits)
{
	return bits == 0 ? value : (value + (value >> 31) + (1 << (bits - 1))) >> bits;
}

/*
 * value * multiplier * 2^(shift - 31), rounded twice as TensorFlow Lite's reference kernels do:
 * after the multiplication, and after the shift to the right.
 */
UTVM_INLINE int32_t utvm_twice_rounded(int32_t value, int32_t multiplier, int32_t shift)
{
	const int32_t left = shift > 0 ? shift : 0;
	const int32_t right = shift > 0 ? 0 : -shift;
	const int32_t shifted = (int32_t)((uint32_t)value << left);

	return utvm_divide_by_power(utvm_multiply_high(shifted, multiplier), right);
}
