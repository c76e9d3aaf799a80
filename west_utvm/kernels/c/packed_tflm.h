/*
 * utvm_packed_block for results of all of int8, in assembly as that of packed.h. r0 and r1 have
 * scales, too, and r8-r10 the sums of b alone. On the stack are end and begin of the inputs, zero
 * point, output, offsets of the second and the third pixel, and channels that are left.
 */
#if defined(UTVM_DSP)
/* utvm_requantized and a store, of three pixels. */
#define UTVM_PACKED_RESULTS(x0, x1, x2, round)							   \
	"smmlar " x0 ", " x0 ", r0, " x0 "\n\t"							   \
	"smmlar " x1 ", " x1 ", r0, " x1 "\n\t"							   \
	"smmlar " x2 ", " x2 ", r0, " x2 "\n\t" round(x0) round(x1) round(x2)			   \
	"smmlar " x0 ", " x0 ", r1, r2\n\t"							   \
	"smmlar " x1 ", " x1 ", r1, r2\n\t"							   \
	"smmlar " x2 ", " x2 ", r1, r2\n\t"							   \
	"ssat " x0 ", #8, " x0 "\n\t"								   \
	"ssat " x1 ", #8, " x1 "\n\t"								   \
	"ssat " x2 ", #8, " x2 "\n\t"								   \
	"strb " x2 ", [r3, lr]\n\t"								   \
	"strb " x1 ", [r3, r4]\n\t"								   \
	"strb " x0 ", [r3], #1\n\t"

#define UTVM_PACKED_AWAY(x) "add " x ", " x ", " x ", asr #31\n\t"
#define UTVM_PACKED_UP(x)

#define UTVM_PACKED_BLOCK(round)								   \
	"push {r4-r11}\n\t"									   \
	"sub sp, #28\n\t"									   \
	"ldmia r1, {r5-r11}\n\t"								   \
	"stmia sp, {r5-r11}\n\t"								   \
	"mov r11, r5\n\t"									   \
	"mov r12, r0\n"										   \
	"0:\n\t"										   \
	UTVM_PACKED_SUMS("ldr lr, [sp, #4]\n\t")						   \
	"ldrd r0, r1, [r12], #8\n\t"								   \
	"ldrd r2, r3, [sp, #8]\n\t"								   \
	"ldrd r4, lr, [sp, #16]\n\t"								   \
	"sub r8, r8, r5\n\t"									   \
	"sub r9, r9, r6\n\t"									   \
	"sub r10, r10, r7\n\t" UTVM_PACKED_RESULTS("r5", "r6", "r7", round)			   \
	"ldr r5, [sp, #24]\n\t"									   \
	"subs r5, r5, #2\n\t"									   \
	"bmi 2f\n\t"										   \
	"str r5, [sp, #24]\n\t"									   \
	"ldrd r0, r1, [r12], #8\n\t"								   \
	"asr r8, r8, #8\n\t"									   \
	"asr r9, r9, #8\n\t"									   \
	"asr r10, r10, #8\n\t" UTVM_PACKED_RESULTS("r8", "r9", "r10", round)			   \
	"str r3, [sp, #12]\n\t"									   \
	"cmp r5, #0\n\t"									   \
	"bne 0b\n"										   \
	"2:\n\t"										   \
	"add sp, #28\n\t"									   \
	"pop {r4-r11}"

/* What the assembly keeps on its stack. */
struct utvm_packed_frame {
	const int32_t *end;
	const int32_t *inputs;
	int32_t zero;
	int8_t *output;
	int32_t pixel1;
	int32_t pixel2;
	int32_t left;
};

#define UTVM_PACKED_FUNCTION(round)								   \
	const struct utvm_packed_frame frame = {						   \
		inputs + 3 * p->words,								   \
		inputs,										   \
		p->out_zero,									   \
		output,										   \
		pixels > 1 ? p->channels : 0,							   \
		pixels > 2 ? 2 * p->channels : 0,						   \
		p->channels,									   \
	};											   \
	register const int32_t *constants __asm__("r0") = packed;				   \
	register const struct utvm_packed_frame *arguments __asm__("r1") = &frame;		   \
												   \
	__asm__ volatile(UTVM_PACKED_BLOCK(round)						   \
			 : "+r"(constants), "+r"(arguments)					   \
			 :									   \
			 : "r2", "r3", "r12", "lr", "cc", "memory");
#else
#define UTVM_PACKED_FUNCTION(round) utvm_packed_block(p, 0, inputs, pixels, packed, output);
#endif

/* For results of all of int8. */
UTVM_SHARED void utvm_packed_full(const struct utvm_packed *p, const int32_t *inputs,
				  int32_t pixels, const int32_t *packed, int8_t *output)
{
	UTVM_PACKED_FUNCTION(UTVM_PACKED_AWAY)
}

/*
 * The same if the zero point is the smallest result: then it does not matter which way the half of
 * a negative quotient is rounded.
 */
UTVM_SHARED void utvm_packed_positive(const struct utvm_packed *p, const int32_t *inputs,
				      int32_t pixels, const int32_t *packed, int8_t *output)
{
	UTVM_PACKED_FUNCTION(UTVM_PACKED_UP)
}
