/* Fraction bits of a weight. */
#define UTVM_BILINEAR_BITS 11

/* A sum with twice these bits, to the nearest integer, halves up. */
UTVM_INLINE int32_t utvm_bilinear_rounded(int32_t sum)
{
	return (sum + (1 << (2 * UTVM_BILINEAR_BITS - 1))) >> (2 * UTVM_BILINEAR_BITS);
}
