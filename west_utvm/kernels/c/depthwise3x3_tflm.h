/*
 * utvm_results3x3 for results of all of int8, in assembly: it takes every register, and saves those
 * that it may not lose. They are
 *
 *	r0      where in the plane	r4-r9   weights, rows (0, 1) and (1, 2) of each column
 *	r1      the bias		r12     the sum of the first row
 *	r2      where the results go	lr      the sum of the second row
 *	r3, r10, r11  inputs, and what is needed for a moment
 *
 * and on the stack: end of the plane, scale, zero point, offset of the second row, step.
 */
#if defined(UTVM_DSP)
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

/* Whether these were the last. */
#define UTVM_END_BY_ONE "cmp r0, r11\n\t"
#define UTVM_END_BY_TWO "ldr r3, [sp]\n\tcmp r0, r3\n\t"

#define UTVM_AWAY3X3 "add r12, r12, r12, asr #31\n\tadd lr, lr, lr, asr #31\n\t"
#define UTVM_UP3X3

#define UTVM_PASS3X3(sums, end, round)								   \
	"push {r4-r11}\n\t"									   \
	"ldmia r2, {r8, r9, r10, r11}\n\t"							   \
	"add r8, r0, r8\n\t"									   \
	"ldmia r1!, {r4, r5, r6}\n\t"								   \
	"ldmia r1, {r7, r12, lr}\n\t"								   \
	"push {r9, r10, r11}\n\t"								   \
	"push {r8, r12, lr}\n\t"								   \
	"mov r2, r3\n\t"									   \
	"mov r1, r7\n\t"									   \
	"mov r11, r8\n\t"									   \
	"sxtb16 r8, r6\n\t"									   \
	"sxtb16 r9, r6, ror #8\n\t"								   \
	"sxtb16 r7, r5, ror #8\n\t"								   \
	"sxtb16 r6, r5\n\t"									   \
	"sxtb16 r5, r4, ror #8\n\t"								   \
	"sxtb16 r4, r4\n"									   \
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
	"add r2, r2, r10\n\t" end								   \
	"bne 1b\n\t"										   \
	"add sp, #24\n\t"									   \
	"pop {r4-r11}"

#define UTVM_ASSEMBLY3X3(sums, end, round)							   \
	do {											   \
		register const int32_t *r0 __asm__("r0") = x;					   \
		register const int32_t *r1 __asm__("r1") = constants;				   \
		register const struct utvm_pass3x3 *r2 __asm__("r2") = pass;			   \
		register int8_t *r3 __asm__("r3") = output;					   \
												   \
		__asm__ volatile(UTVM_PASS3X3(sums, end, round)					   \
				 : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3)			   \
				 :								   \
				 : "r12", "lr", "cc", "memory");				   \
	} while (0)

#define UTVM_BOTH3X3(round)									   \
	do {											   \
		if (p->window.stride_y == 2) {							   \
			UTVM_ASSEMBLY3X3(UTVM_BY_TWO, UTVM_END_BY_TWO, round);			   \
		} else {									   \
			UTVM_ASSEMBLY3X3(UTVM_BY_ONE, UTVM_END_BY_ONE, round);			   \
		}										   \
	} while (0)
#else
#define UTVM_BOTH3X3(round) utvm_results3x3(p, -128, 127, pass, x, constants, output)
#endif

/* For results of all of int8. */
UTVM_INLINE void utvm_full3x3(const struct utvm_depthwise3x3 *p, const struct utvm_pass3x3 *pass,
			      const int32_t *x, const int32_t *constants, int8_t *output)
{
	UTVM_BOTH3X3(UTVM_AWAY3X3);
}

/*
 * The same if the zero point is the smallest result: then it does not matter which way the half of
 * a negative quotient is rounded.
 */
UTVM_INLINE void utvm_positive3x3(const struct utvm_depthwise3x3 *p,
				  const struct utvm_pass3x3 *pass, const int32_t *x,
				  const int32_t *constants, int8_t *output)
{
	UTVM_BOTH3X3(UTVM_UP3X3);
}
