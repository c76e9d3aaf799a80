#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>
#endif

/* To a place that may begin within what is moved, but not after its beginning. */
UTVM_SHARED void utvm_move_rows(int8_t *to, const int8_t *from, int32_t size)
{
	const int8_t *const end = from + size;

	for (; end - from >= 16; from += 16, to += 16) {
#if defined(__ARM_FEATURE_MVE)
		vstrbq_s8(to, vldrbq_s8(from));
#else
		int32_t words[4];

		memcpy(words, from, sizeof(words));
		memcpy(to, words, sizeof(words));
#endif
	}
	while (from != end) {
		*to++ = *from++;
	}
}
