/* A column of four planes, each so many words after the one before, from two rows of pixels. */
UTVM_INLINE void utvm_plane_column(int32_t *to, int32_t size, int32_t upper, int32_t lower)
{
	const int32_t upper_even = utvm_even_bytes(upper);
	const int32_t upper_odd = utvm_odd_bytes(upper);
	const int32_t lower_even = utvm_even_bytes(lower);
	const int32_t lower_odd = utvm_odd_bytes(lower);

	to[0] = utvm_low_halves(upper_even, lower_even);
	to[size] = utvm_low_halves(upper_odd, lower_odd);
	to[2 * size] = utvm_high_halves(upper_even, lower_even);
	to[3 * size] = utvm_high_halves(upper_odd, lower_odd);
}
