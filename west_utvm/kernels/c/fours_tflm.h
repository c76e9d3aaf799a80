/*
 * utvm_four_plain_outputs in assembly: it takes every register, and saves those that it may not
 * lose. They are
 *
 *	r0-r3   sums			r10     end of the inputs
 *	r4-r7   weights			r11     struct utvm_fours
 *	r8, r9  inputs			r12     constants, which go on
 *					lr      inputs, which go on
 *
 * and for results r4 to r7 and lr have the first five members of the struct, r8 and r9 a scale.
 */
#if defined(UTVM_DSP)
#define UTVM_FOUR_RESULT(x)									   \
	"ldrd r8, r9, [r7]\n\t"								   \
	"add r7, r5\n\t"									   \
	"smmlar " x ", " x ", r8, " x "\n\t"							   \
	"add " x ", " x ", " x ", asr #31\n\t"							   \
	"smmlar " x ", " x ", r9, r4\n\t"							   \
	"ssat " x ", #8, " x "\n\t"								   \
	"strb " x ", [lr], #1\n\t"

#define UTVM_FOUR_OUTPUTS									   \
	"push {r4-r11}\n\t"									   \
	"mov r11, r0\n\t"									   \
	"mov r12, r1\n\t"									   \
	"b 0f\n"										   \
	"4:\n\t"										   \
	"mov r10, r4\n\t"									   \
	"sub lr, r4, #8\n\t"									   \
	"b 1f\n"										   \
	"0:\n\t"										   \
	"ldmia r12!, {r0, r1, r2, r3}\n\t"							   \
	"ldrd r10, lr, [r11, #20]\n\t"							   \
	"1:\n\t" UTVM_FOUR_STEP UTVM_FOUR_STEP							   \
	"cmp lr, r10\n\t"									   \
	"bne 1b\n\t"										   \
	"ldr r4, [r11, #28]\n\t"								   \
	"cmp lr, r4\n\t"									   \
	"bne 4b\n\t"										   \
	"sub r1, r1, r0\n\t"									   \
	"sub r3, r3, r2\n\t"									   \
	"asr r1, r1, #8\n\t"									   \
	"asr r3, r3, #8\n\t"									   \
	"ldmia r11, {r4, r5, r6, r7, lr}\n\t"							   \
	UTVM_FOUR_RESULT("r0") UTVM_FOUR_RESULT("r1")						   \
	UTVM_FOUR_RESULT("r2") UTVM_FOUR_RESULT("r3")						   \
	"strd r7, lr, [r11, #12]\n\t"								   \
	"cmp lr, r6\n\t"									   \
	"bne 0b\n\t"										   \
	"mov r1, r12\n\t"									   \
	"pop {r4-r11}"
#endif

/* Four outputs, and again until the last; where their weights end. */
UTVM_SHARED const int32_t *utvm_four_outputs(struct utvm_fours *f, const int32_t *packed)
{
#if defined(UTVM_DSP)
	register struct utvm_fours *r0 __asm__("r0") = f;
	register const int32_t *r1 __asm__("r1") = packed;

	__asm__ volatile(UTVM_FOUR_OUTPUTS
			 : "+r"(r0), "+r"(r1)
			 :
			 : "r2", "r3", "r12", "lr", "cc", "memory");
	return r1;
#else
	return utvm_four_plain_outputs(f, packed);
#endif
}
