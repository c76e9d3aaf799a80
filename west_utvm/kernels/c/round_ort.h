/* value in units of scale. */
UTVM_INLINE float utvm_scaled_real(float value, float scale)
{
	return value / scale;
}

/* To the nearest integer, halves to even. Comparisons alone: no compiler can fuse them. */
UTVM_INLINE int32_t utvm_round(float value)
{
	const int32_t whole = (int32_t)value;
	const int32_t odd = whole % 2 != 0;
	const float above = (float)whole + 0.5f;
	const float below = (float)whole - 0.5f;

	return whole + (value > above || (odd && value == above) ? 1 : 0) -
	       (value < below || (odd && value == below) ? 1 : 0);
}
