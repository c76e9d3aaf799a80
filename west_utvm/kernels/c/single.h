/* Keeps a compiler from fusing what is rounded here with what comes next. */
UTVM_INLINE float utvm_rounded(float value)
{
	volatile float rounded = value;

	return rounded;
}
