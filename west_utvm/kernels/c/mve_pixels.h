/*
 * Rows of int8 for pixels, times a matrix of weights as utvm_mve_row() has them. Bias and scales
 * of four channels are side by side: nine words, a quad.
 */
#define UTVM_MVE_QUAD 9

struct utvm_mve_pixels {
	int32_t depth;
	int32_t channels;
	int32_t out_step; /* from pixel to pixel: of more than two, as many as there are channels */
	struct utvm_mve_range range;
};

/* As many channels as there are, or those after the last four. */
UTVM_INLINE void utvm_mve_pixel(const struct utvm_mve_pixels *p, int kind, const int8_t *row,
				const int8_t *weights, const int32_t *quads, int32_t first,
				int8_t *output)
{
	const int32_t pitch = (p->depth + 15) / 16 * 16;
	const struct utvm_mve_row one = {
		p->depth, p->channels - first, UTVM_MVE_QUAD, UTVM_MVE_QUAD, p->range,
	};

	quads += first / 4 * UTVM_MVE_QUAD;
	utvm_mve_row(&one, kind == UTVM_MVE_POSITIVE, row, weights + first * pitch, quads,
		     quads + 4, output + first);
}

#if defined(UTVM_MVE_VECTORS)

/* What the loop below keeps in memory. It is read by its offsets. */
struct utvm_mve_pair {
	const int8_t *row0;
	const int8_t *row1;
	int32_t depth; /* less 32 */
	const int32_t *end;
	int8_t *output0;
	int8_t *output1;
	const int8_t *weights;
	const int32_t *quads;
	int32_t channels;
	int32_t step; /* from pair to pair */
	int32_t pairs;
};

/* Two rows by four channels: eight sums, which must be in even registers, lr among them. */
#define UTVM_MVE_STEP                                                                             \
	"vldrb.8 q2, [r5], #16\n\t"                                                               \
	"vmladava.s8 r0, q0, q2\n\t"                                                              \
	"vldrb.8 q3, [r5], #16\n\t"                                                               \
	"vmladava.s8 r8, q1, q2\n\t"                                                              \
	"vmladava.s8 r2, q0, q3\n\t"                                                              \
	"vldrb.8 q2, [r5], #16\n\t"                                                               \
	"vmladava.s8 r10, q1, q3\n\t"                                                             \
	"vmladava.s8 r4, q0, q2\n\t"                                                              \
	"vldrb.8 q3, [r5], #16\n\t"                                                               \
	"vmladava.s8 r12, q1, q2\n\t"                                                             \
	"vmladava.s8 r6, q0, q3\n\t"                                                              \
	"vmladava.s8 lr, q1, q3\n\t"
#define UTVM_MVE_LOAD                                                                             \
	"vldrb.8 q0, [r1], #16\n\t"                                                               \
	"vldrb.8 q1, [r3], #16\n\t"

/*
 * All blocks of four channels of pairs of rows; there is one at least, and of more than one pair
 * all channels. In a block 32 products at a time, then 16 and what is left of them. r7, which may
 * be a frame pointer, is the quad.
 */
#define UTVM_MVE_PAIRS(requantize)                                                                \
	__asm__ volatile("push {r7}\n"                                                            \
			 "0:\n\t"                                                                 \
			 "ldrd r5, r7, [r11, #24]\n"                                              \
			 "1:\n\t"                                                                 \
			 "ldrd r1, r3, [r11]\n\t"                                                 \
			 "ldr r9, [r11, #8]\n\t"                                                  \
			 "ldrd r0, r2, [r7]\n\t"                                                  \
			 "ldrd r4, r6, [r7, #8]\n\t"                                              \
			 "mov r8, r0\n\t"                                                         \
			 "mov r10, r2\n\t"                                                        \
			 "mov r12, r4\n\t"                                                        \
			 "mov lr, r6\n\t"                                                         \
			 "cmp r9, #0\n\t"                                                         \
			 "blt 3f\n"                                                               \
			 "2:\n\t" UTVM_MVE_LOAD UTVM_MVE_STEP UTVM_MVE_LOAD                       \
			 "subs r9, #32\n\t" UTVM_MVE_STEP                                         \
			 "bge 2b\n"                                                               \
			 "3:\n\t"                                                                 \
			 "adds r9, #32\n\t"                                                       \
			 "beq 5f\n"                                                               \
			 "4:\n\t"                                                                 \
			 "vctp.8 r9\n\t"                                                          \
			 "vpstt\n\t"                                                              \
			 "vldrbt.8 q0, [r1], #16\n\t"                                             \
			 "vldrbt.8 q1, [r3], #16\n\t"                                             \
			 "subs r9, #16\n\t" UTVM_MVE_STEP                                         \
			 "bgt 4b\n"                                                               \
			 "5:\n\t"                                                                 \
			 "vmov q0[2], q0[0], r0, r4\n\t"                                          \
			 "vmov q0[3], q0[1], r2, r6\n\t"                                          \
			 "vmov q1[2], q1[0], r8, r12\n\t"                                         \
			 "vmov q1[3], q1[1], r10, lr\n\t"                                         \
			 "vldrw.32 q2, [r7, #16]\n\t"                                             \
			 "vldrb.s32 q3, [r7, #32]\n\t" requantize                                 \
			 "vqadd.s32 q0, q0, q4\n\t"                                               \
			 "vqadd.s32 q1, q1, q4\n\t"                                               \
			 "vmax.s32 q0, q0, q5\n\t"                                                \
			 "vmax.s32 q1, q1, q5\n\t"                                                \
			 "vmin.s32 q0, q0, q6\n\t"                                                \
			 "vmin.s32 q1, q1, q6\n\t"                                                \
			 "ldrd r0, r2, [r11, #16]\n\t"                                            \
			 "adds r7, #36\n\t"                                                       \
			 "vstrb.32 q0, [r0], #4\n\t"                                              \
			 "vstrb.32 q1, [r2], #4\n\t"                                              \
			 "strd r0, r2, [r11, #16]\n\t"                                            \
			 "ldr r1, [r11, #12]\n\t"                                                 \
			 "cmp r7, r1\n\t"                                                         \
			 "bne 1b\n\t"                                                             \
			 "ldrd r4, r6, [r11, #32]\n\t"                                            \
			 "ldrd r1, r3, [r11]\n\t"                                                 \
			 "add r4, r2\n\t"                                                         \
			 "add r1, r6\n\t"                                                         \
			 "add r3, r6\n\t"                                                         \
			 "strd r2, r4, [r11, #16]\n\t"                                            \
			 "strd r1, r3, [r11]\n\t"                                                 \
			 "ldr r0, [r11, #40]\n\t"                                                 \
			 "subs r0, #1\n\t"                                                        \
			 "str r0, [r11, #40]\n\t"                                                 \
			 "bne 0b\n\t"                                                             \
			 "pop {r7}"                                                               \
			 :                                                                        \
			 : "r"(state), "w"(out_zero), "w"(low), "w"(high)                         \
			 : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r12",    \
			   "lr", "q0", "q1", "q2", "q3", "q7", "cc", "memory")

UTVM_INLINE void utvm_mve_pairs(int kind, struct utvm_mve_pair *pair,
				const struct utvm_mve_range *range)
{
	const int32x4_t zeros = vdupq_n_s32(range->out_zero);
	const int32x4_t least = vdupq_n_s32(range->low);
	const int32x4_t most = vdupq_n_s32(range->high);
	register struct utvm_mve_pair *state __asm__("r11") = pair;
	register int32x4_t out_zero __asm__("q4") = zeros;
	register int32x4_t low __asm__("q5") = least;
	register int32x4_t high __asm__("q6") = most;

	if (kind == UTVM_MVE_POSITIVE) {
		UTVM_MVE_PAIRS(UTVM_MVE_REQUANTIZE_POSITIVE);
	} else if (kind == UTVM_MVE_NEGATIVE) {
		UTVM_MVE_PAIRS(UTVM_MVE_REQUANTIZE_NEGATIVE);
	} else {
		UTVM_MVE_PAIRS(UTVM_MVE_REQUANTIZE);
	}
}

/*
 * Pixels from rows that are step bytes from each other, in pairs; the last of an odd number is
 * computed twice. All channels of a pair before the next, so that output may overwrite input.
 */
UTVM_INLINE void utvm_mve_pixels(const struct utvm_mve_pixels *p, int kind, const int8_t *input,
				 int32_t step, int32_t count, const int8_t *weights,
				 const int32_t *quads, int8_t *output)
{
	const int32_t channels = p->channels;
	const int32_t whole = channels & ~3;
	const int32_t *const end = quads + whole / 4 * UTVM_MVE_QUAD;

	while (count > 0) {
		const int32_t pairs = count > 1 && whole == channels ? count / 2 : 1;
		const int32_t second = count > 1 ? 1 : 0;
		struct utvm_mve_pair pair = {
			.row0 = input,
			.row1 = input + second * step,
			.depth = p->depth - 32,
			.end = end,
			.output0 = output,
			.output1 = output + second * p->out_step,
			.weights = weights,
			.quads = quads,
			.channels = channels,
			.step = 2 * step,
			.pairs = pairs,
		};

		if (whole) {
			utvm_mve_pairs(kind, &pair, &p->range);
		}
		if (whole < channels) {
			utvm_mve_pixel(p, kind, input, weights, quads, whole, output);
			utvm_mve_pixel(p, kind, input + second * step, weights, quads, whole,
				       output + second * p->out_step);
		}
		input += 2 * pairs * step;
		output += 2 * pairs * p->out_step;
		count -= 2 * pairs;
	}
}

#else

UTVM_INLINE void utvm_mve_pixels(const struct utvm_mve_pixels *p, int kind,
				 const int8_t *input, int32_t step, int32_t count,
				 const int8_t *weights, const int32_t *quads, int8_t *output)
{
	for (int32_t left = count; left > 0; left--) {
		utvm_mve_pixel(p, kind, input, weights, quads, 0, output);
		input += step;
		output += p->out_step;
	}
}

#endif

typedef void utvm_mve_pixels_t(const struct utvm_mve_pixels *p, const int8_t *input, int32_t step,
			       int32_t count, const int8_t *weights, const int32_t *quads,
			       int8_t *output);

UTVM_SHARED void utvm_mve_pixels_any(const struct utvm_mve_pixels *p, const int8_t *input,
				     int32_t step, int32_t count, const int8_t *weights,
				     const int32_t *quads, int8_t *output)
{
	utvm_mve_pixels(p, UTVM_MVE_ANY, input, step, count, weights, quads, output);
}

UTVM_SHARED void utvm_mve_pixels_negative(const struct utvm_mve_pixels *p, const int8_t *input,
					  int32_t step, int32_t count, const int8_t *weights,
					  const int32_t *quads, int8_t *output)
{
	utvm_mve_pixels(p, UTVM_MVE_NEGATIVE, input, step, count, weights, quads, output);
}

UTVM_SHARED void utvm_mve_pixels_positive(const struct utvm_mve_pixels *p, const int8_t *input,
					  int32_t step, int32_t count, const int8_t *weights,
					  const int32_t *quads, int8_t *output)
{
	utvm_mve_pixels(p, UTVM_MVE_POSITIVE, input, step, count, weights, quads, output);
}
