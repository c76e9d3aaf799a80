/* The sum of a[i] * b[i], added to sum. */
UTVM_INLINE int32_t utvm_dot(const int8_t *a, const int8_t *b, int32_t count, int32_t sum)
{
	for (int32_t i = 0; i < count; i++) {
		sum += a[i] * b[i];
	}
	return sum;
}

UTVM_INLINE int32_t utvm_sum(const int8_t *a, int32_t count)
{
	int32_t sum = 0;

	for (int32_t i = 0; i < count; i++) {
		sum += a[i];
	}
	return sum;
}
