/* value * multiplier * 2^(shift - 31), rounded once, to nearest, halves up. */
UTVM_INLINE int32_t utvm_requantize(int32_t value, int32_t multiplier, int32_t shift)
{
	const int32_t right = 31 - shift;

	return (int32_t)(((int64_t)value * multiplier + ((int64_t)1 << (right - 1))) >> right);
}
