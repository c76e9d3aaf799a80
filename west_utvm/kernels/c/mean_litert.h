/* sum * scale + bias in single precision, each step rounded, then to an integer, halves to even. */
UTVM_INLINE int32_t utvm_mean_single(int32_t sum, float scale, float bias)
{
	const float product = utvm_rounded((float)sum * scale);
	const float result = utvm_rounded(product + bias);
	const int32_t whole = (int32_t)result;
	const float rest = utvm_rounded(result - (float)whole);

	if (rest > 0.5f || (rest == 0.5f && whole % 2 != 0)) {
		return whole + 1;
	}
	if (rest < -0.5f || (rest == -0.5f && whole % 2 != 0)) {
		return whole - 1;
	}
	return whole;
}
