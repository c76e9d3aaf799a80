/*
 * Helium, the vector extension of Armv8.1-M; where it is absent, C that reads the same constants.
 */
#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>
#endif

/*
 * How results are requantized: outputs are no less than their zero point, and no shift is to the
 * left; every shift is to the right, by one bit at least; or neither. The first is the fastest.
 */
enum {
	UTVM_MVE_POSITIVE,
	UTVM_MVE_NEGATIVE,
	UTVM_MVE_ANY,
};

/* The range of results, and the zero point they are counted from. */
struct utvm_mve_range {
	int32_t out_zero;
	int32_t low;
	int32_t high;
};

/* memcpy for what is short, and of a size that is known only here. */
UTVM_INLINE void utvm_mve_copy(int8_t *to, const int8_t *from, int32_t size)
{
#if defined(__ARM_FEATURE_MVE)
	__asm__ volatile("wlstp.8 lr, %[size], 2f\n"
			 "1:\n\t"
			 "vldrb.8 q0, [%[from]], #16\n\t"
			 "vstrb.8 q0, [%[to]], #16\n\t"
			 "letp lr, 1b\n"
			 "2:"
			 : [to] "+r"(to), [from] "+r"(from)
			 : [size] "r"(size)
			 : "q0", "lr", "memory");
#else
	memcpy(to, from, (size_t)size);
#endif
}

UTVM_INLINE void utvm_mve_fill(int8_t *to, int32_t value, int32_t size)
{
#if defined(__ARM_FEATURE_MVE)
	__asm__ volatile("vdup.8 q0, %[value]\n\t"
			 "wlstp.8 lr, %[size], 2f\n"
			 "1:\n\t"
			 "vstrb.8 q0, [%[to]], #16\n\t"
			 "letp lr, 1b\n"
			 "2:"
			 : [to] "+r"(to)
			 : [size] "r"(size), [value] "r"(value)
			 : "q0", "lr", "memory");
#else
	memset(to, value, (size_t)size);
#endif
}

/* One of four shifts, which are bytes of a word, the first of them lowest. */
UTVM_INLINE int32_t utvm_mve_shift(int32_t shifts, int32_t lane)
{
	return (int8_t)((uint32_t)shifts >> (8 * lane));
}
