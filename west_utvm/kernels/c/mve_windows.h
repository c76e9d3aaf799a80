/*
 * Windows that are runs of at most 64 bytes, times the weights of one channel after the other.
 * A channel's constants are a record of words, whose bytes are: bias and multiplier, four each,
 * shift, a byte that says how many strips further the windows of the next channel are, 0 or 1,
 * and the weights. Results are in the range of int8.
 */
struct utvm_mve_windows {
	int32_t size;
	int32_t step;  /* from window to window */
	int32_t pitch; /* from strip to strip */
	int32_t count;
	int32_t channels; /* of the output */
	int32_t out_zero;
	int32_t record; /* words */
};

/* Those of a convolution. */
UTVM_INLINE struct utvm_mve_windows utvm_mve_windows_of(int32_t size, int32_t channels,
							 int32_t out_zero, int32_t step,
							 int32_t count)
{
	const struct utvm_mve_windows windows = {
		.size = size,
		.step = step,
		.count = count,
		.channels = channels,
		.out_zero = out_zero,
		.record = (10 + size + 3) / 4,
	};

	return windows;
}

#if defined(UTVM_MVE_VECTORS)

/* What the loop below keeps in memory. It is read by its offsets. */
struct utvm_mve_windows_state {
	int32_t last; /* bytes of the last vector of a window */
	int32_t pitch;
	int32_t record; /* bytes */
	int32_t count;
	int32_t out_zero;
	int32_t four; /* pixels of the output, in bytes */
	const int32_t *end;
	int32_t next; /* from where a channel ends to where the next one begins */
	int32_t step;
	uint32_t lanes[3]; /* of further weights */
};

/* The first weights of a channel to q0 and on; the last vector of them ends early. */
#define UTVM_MVE_WINDOWS_WEIGHTS_1                                                                 \
	"vctp.8 r0\n\t"                                                                            \
	"vpst\n\t"                                                                                 \
	"vldrbt.8 q0, [r5, #10]\n\t"
#define UTVM_MVE_WINDOWS_WEIGHTS_2                                                                 \
	"vctp.8 r0\n\t"                                                                            \
	"vldrb.8 q0, [r5, #10]\n\t"                                                                \
	"vpst\n\t"                                                                                 \
	"vldrbt.8 q1, [r5, #26]\n\t"
#define UTVM_MVE_WINDOWS_WEIGHTS_3                                                                 \
	"vctp.8 r0\n\t"                                                                            \
	"vldrb.8 q0, [r5, #10]\n\t"                                                                \
	"vldrb.8 q1, [r5, #26]\n\t"                                                                \
	"vpst\n\t"                                                                                 \
	"vldrbt.8 q2, [r5, #42]\n\t"
#define UTVM_MVE_WINDOWS_WEIGHTS_4                                                                 \
	"vctp.8 r0\n\t"                                                                            \
	"vldrb.8 q0, [r5, #10]\n\t"                                                                \
	"vldrb.8 q1, [r5, #26]\n\t"                                                                \
	"vldrb.8 q2, [r5, #42]\n\t"                                                                \
	"vpst\n\t"                                                                                 \
	"vldrbt.8 q3, [r5, #58]\n\t"
/* The same a step further, and so on, for the next windows in the same vectors. */
#define UTVM_MVE_WINDOWS_MORE(q, offset)                                                         \
	"vmsr p0, r2\n\t"                                                                          \
	"vpst\n\t"                                                                                 \
	"vldrbt.8 " q ", [r4, #" offset "]\n\t"
#define UTVM_MVE_WINDOWS_MORE_1_1
#define UTVM_MVE_WINDOWS_MORE_2_1
#define UTVM_MVE_WINDOWS_MORE_3_1
#define UTVM_MVE_WINDOWS_MORE_4_1
#define UTVM_MVE_WINDOWS_MORE_1_2                                                                  \
	"ldrd r0, r2, [r11, #32]\n\t"                                                              \
	"sub r4, r5, r0\n\t"                                                                       \
	UTVM_MVE_WINDOWS_MORE("q1", "10")
#define UTVM_MVE_WINDOWS_MORE_1_4                                                                  \
	UTVM_MVE_WINDOWS_MORE_1_2                                                                  \
	"ldrd r2, r6, [r11, #40]\n\t"                                                              \
	"sub r4, r0\n\t"                                                                           \
	UTVM_MVE_WINDOWS_MORE("q2", "10")                                                          \
	"mov r2, r6\n\t"                                                                           \
	"sub r4, r0\n\t"                                                                           \
	UTVM_MVE_WINDOWS_MORE("q3", "10")
#define UTVM_MVE_WINDOWS_MORE_2_2                                                                  \
	"ldrd r0, r2, [r11, #32]\n\t"                                                              \
	"sub r4, r5, r0\n\t"                                                                       \
	UTVM_MVE_WINDOWS_MORE("q2", "10")                                                          \
	"ldr r2, [r11, #40]\n\t"                                                                   \
	UTVM_MVE_WINDOWS_MORE("q3", "26")
/* Sums of one window, two or four; r9 goes on to the next. */
#define UTVM_MVE_WINDOWS_ONE_1(sum)                                                                \
	"vldrb.8 q5, [r1]\n\t"                                                                     \
	"vmladav.s8 " sum ", q5, q0\n\t"                                                           \
	"add r1, r9\n\t"
#define UTVM_MVE_WINDOWS_ONE_2(sum)                                                                \
	"vldrb.8 q5, [r1]\n\t"                                                                     \
	"vmladav.s8 " sum ", q5, q0\n\t"                                                           \
	"vldrb.8 q5, [r1, #16]\n\t"                                                                \
	"vmladava.s8 " sum ", q5, q1\n\t"                                                          \
	"add r1, r9\n\t"
#define UTVM_MVE_WINDOWS_ONE_3(sum)                                                                \
	"vldrb.8 q5, [r1]\n\t"                                                                     \
	"vmladav.s8 " sum ", q5, q0\n\t"                                                           \
	"vldrb.8 q5, [r1, #16]\n\t"                                                                \
	"vmladava.s8 " sum ", q5, q1\n\t"                                                          \
	"vldrb.8 q5, [r1, #32]\n\t"                                                                \
	"vmladava.s8 " sum ", q5, q2\n\t"                                                          \
	"add r1, r9\n\t"
#define UTVM_MVE_WINDOWS_ONE_4(sum)                                                                \
	"vldrb.8 q5, [r1]\n\t"                                                                     \
	"vmladav.s8 " sum ", q5, q0\n\t"                                                           \
	"vldrb.8 q5, [r1, #16]\n\t"                                                                \
	"vmladava.s8 " sum ", q5, q1\n\t"                                                          \
	"vldrb.8 q5, [r1, #32]\n\t"                                                                \
	"vmladava.s8 " sum ", q5, q2\n\t"                                                          \
	"vldrb.8 q5, [r1, #48]\n\t"                                                                \
	"vmladava.s8 " sum ", q5, q3\n\t"                                                          \
	"add r1, r9\n\t"
#define UTVM_MVE_WINDOWS_TWO_1(a, b)                                                               \
	"vldrb.8 q5, [r1]\n\t"                                                                     \
	"vmladav.s8 " a ", q5, q0\n\t"                                                             \
	"vmladav.s8 " b ", q5, q1\n\t"                                                             \
	"add r1, r9\n\t"
#define UTVM_MVE_WINDOWS_TWO_2(a, b)                                                               \
	"vldrb.8 q5, [r1]\n\t"                                                                     \
	"vmladav.s8 " a ", q5, q0\n\t"                                                             \
	"vmladav.s8 " b ", q5, q2\n\t"                                                             \
	"vldrb.8 q5, [r1, #16]\n\t"                                                                \
	"vmladava.s8 " a ", q5, q1\n\t"                                                            \
	"vmladava.s8 " b ", q5, q3\n\t"                                                            \
	"add r1, r9\n\t"
#define UTVM_MVE_WINDOWS_SUMS_1_1                                                                  \
	UTVM_MVE_WINDOWS_ONE_1("r0")                                                               \
	UTVM_MVE_WINDOWS_ONE_1("r2")                                                               \
	UTVM_MVE_WINDOWS_ONE_1("r4")                                                               \
	UTVM_MVE_WINDOWS_ONE_1("r6")
#define UTVM_MVE_WINDOWS_SUMS_2_1                                                                  \
	UTVM_MVE_WINDOWS_ONE_2("r0")                                                               \
	UTVM_MVE_WINDOWS_ONE_2("r2")                                                               \
	UTVM_MVE_WINDOWS_ONE_2("r4")                                                               \
	UTVM_MVE_WINDOWS_ONE_2("r6")
#define UTVM_MVE_WINDOWS_SUMS_3_1                                                                  \
	UTVM_MVE_WINDOWS_ONE_3("r0")                                                               \
	UTVM_MVE_WINDOWS_ONE_3("r2")                                                               \
	UTVM_MVE_WINDOWS_ONE_3("r4")                                                               \
	UTVM_MVE_WINDOWS_ONE_3("r6")
#define UTVM_MVE_WINDOWS_SUMS_4_1                                                                  \
	UTVM_MVE_WINDOWS_ONE_4("r0")                                                               \
	UTVM_MVE_WINDOWS_ONE_4("r2")                                                               \
	UTVM_MVE_WINDOWS_ONE_4("r4")                                                               \
	UTVM_MVE_WINDOWS_ONE_4("r6")
#define UTVM_MVE_WINDOWS_SUMS_1_2                                                                  \
	UTVM_MVE_WINDOWS_TWO_1("r0", "r2")                                                         \
	UTVM_MVE_WINDOWS_TWO_1("r4", "r6")
#define UTVM_MVE_WINDOWS_SUMS_2_2                                                                  \
	UTVM_MVE_WINDOWS_TWO_2("r0", "r2")                                                         \
	UTVM_MVE_WINDOWS_TWO_2("r4", "r6")
#define UTVM_MVE_WINDOWS_SUMS_1_4                                                                  \
	"vldrb.8 q5, [r1]\n\t"                                                                     \
	"vmladav.s8 r0, q5, q0\n\t"                                                                \
	"vmladav.s8 r2, q5, q1\n\t"                                                                \
	"vmladav.s8 r4, q5, q2\n\t"                                                                \
	"vmladav.s8 r6, q5, q3\n\t"                                                                \
	"add r1, r9\n\t"

/*
 * Channel by channel four pixels at a time: the weights stay in q0 to q3, a vector of the window
 * comes to q5. Registers are all in use: r7, which may be a frame pointer, is the result.
 */
#define UTVM_MVE_WINDOWS(vectors, shared, requantize)                                              \
	__asm__ volatile("push {r7}\n\t"                                                           \
			 "mov r7, lr\n"                                                            \
			 "1:\n\t"                                                                  \
			 "ldrd r0, r2, [r11]\n\t"                                                  \
			 "ldrd r8, r10, [r5]\n\t"                                                  \
			 "ldrsb r12, [r5, #8]\n\t"                                                 \
			 "ldrb r4, [r5, #9]\n\t"                                                   \
			 "mov r1, r3\n\t"                                                          \
			 "mla r3, r4, r2, r3\n\t"                                                  \
			 UTVM_MVE_WINDOWS_WEIGHTS_##vectors                                        \
			 UTVM_MVE_WINDOWS_MORE_##vectors##_##shared                                \
			 "ldrd r0, lr, [r11, #8]\n\t"                                              \
			 "add r5, r0\n"                                                            \
			 "2:\n\t"                                                                  \
			 UTVM_MVE_WINDOWS_SUMS_##vectors##_##shared                                \
			 "vmov q4[2], q4[0], r0, r4\n\t"                                           \
			 "vmov q4[3], q4[1], r2, r6\n\t"                                           \
			 "vadd.i32 q4, q4, r8\n\t" requantize                                      \
			 "ldrd r0, r2, [r11, #16]\n\t"                                             \
			 "vqadd.s32 q4, q4, r0\n\t"                                                \
			 "vqmovnb.s32 q4, q4\n\t"                                                  \
			 "vqmovnb.s16 q4, q4\n\t"                                                  \
			 "vctp.32 lr\n\t"                                                          \
			 "vpst\n\t"                                                                \
			 "vstrbt.32 q4, [r7, q6]\n\t"                                              \
			 "add r7, r2\n\t"                                                          \
			 "subs lr, #4\n\t"                                                         \
			 "bgt 2b\n\t"                                                              \
			 "ldrd r0, r2, [r11, #24]\n\t"                                             \
			 "add r7, r2\n\t"                                                          \
			 "cmp r5, r0\n\t"                                                          \
			 "bne 1b\n\t"                                                              \
			 "pop {r7}"                                                                \
			 : "+r"(strip), "+r"(record), "+r"(result)                                 \
			 : "r"(known), "r"(further), "w"(offsets)                                  \
			 : "r0", "r1", "r2", "r4", "r6", "r8", "r10", "r12", "q0", "q1", "q2",     \
			   "q3", "q4", "q5", "cc", "memory")
#define UTVM_MVE_WINDOWS_OF(vectors, shared)                                                       \
	if (positive) {                                                                            \
		UTVM_MVE_WINDOWS(vectors, shared, UTVM_MVE_REQUANTIZE_POSITIVE_Q4_BY_R10);         \
	} else {                                                                                   \
		UTVM_MVE_WINDOWS(vectors, shared, UTVM_MVE_REQUANTIZE_NEGATIVE_Q4_BY_R10);         \
	}

/* The lanes of a vector that size weights from lane first on are in, as a predicate has them. */
UTVM_INLINE uint32_t utvm_mve_windows_lanes(int32_t first, int32_t size)
{
	const int32_t begin = utvm_max(first, 0);
	const int32_t end = utvm_max(utvm_min(first + size, 16), begin);

	return (1U << end) - (1U << begin);
}

/*
 * As many channels as there are records, of which there is one at least. A window is in so many
 * vectors, together with those behind it that they are shared with.
 */
UTVM_INLINE void utvm_mve_windows(const struct utvm_mve_windows *p, int positive, int vectors,
				  int shared, const int8_t *windows, const int32_t *records,
				  int32_t channels, int8_t *output)
{
	struct utvm_mve_windows_state state = {
		.last = p->size - (vectors - 1) * 16,
		.pitch = p->pitch,
		.record = p->record * 4,
		.count = p->count,
		.out_zero = p->out_zero,
		.four = 4 * p->channels,
		.end = records + channels * p->record,
		.next = 1 - (p->count + 3) / 4 * 4 * p->channels,
		.step = p->step,
	};
	const uint32x4_t places = vmulq_n_u32(vidupq_n_u32(0, 1), (uint32_t)p->channels);
	register const int8_t *strip __asm__("r3") = windows;
	register const int32_t *record __asm__("r5") = records;
	register struct utvm_mve_windows_state *known __asm__("r11") = &state;
	register int8_t *result __asm__("lr") = output;
	register int32_t further __asm__("r9") = shared * p->step;
	register uint32x4_t offsets __asm__("q6") = places;

	for (int more = 1; more < shared; more++) {
		state.lanes[more - 1] = utvm_mve_windows_lanes(more * p->step, p->size);
	}
	if (vectors == 2 && shared == 2) {
		state.lanes[1] = utvm_mve_windows_lanes(p->step - 16, p->size);
	}
	if (vectors == 1 && shared == 1) {
		UTVM_MVE_WINDOWS_OF(1, 1)
	} else if (vectors == 1 && shared == 2) {
		UTVM_MVE_WINDOWS_OF(1, 2)
	} else if (vectors == 1) {
		UTVM_MVE_WINDOWS_OF(1, 4)
	} else if (vectors == 2 && shared == 1) {
		UTVM_MVE_WINDOWS_OF(2, 1)
	} else if (vectors == 2) {
		UTVM_MVE_WINDOWS_OF(2, 2)
	} else if (vectors == 3) {
		UTVM_MVE_WINDOWS_OF(3, 1)
	} else {
		UTVM_MVE_WINDOWS_OF(4, 1)
	}
}

#else

UTVM_INLINE int8_t utvm_mve_windows_byte(const int32_t *record, int32_t index)
{
	return (int8_t)((uint32_t)record[index / 4] >> (index % 4 * 8));
}

UTVM_INLINE void utvm_mve_windows(const struct utvm_mve_windows *p, int positive, int vectors,
				  int shared, const int8_t *windows, const int32_t *records,
				  int32_t channels, int8_t *output)
{
	(void)positive;
	(void)vectors;
	(void)shared;
	for (int32_t channel = 0; channel < channels; channel++) {
		const int32_t shift = utvm_mve_windows_byte(records, 8);

		for (int32_t i = 0; i < p->count; i++) {
			int32_t sum = records[0];

			for (int32_t tap = 0; tap < p->size; tap++) {
				sum += windows[i * p->step + tap] *
				       utvm_mve_windows_byte(records, 10 + tap);
			}
			sum = utvm_mve_requantize_one(sum, records[1], shift);
			output[i * p->channels + channel] =
				utvm_clamp(sum + p->out_zero, -128, 127);
		}
		windows += utvm_mve_windows_byte(records, 9) * p->pitch;
		records += p->record;
	}
}

#endif
