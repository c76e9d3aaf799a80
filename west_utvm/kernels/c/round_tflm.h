/* value in units of scale. */
UTVM_INLINE float utvm_scaled_real(float value, float scale)
{
	return value / scale;
}

/* To the nearest integer, halves away from zero. Comparisons alone: nothing is rounded twice. */
UTVM_INLINE int32_t utvm_round(float value)
{
	const int32_t whole = (int32_t)value;

	return whole + (value >= (float)whole + 0.5f ? 1 : 0) -
	       (value <= (float)whole - 0.5f ? 1 : 0);
}
