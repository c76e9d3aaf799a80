/*
 * Depthwise convolution by 3x3, for wide images, from strips: the window of an output pixel
 * is a run of nine bytes. Results are in the range of int8. Where an input channel has several
 * output channels, it is so for all.
 *
 * A channel's constants are a record of 20 bytes: bias, multiplier, shift (one byte), nine weights,
 * column by column from top to bottom, and two bytes more. Of several for each input channel the
 * first of these says how many strips further the next one is, 0 or 1.
 */
struct utvm_mve_depthwise_strips {
	int32_t batches;
	int32_t height;
	int32_t width;
	int32_t stride_y;
	int32_t channels;
	int32_t out_zero;
	struct utvm_mve_strips_image image;
};

#define UTVM_MVE_RECORD 5

#if defined(UTVM_MVE_VECTORS)

/* What the loop below keeps in memory. It is read by its offsets. */
struct utvm_mve_strips {
	int32_t pitch;
	int32_t width;
	int32_t eight_pixels; /* bytes of the output */
	int32_t out_zero;
	const int32_t *end;
};

/*
 * One row of the output, channel by channel, eight pixels at a time. A vector of the strip has
 * three windows, or two where they are two columns apart: the weights are there as often, three
 * or six bytes further in each. Sums go to vectors as pixels 0 to 3 and 4 to 7, narrowed in turn:
 * pixels are in the order of 0, 4, 1, 5, 2, 6, 3, 7.
 */
#define UTVM_MVE_STRIPS_NEXT "add r3, r0\n\t"
#define UTVM_MVE_STRIPS_NEXT_IF                                                                    \
	"ldrb r2, [r5, #18]\n\t"                                                                   \
	"mla r3, r2, r0, r3\n\t"
#define UTVM_MVE_STRIPS(next, shift_weights, sums, requantize)                                    \
	__asm__ volatile("push {r7}\n"                                                            \
			 "1:\n\t"                                                                 \
			 "ldrd r8, r10, [r5]\n\t"                                                 \
			 "ldrsb r12, [r5, #8]\n\t"                                                \
			 "movs r0, #9\n\t"                                                        \
			 "vctp.8 r0\n\t"                                                          \
			 "vpst\n\t"                                                               \
			 "vldrbt.8 q0, [r5, #9]\n\t"                                              \
			 "movs r0, #0\n\t" shift_weights "mov r1, r3\n\t"                         \
			 "ldr r0, [r11]\n\t"                                                      \
			 "ldr r9, [r11, #4]\n\t" next                                             \
			 "mov r7, lr\n\t"                                                         \
			 "add lr, #1\n\t"                                                         \
			 "adds r5, #20\n"                                                         \
			 "2:\n\t" sums "vadd.i32 q4, q4, r8\n\t"                                  \
			 "vadd.i32 q5, q5, r8\n\t" requantize "ldr r0, [r11, #12]\n\t"            \
			 "vqmovnb.s32 q4, q4\n\t"                                                 \
			 "vqmovnt.s32 q4, q5\n\t"                                                 \
			 "vqadd.s16 q4, q4, r0\n\t"                                               \
			 "vqmovnb.s16 q4, q4\n\t"                                                 \
			 "ldr r0, [r11, #8]\n\t"                                                  \
			 "vpt.s16 lt, q7, r9\n\t"                                                 \
			 "vstrbt.16 q4, [r7, q6]\n\t"                                             \
			 "add r7, r0\n\t"                                                         \
			 "subs r9, #8\n\t"                                                        \
			 "bgt 2b\n\t"                                                             \
			 "ldr r0, [r11, #16]\n\t"                                                 \
			 "cmp r5, r0\n\t"                                                         \
			 "bne 1b\n\t"                                                             \
			 "pop {r7}"                                                               \
			 : "+r"(strip), "+r"(record), "+r"(result)                                \
			 : "r"(state), "w"(offsets), "w"(pixels)                                  \
			 : "r0", "r1", "r2", "r4", "r6", "r8", "r9", "r10", "r12", "q0", "q1",    \
			   "q2", "q3", "q4", "q5", "cc", "memory")
#define UTVM_MVE_STRIPS_SHIFT_1                                                                   \
	"vmov q1, q0\n\t"                                                                         \
	"vshlc q1, r0, #24\n\t"                                                                   \
	"vmov q2, q1\n\t"                                                                         \
	"vshlc q2, r0, #24\n\t"
#define UTVM_MVE_STRIPS_SUMS_1                                                                    \
	"vldrb.8 q3, [r1], #9\n\t"                                                                \
	"vmladav.s8 r0, q3, q0\n\t"                                                               \
	"vmladav.s8 r2, q3, q1\n\t"                                                               \
	"vmladav.s8 r4, q3, q2\n\t"                                                               \
	"vldrb.8 q3, [r1], #9\n\t"                                                                \
	"vmladav.s8 r6, q3, q0\n\t"                                                               \
	"vmov q4[2], q4[0], r0, r4\n\t"                                                           \
	"vmov q4[3], q4[1], r2, r6\n\t"                                                           \
	"vmladav.s8 r0, q3, q1\n\t"                                                               \
	"vmladav.s8 r2, q3, q2\n\t"                                                               \
	"vldrb.8 q3, [r1], #6\n\t"                                                                \
	"vmladav.s8 r4, q3, q0\n\t"                                                               \
	"vmladav.s8 r6, q3, q1\n\t"                                                               \
	"vmov q5[2], q5[0], r0, r4\n\t"                                                           \
	"vmov q5[3], q5[1], r2, r6\n\t"
#define UTVM_MVE_STRIPS_SHIFT_2                                                                   \
	"vmov q1, q0\n\t"                                                                         \
	"vshlc q1, r0, #24\n\t"                                                                   \
	"vshlc q1, r0, #24\n\t"
#define UTVM_MVE_STRIPS_SUMS_2                                                                    \
	"vldrb.8 q2, [r1], #12\n\t"                                                               \
	"vldrb.8 q3, [r1], #12\n\t"                                                               \
	"vmladav.s8 r0, q2, q0\n\t"                                                               \
	"vmladav.s8 r2, q2, q1\n\t"                                                               \
	"vmladav.s8 r4, q3, q0\n\t"                                                               \
	"vmladav.s8 r6, q3, q1\n\t"                                                               \
	"vldrb.8 q2, [r1], #12\n\t"                                                               \
	"vmov q4[2], q4[0], r0, r4\n\t"                                                           \
	"vmov q4[3], q4[1], r2, r6\n\t"                                                           \
	"vldrb.8 q3, [r1], #12\n\t"                                                               \
	"vmladav.s8 r0, q2, q0\n\t"                                                               \
	"vmladav.s8 r2, q2, q1\n\t"                                                               \
	"vmladav.s8 r4, q3, q0\n\t"                                                               \
	"vmladav.s8 r6, q3, q1\n\t"                                                               \
	"vmov q5[2], q5[0], r0, r4\n\t"                                                           \
	"vmov q5[3], q5[1], r2, r6\n\t"

#define UTVM_MVE_STRIPS_OF(next)                                                                  \
	if (stride == 1 && positive) {                                                            \
		UTVM_MVE_STRIPS(next, UTVM_MVE_STRIPS_SHIFT_1, UTVM_MVE_STRIPS_SUMS_1,            \
				UTVM_MVE_REQUANTIZE_POSITIVE_Q4_Q5);                              \
	} else if (stride == 1) {                                                                 \
		UTVM_MVE_STRIPS(next, UTVM_MVE_STRIPS_SHIFT_1, UTVM_MVE_STRIPS_SUMS_1,            \
				UTVM_MVE_REQUANTIZE_NEGATIVE_Q4_Q5);                              \
	} else if (positive) {                                                                    \
		UTVM_MVE_STRIPS(next, UTVM_MVE_STRIPS_SHIFT_2, UTVM_MVE_STRIPS_SUMS_2,            \
				UTVM_MVE_REQUANTIZE_POSITIVE_Q4_Q5);                              \
	} else {                                                                                  \
		UTVM_MVE_STRIPS(next, UTVM_MVE_STRIPS_SHIFT_2, UTVM_MVE_STRIPS_SUMS_2,            \
				UTVM_MVE_REQUANTIZE_NEGATIVE_Q4_Q5);                              \
	}

UTVM_INLINE void utvm_mve_strips_row(const struct utvm_mve_depthwise_strips *p, int positive,
				     int32_t stride, int several, const int8_t *first,
				     const int32_t *records, int8_t *output)
{
	struct utvm_mve_strips strips = {
		p->image.pitch,    p->width,
		8 * p->channels, p->out_zero,
		records + p->channels * UTVM_MVE_RECORD,
	};
	const uint16x8_t lanes = vidupq_n_u16(0, 1);
	/* 0, 4, 1, 5, 2, 6, 3, 7. */
	const uint16x8_t order = vaddq_u16(vshrq_n_u16(lanes, 1),
					   vshlq_n_u16(vandq_u16(lanes, vdupq_n_u16(1)), 2));
	const uint16x8_t places = vmulq_n_u16(order, (uint16_t)p->channels);
	register const int8_t *strip __asm__("r3") = first;
	register const int32_t *record __asm__("r5") = records;
	register struct utvm_mve_strips *state __asm__("r11") = &strips;
	register int8_t *result __asm__("lr") = output;
	register uint16x8_t offsets __asm__("q6") = places;
	register uint16x8_t pixels __asm__("q7") = order;

	if (several) {
		UTVM_MVE_STRIPS_OF(UTVM_MVE_STRIPS_NEXT_IF);
	} else {
		UTVM_MVE_STRIPS_OF(UTVM_MVE_STRIPS_NEXT);
	}
}

#else

UTVM_INLINE int8_t utvm_mve_record_byte(const int32_t *record, int32_t index)
{
	return (int8_t)((uint32_t)record[index / 4] >> (index % 4 * 8));
}

UTVM_INLINE void utvm_mve_strips_row(const struct utvm_mve_depthwise_strips *p, int positive,
				     int32_t stride, int several, const int8_t *first,
				     const int32_t *records, int8_t *output)
{
	const int32_t per_strip = p->channels / p->image.channels;

	(void)positive;
	(void)several;
	for (int32_t i = 0; i < p->width * p->channels; i++) {
		const int32_t channel = i % p->channels;
		const int32_t *const record = records + channel * UTVM_MVE_RECORD;
		const int8_t *const window =
			first + channel / per_strip * p->image.pitch + i / p->channels * stride * 3;
		int32_t sum = record[0];

		for (int32_t tap = 0; tap < 9; tap++) {
			sum += window[tap] * utvm_mve_record_byte(record, 9 + tap);
		}
		sum = utvm_mve_requantize_one(sum, record[1], utvm_mve_record_byte(record, 8));
		output[i] = utvm_clamp(sum + p->out_zero, -128, 127);
	}
}

#endif

UTVM_INLINE void utvm_mve_depthwise_strips(const struct utvm_mve_depthwise_strips *p, int positive,
					   int32_t stride, int several, const int8_t *input,
					   const int32_t *records, int8_t *strips, int8_t *output)
{
	for (int32_t batch = 0; batch < p->batches; batch++) {
		int32_t loaded = 0;

		for (int32_t line = 0; line < p->height; line++) {
			const int32_t first = line * p->stride_y;

			for (loaded = utvm_max(loaded, first); loaded < first + 3; loaded++) {
				utvm_mve_strips_load(&p->image, input, 3, loaded,
						     several && p->image.channels == 1,
						     strips + loaded);
			}
			utvm_mve_strips_row(p, positive, stride, several, strips + first, records,
					    output);
			output += p->width * p->channels;
		}
		input += p->image.height * p->image.width * p->image.channels;
	}
}

#define UTVM_MVE_DEPTHWISE_STRIPS(name, positive, stride, several)                                \
	UTVM_SHARED void utvm_mve_depthwise_strips_##name(                                        \
		const struct utvm_mve_depthwise_strips *p, const int8_t *input,                   \
		const int32_t *records, void *scratch, int8_t *output)                            \
	{                                                                                         \
		utvm_mve_depthwise_strips(p, positive, stride, several, input, records, scratch,  \
					  output);                                                \
	}
UTVM_MVE_DEPTHWISE_STRIPS(negative_1, 0, 1, 0)
UTVM_MVE_DEPTHWISE_STRIPS(negative_2, 0, 2, 0)
UTVM_MVE_DEPTHWISE_STRIPS(positive_1, 1, 1, 0)
UTVM_MVE_DEPTHWISE_STRIPS(positive_2, 1, 2, 0)
UTVM_MVE_DEPTHWISE_STRIPS(negative_1_several, 0, 1, 1)
UTVM_MVE_DEPTHWISE_STRIPS(negative_2_several, 0, 2, 1)
UTVM_MVE_DEPTHWISE_STRIPS(positive_1_several, 1, 1, 1)
UTVM_MVE_DEPTHWISE_STRIPS(positive_2_several, 1, 2, 1)
