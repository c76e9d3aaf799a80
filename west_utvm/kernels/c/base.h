/* What every kernel uses. */
#define UTVM_INLINE static inline __attribute__((always_inline, unused))

UTVM_INLINE int32_t utvm_min(int32_t a, int32_t b)
{
	return a < b ? a : b;
}

UTVM_INLINE int32_t utvm_max(int32_t a, int32_t b)
{
	return a > b ? a : b;
}

UTVM_INLINE int8_t utvm_clamp(int32_t value, int32_t low, int32_t high)
{
	return (int8_t)utvm_min(utvm_max(value, low), high);
}
