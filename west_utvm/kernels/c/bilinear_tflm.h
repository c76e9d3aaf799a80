/* Fraction bits of a weight. */
#define UTVM_BILINEAR_BITS 10

/* A sum with twice these bits, to the nearest integer, halves away from zero. */
UTVM_INLINE int32_t utvm_bilinear_rounded(int32_t sum)
{
	return utvm_divide_by_power(sum, 2 * UTVM_BILINEAR_BITS);
}
