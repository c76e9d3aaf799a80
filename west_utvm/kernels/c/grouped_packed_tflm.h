/*
 * utvm_grouped_block for results of all of int8, in assembly as that of packed_tflm.h. On the stack
 * are also channels of a group, groups that are left, and bytes of a group's inputs.
 */
#if defined(UTVM_DSP)
#define UTVM_GROUPED_BLOCK(round)								   \
	"push {r4-r11}\n\t"									   \
	"sub sp, #40\n\t"									   \
	"ldmia r1!, {r2-r6}\n\t"								   \
	"stmia sp, {r2-r6}\n\t"									   \
	"mov r11, r2\n\t"									   \
	"add lr, sp, #20\n\t"									   \
	"ldmia r1, {r2-r6}\n\t"									   \
	"stmia lr, {r2-r6}\n\t"									   \
	"mov r12, r0\n"										   \
	"0:\n\t"										   \
	UTVM_PACKED_SUMS("ldr lr, [sp, #4]\n\t")						   \
	"ldrd r0, r1, [r12], #8\n\t"								   \
	"ldrd r2, r3, [sp, #8]\n\t"								   \
	"ldrd r4, lr, [sp, #16]\n\t"								   \
	"sub r8, r8, r5\n\t"									   \
	"sub r9, r9, r6\n\t"									   \
	"sub r10, r10, r7\n\t" UTVM_PACKED_RESULTS("r5", "r6", "r7", round)			   \
	"ldrd r0, r1, [r12], #8\n\t"								   \
	"ldr r5, [sp, #24]\n\t"									   \
	"subs r5, r5, #2\n\t"									   \
	"bmi 2f\n\t"										   \
	"asr r8, r8, #8\n\t"									   \
	"asr r9, r9, #8\n\t"									   \
	"asr r10, r10, #8\n\t" UTVM_PACKED_RESULTS("r8", "r9", "r10", round)			   \
	"str r3, [sp, #12]\n\t"									   \
	"str r5, [sp, #24]\n\t"									   \
	"cmp r5, #0\n\t"									   \
	"bne 0b\n"										   \
	"2:\n\t"										   \
	"ldrd r4, r5, [sp, #28]\n\t"								   \
	"ldr r6, [sp, #36]\n\t"									   \
	"str r3, [sp, #12]\n\t"									   \
	"str r4, [sp, #24]\n\t"									   \
	"str r11, [sp, #4]\n\t"									   \
	"add r11, r11, r6\n\t"									   \
	"subs r5, r5, #1\n\t"									   \
	"str r5, [sp, #32]\n\t"									   \
	"bne 0b\n\t"										   \
	"add sp, #40\n\t"									   \
	"pop {r4-r11}"

/* What the assembly keeps on its stack. */
struct utvm_grouped_frame {
	const int32_t *end;
	const int32_t *inputs;
	int32_t zero;
	int8_t *output;
	int32_t pixel1;
	int32_t pixel2;
	int32_t left;
	int32_t channels;
	int32_t groups;
	int32_t size;
};

#define UTVM_GROUPED_FUNCTION(round)								   \
	const int32_t pitch = utvm_grouped_pitch(&p->grouped);					   \
	const int32_t channels = p->packed.channels;						   \
	const int32_t size = 3 * p->packed.words;						   \
	const struct utvm_grouped_frame frame = {						   \
		inputs + size,									   \
		inputs,										   \
		p->packed.out_zero,								   \
		output,										   \
		pixels > 1 ? pitch : 0,								   \
		pixels > 2 ? 2 * pitch : 0,							   \
		channels,									   \
		channels,									   \
		groups,										   \
		(int32_t)sizeof(int32_t) * size,						   \
	};											   \
	register const int32_t *constants __asm__("r0") = packed;				   \
	register const struct utvm_grouped_frame *arguments __asm__("r1") = &frame;		   \
												   \
	__asm__ volatile(UTVM_GROUPED_BLOCK(round)						   \
			 : "+r"(constants), "+r"(arguments)					   \
			 :									   \
			 : "r2", "r3", "r12", "lr", "cc", "memory");
#else
#define UTVM_GROUPED_FUNCTION(round) utvm_grouped_block(p, 0, inputs, pixels, groups, packed, output);
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
