/*
 * utvm_grouped_block for results of all of int8, in assembly; registers are those of packed.h, but
 * r0 and r1 have scales, too, and r8-r10 the sums of b alone. The stack has, from its top:
 *
 *	0   zero point				20  end and begin of a group's inputs
 *	4   output				28  where the innermost loop is entered
 *	8   offset of the second pixel		32  channels that are left of the group
 *	12  offset of the third pixel		36  channels of a group
 *	16  bytes of a group's inputs		40  groups that are left
 */
#if defined(UTVM_DSP)
/*
 * The innermost loop has three steps of so many bytes, for two words each, and is entered after
 * none, one or two of these: words less two for the first step make whole turns then.
 */
#define UTVM_GROUPED_TURN 3
#define UTVM_GROUPED_STEP_BYTES (17 * 4)

#define UTVM_GROUPED_BLOCK(round)								   \
	"push {r4-r11}\n\t"									   \
	"sub sp, #44\n\t"									   \
	"ldmia r1!, {r2-r7}\n\t"								   \
	"stmia sp, {r2-r7}\n\t"									   \
	"add lr, sp, #24\n\t"									   \
	"ldmia r1, {r2-r6}\n\t"								   \
	"adr.w r7, 1f\n\t"									   \
	"add r3, r3, r7\n\t"									   \
	"orr r3, r3, #1\n\t"									   \
	"stmia lr, {r2-r6}\n\t"									   \
	"mov r12, r0\n"										   \
	"0:\n\t"										   \
	"ldrd r5, r8, [r12], #8\n\t"								   \
	"ldrd r11, lr, [sp, #20]\n\t" UTVM_PACKED_FIRST						   \
	"ldr pc, [sp, #28]\n"									   \
	"1:\n\t" UTVM_PACKED_STEP UTVM_PACKED_STEP UTVM_PACKED_STEP				   \
	"cmp lr, r11\n\t"									   \
	"bne 1b\n\t"										   \
	"ldrd r0, r1, [r12], #8\n\t"								   \
	"ldmia sp, {r2, r3, r4, lr}\n\t"							   \
	"sub r8, r8, r5\n\t"									   \
	"sub r9, r9, r6\n\t"									   \
	"sub r10, r10, r7\n\t" UTVM_PACKED_RESULTS("r5", "r6", "r7", round)			   \
	"ldrd r0, r1, [r12], #8\n\t"								   \
	"ldr r5, [sp, #32]\n\t"									   \
	"subs r5, r5, #2\n\t"									   \
	"bmi 2f\n\t"										   \
	"asr r8, r8, #8\n\t"									   \
	"asr r9, r9, #8\n\t"									   \
	"asr r10, r10, #8\n\t" UTVM_PACKED_RESULTS("r8", "r9", "r10", round)			   \
	"str r3, [sp, #4]\n\t"									   \
	"str r5, [sp, #32]\n\t"									   \
	"bne 0b\n"										   \
	"2:\n\t"										   \
	"ldrd r4, r5, [sp, #36]\n\t"								   \
	"ldr r6, [sp, #16]\n\t"									   \
	"str r3, [sp, #4]\n\t"									   \
	"str r4, [sp, #32]\n\t"									   \
	"add r7, r11, r6\n\t"									   \
	"strd r7, r11, [sp, #20]\n\t"								   \
	"subs r5, r5, #1\n\t"									   \
	"str r5, [sp, #40]\n\t"									   \
	"bne 0b\n\t"										   \
	"add sp, #44\n\t"									   \
	"pop {r4-r11}"

/* What the assembly keeps on its stack. */
struct utvm_grouped_frame {
	int32_t zero;
	int8_t *output;
	struct utvm_grouped_results at;
	int32_t size;
	const int32_t *end;
	const int32_t *inputs;
	int32_t entry;
	int32_t left;
	int32_t channels;
	int32_t groups;
};

#define UTVM_GROUPED_FUNCTION(round)								   \
	const int32_t words = p->packed.words;							   \
	const struct utvm_grouped_frame frame = {						   \
		p->packed.out_zero,								   \
		output,										   \
		utvm_grouped_results(&p->grouped, pixels),					   \
		(int32_t)sizeof(int32_t) * 3 * words,						   \
		inputs + 3 * words,								   \
		inputs,										   \
		(1 + words) % UTVM_GROUPED_TURN * UTVM_GROUPED_STEP_BYTES,			   \
		p->packed.channels,								   \
		p->packed.channels,								   \
		groups,										   \
	};											   \
	register const int32_t *constants __asm__("r0") = packed;				   \
	register const struct utvm_grouped_frame *arguments __asm__("r1") = &frame;		   \
												   \
	__asm__ volatile(UTVM_GROUPED_BLOCK(round)						   \
			 : "+r"(constants), "+r"(arguments)					   \
			 :									   \
			 : "r2", "r3", "r12", "lr", "cc", "memory");
#else
#define UTVM_GROUPED_FUNCTION(round)								   \
	utvm_grouped_block(p, 0, inputs, pixels, groups, packed, output);
#endif

/* For results of all of int8. */
UTVM_SHARED void utvm_grouped_full(const struct utvm_grouped_packed *p, const int32_t *inputs,
				   int32_t pixels, int32_t groups, const int32_t *packed,
				   int8_t *output)
{
	UTVM_GROUPED_FUNCTION(UTVM_PACKED_AWAY)
}

/* The same if the zero point is the smallest result, as utvm_packed_positive. */
UTVM_SHARED void utvm_grouped_positive(const struct utvm_grouped_packed *p, const int32_t *inputs,
				       int32_t pixels, int32_t groups, const int32_t *packed,
				       int8_t *output)
{
	UTVM_GROUPED_FUNCTION(UTVM_PACKED_UP)
}

UTVM_SHARED void utvm_grouped_packed_full(const struct utvm_grouped_packed *p, const int8_t *input,
					  const int32_t *packed, void *scratch, int8_t *output)
{
	utvm_grouped_packed(p, utvm_grouped_full, input, packed, scratch, output);
}

UTVM_SHARED void utvm_grouped_packed_positive(const struct utvm_grouped_packed *p,
					      const int8_t *input, const int32_t *packed,
					      void *scratch, int8_t *output)
{
	utvm_grouped_packed(p, utvm_grouped_positive, input, packed, scratch, output);
}
