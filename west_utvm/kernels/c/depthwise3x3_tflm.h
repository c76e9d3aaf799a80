/*
 * utvm_results3x3 for results of all of int8, in assembly: it takes every register, and saves those
 * that it may not lose. They are
 *
 *	r0      where in the plane	r4-r9   weights, first and last of each column
 *	r1      the bias		r12     the sum of the first row
 *	r2      where the results go	lr      the sum of the second row
 *	r3, r10, r11  inputs, and what is needed for a moment
 *
 * and on the stack: end of the plane, scale, zero point, offset of the second row, step.
 */
#if defined(__ARM_FEATURE_DSP)
/* Two windows, one row apart. */
#define UTVM_BY_ONE										   \
	"ldrd r3, r10, [r0]\n\t"								   \
	"smlad r12, r3, r4, r1\n\t"								   \
	"smlatb lr, r3, r4, r1\n\t"								   \
	"smlabt r12, r10, r5, r12\n\t"								   \
	"smlad lr, r10, r5, lr\n\t"								   \
	"ldrd r3, r10, [r0, #12]!\n\t"								   \
	"smlad r12, r3, r6, r12\n\t"								   \
	"smlatb lr, r3, r6, lr\n\t"								   \
	"smlabt r12, r10, r7, r12\n\t"								   \
	"smlad lr, r10, r7, lr\n\t"								   \
	"ldrd r3, r10, [r0, #12]\n\t"								   \
	"smlad r12, r3, r8, r12\n\t"								   \
	"smlatb lr, r3, r8, lr\n\t"								   \
	"smlabt r12, r10, r9, r12\n\t"								   \
	"smlad lr, r10, r9, lr\n\t"

/* Two windows, two rows apart, which go on by two columns. */
#define UTVM_BY_TWO										   \
	"ldmia r0!, {r3, r10, r11}\n\t"								   \
	"smlad r12, r3, r4, r1\n\t"								   \
	"smlad lr, r10, r4, r1\n\t"								   \
	"smlabt r12, r10, r5, r12\n\t"								   \
	"smlabt lr, r11, r5, lr\n\t"								   \
	"ldmia r0!, {r3, r10, r11}\n\t"								   \
	"smlad r12, r3, r6, r12\n\t"								   \
	"smlad lr, r10, r6, lr\n\t"								   \
	"smlabt r12, r10, r7, r12\n\t"								   \
	"smlabt lr, r11, r7, lr\n\t"								   \
	"ldmia r0, {r3, r10, r11}\n\t"								   \
	"smlad r12, r3, r8, r12\n\t"								   \
	"smlad lr, r10, r8, lr\n\t"								   \
	"smlabt r12, r10, r9, r12\n\t"								   \
	"smlabt lr, r11, r9, lr\n\t"

#define UTVM_AWAY3X3 "add r12, r12, r12, asr #31\n\tadd lr, lr, lr, asr #31\n\t"
#define UTVM_UP3X3

#define UTVM_PASS3X3(sums, round)								   \
	"push {r4-r11}\n\t"									   \
	"ldmia r2, {r3-r10}\n\t"								   \
	"push {r4-r10}\n\t"									   \
	"mov r12, r3\n\t"									   \
	"ldmia r1, {r4-r9}\n\t"									   \
	"mov r1, r12\n\t"									   \
	"pop {r2}\n\t"										   \
	"1:\n\t" sums										   \
	"ldrd r3, r10, [sp, #4]\n\t"								   \
	"smmlar r12, r12, r3, r12\n\t"								   \
	"smmlar lr, lr, r3, lr\n\t" round							   \
	"ldr r3, [sp, #12]\n\t"									   \
	"smmlar r12, r12, r10, r3\n\t"								   \
	"smmlar lr, lr, r10, r3\n\t"								   \
	"ldrd r3, r10, [sp, #16]\n\t"								   \
	"ssat lr, #8, lr\n\t"									   \
	"ssat r12, #8, r12\n\t"									   \
	"strb lr, [r2, r3]\n\t"									   \
	"strb r12, [r2]\n\t"									   \
	"ldr r3, [sp]\n\t"									   \
	"add r2, r2, r10\n\t"									   \
	"cmp r0, r3\n\t"									   \
	"bne 1b\n\t"										   \
	"add sp, #24\n\t"									   \
	"pop {r4-r11}"

#define UTVM_ASSEMBLY3X3(sums, round)                                                              \
	do {                                                                                       \
		register const int32_t *r0 __asm__("r0") = x;                                      \
		register const struct utvm_weights3x3 *r1 __asm__("r1") = w;                       \
		register const struct utvm_pass3x3 *r2 __asm__("r2") = pass;                       \
												   \
		__asm__ volatile(UTVM_PASS3X3(sums, round)                                         \
				 : "+r"(r0), "+r"(r1), "+r"(r2)                                    \
				 :                                                                 \
				 : "r3", "r12", "lr", "cc", "memory");                             \
	} while (0)

#define UTVM_BOTH3X3(round)                                                                        \
	do {                                                                                       \
		if (p->window.stride_y == 2) {                                                     \
			UTVM_ASSEMBLY3X3(UTVM_BY_TWO, round);                                      \
		} else {                                                                           \
			UTVM_ASSEMBLY3X3(UTVM_BY_ONE, round);                                      \
		}                                                                                  \
	} while (0)
#else
#define UTVM_BOTH3X3(round) utvm_results3x3(x, w, *pass, p->window.stride_y, -128, 127)
#endif

/* For results of all of int8. */
UTVM_SHARED void utvm_full3x3(const struct utvm_depthwise3x3 *p, const int32_t *x,
			      const struct utvm_weights3x3 *w, const struct utvm_pass3x3 *pass)
{
	UTVM_BOTH3X3(UTVM_AWAY3X3);
}

/*
 * The same if the zero point is the smallest result: then it does not matter which way the half of
 * a negative quotient is rounded.
 */
UTVM_SHARED void utvm_positive3x3(const struct utvm_depthwise3x3 *p, const int32_t *x,
				  const struct utvm_weights3x3 *w, const struct utvm_pass3x3 *pass)
{
	UTVM_BOTH3X3(UTVM_UP3X3);
}
