/*
 * utvm_packed_block for results of all of int8, in assembly as that of packed.h. r0 and r1 have
 * scales, too, and r8-r10 the sums of b alone. The stack has, from its top:
 *
 *	0   zero point				12  where the last channel of the first goes
 *	4   output				16  offset of the third pixel
 *	8   offset of the second pixel		20  end and begin of the inputs
 *						28  where the innermost loop is entered
 */
#if defined(UTVM_DSP)
/*
 * The innermost loop has three steps of so many bytes, for two words each, and is entered after
 * none, one or two of these: words less two for the first step make whole turns then.
 */
#define UTVM_PACKED_TURN 3
#define UTVM_PACKED_STEP_BYTES (17 * 4)

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

/*
 * After a channel a the output is below the last channel's, at it, or after it if a was the last.
 * Nothing from that comparison to the branch back sets flags.
 */
#define UTVM_PACKED_BLOCK(round)								   \
	"push {r4-r11}\n\t"									   \
	"adr.w r7, 1f\n\t"									   \
	"add lr, r7\n\t"									   \
	"orr lr, #1\n\t"									   \
	"push {r0-r6, lr}\n"									   \
	"0:\n\t"										   \
	"ldrd r5, r8, [r12], #8\n\t"								   \
	"ldrd r11, lr, [sp, #20]\n\t" UTVM_PACKED_FIRST						   \
	"ldr pc, [sp, #28]\n"									   \
	"1:\n\t" UTVM_PACKED_STEP UTVM_PACKED_STEP UTVM_PACKED_STEP				   \
	"cmp lr, r11\n\t"									   \
	"bne 1b\n\t"										   \
	"ldrd r0, r1, [r12], #8\n\t"								   \
	"ldmia sp, {r2, r3, r4, r11, lr}\n\t"							   \
	"sub r8, r8, r5\n\t"									   \
	"sub r9, r9, r6\n\t"									   \
	"sub r10, r10, r7\n\t" UTVM_PACKED_RESULTS("r5", "r6", "r7", round)			   \
	"cmp r3, r11\n\t"									   \
	"bhi 2f\n\t"										   \
	"ldrd r0, r1, [r12], #8\n\t"								   \
	"asr r8, r8, #8\n\t"									   \
	"asr r9, r9, #8\n\t"									   \
	"asr r10, r10, #8\n\t" UTVM_PACKED_RESULTS("r8", "r9", "r10", round)			   \
	"str r3, [sp, #4]\n\t"									   \
	"blo 0b\n"										   \
	"2:\n\t"										   \
	"add sp, #32\n\t"									   \
	"pop {r4-r11}"

#define UTVM_PACKED_FUNCTION(round)								   \
	const uint32_t skipped = (1 + (uint32_t)p->words) % UTVM_PACKED_TURN;			   \
	const int32_t channels = p->channels;							   \
	register int32_t zero __asm__("r0") = p->out_zero;					   \
	register int8_t *out __asm__("r1") = output;						   \
	register int32_t pixel1 __asm__("r2") = channels & (1 - pixels) >> 31;		   \
	register int8_t *last __asm__("r3") = output + channels - 1;				   \
	register int32_t pixel2 __asm__("r4") = 2 * channels & (2 - pixels) >> 31;		   \
	register const int32_t *end __asm__("r5") = inputs + 3 * p->words;			   \
	register const int32_t *begin __asm__("r6") = inputs;					   \
	register const int32_t *constants __asm__("r12") = packed;				   \
	register uint32_t entry __asm__("lr") = skipped * UTVM_PACKED_STEP_BYTES;		   \
												   \
	__asm__ volatile(UTVM_PACKED_BLOCK(round)						   \
			 : "+r"(zero), "+r"(out), "+r"(pixel1), "+r"(last), "+r"(constants),	   \
			   "+r"(entry)								   \
			 : "r"(pixel2), "r"(end), "r"(begin)					   \
			 : "cc", "memory");
#else
#define UTVM_PACKED_FUNCTION(round) utvm_packed_block(p, inputs, pixels, packed, output);
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
