/* The multiplication by a scale of TensorFlow Lite Micro. */
UTVM_INLINE int32_t utvm_requantize(int32_t value, int32_t multiplier, int32_t shift)
{
	return utvm_twice_rounded(value, multiplier, shift);
}
