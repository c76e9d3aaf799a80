/*
 * value * multiplier * 2^(shift - 31), rounded twice as TensorFlow Lite Micro does: after the
 * multiplication, and after the shift to the right.
 */
UTVM_INLINE int32_t utvm_requantize(int32_t value, int32_t multiplier, int32_t shift)
{
	const int32_t left = shift > 0 ? shift : 0;
	const int32_t right = shift > 0 ? 0 : -shift;
	const int32_t shifted = (int32_t)((uint32_t)value << left);

	return utvm_divide_by_power(utvm_multiply_high(shifted, multiplier), right);
}
