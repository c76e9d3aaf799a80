/*
 * Depthwise convolution by windows of 3 x 3 that move by one or two. Four channels of a band of six
 * rows are copied to planes of 16 bits with borders, whose words have two rows each; then sums of
 * two output rows at a time, column by column, and their results.
 */
struct utvm_depthwise3x3 {
	struct utvm_window window;
	int32_t batches;
	int32_t columns; /* of a plane */
	int32_t out_zero;
	int32_t low;
	int32_t high;
};

/* Words of a column of a plane. */
#define UTVM_PLANE_WORDS 3
/* Words of a channel's constants, without those of its scale: weights, bias. */
#define UTVM_DEPTHWISE_WORDS 4

struct utvm_planes {
	int32_t *plane[4];
};

UTVM_INLINE void utvm_plane_column(struct utvm_planes *to, int32_t upper, int32_t lower)
{
	const int32_t upper_even = utvm_even_bytes(upper);
	const int32_t upper_odd = utvm_odd_bytes(upper);
	const int32_t lower_even = utvm_even_bytes(lower);
	const int32_t lower_odd = utvm_odd_bytes(lower);

	*to->plane[0] = utvm_low_halves(upper_even, lower_even);
	*to->plane[1] = utvm_low_halves(upper_odd, lower_odd);
	*to->plane[2] = utvm_high_halves(upper_even, lower_even);
	*to->plane[3] = utvm_high_halves(upper_odd, lower_odd);
	to->plane[0] += UTVM_PLANE_WORDS;
	to->plane[1] += UTVM_PLANE_WORDS;
	to->plane[2] += UTVM_PLANE_WORDS;
	to->plane[3] += UTVM_PLANE_WORDS;
}

/* Rows y and y + 1 of four channels, those at image and after it, to planes. */
UTVM_SHARED void utvm_plane_rows(const struct utvm_depthwise3x3 *p, const int8_t *image, int32_t y,
				 int32_t *planes)
{
	const struct utvm_window *const w = &p->window;
	const int32_t size = p->columns * UTVM_PLANE_WORDS;
	const int32_t pitch = w->in_width * w->in_channels;
	const int32_t zero = (int32_t)(0x01010101U * (uint8_t)w->in_zero);
	const int32_t inside = utvm_min(w->in_width, p->columns - w->pad_left);
	const int has_upper = y >= 0 && y < w->in_height;
	const int has_lower = y >= -1 && y < w->in_height - 1;
	const int8_t *upper = has_upper ? image + y * pitch : (const int8_t *)&zero;
	const int8_t *lower = has_lower ? image + (y + 1) * pitch : (const int8_t *)&zero;
	const int32_t upper_step = has_upper ? w->in_channels : 0;
	const int32_t lower_step = has_lower ? w->in_channels : 0;
	struct utvm_planes to = {{planes, planes + size, planes + 2 * size, planes + 3 * size}};

	for (int32_t i = 0; i < w->pad_left; i++) {
		utvm_plane_column(&to, zero, zero);
	}
	for (int32_t i = 0; i < inside; i++) {
		utvm_plane_column(&to, utvm_load4(upper), utvm_load4(lower));
		upper += upper_step;
		lower += lower_step;
	}
	for (int32_t i = w->pad_left + inside; i < p->columns; i++) {
		utvm_plane_column(&to, zero, zero);
	}
}

/* Of the three rows of a column of weights: those of the first two and the last two. */
struct utvm_weights3x3 {
	struct {
		int32_t first;
		int32_t last;
	} column[3];
};

#if defined(__ARM_FEATURE_DSP)
/*
 * A loop in assembly, which takes every register and saves those that it may not lose. r0 is where
 * in the plane, r1 its end, r2 the sums; r4-r9 are the weights, first and last of each column.
 */
#define UTVM_SUMS3X3(loop)                                                                         \
	register const int32_t *r0 __asm__("r0") = x;                                              \
	register const int32_t *r1 __asm__("r1") = end;                                            \
	register int32_t *r2 __asm__("r2") = sums;                                                 \
	register const struct utvm_weights3x3 *r3 __asm__("r3") = w;                               \
                                                                                                   \
	__asm__ volatile("push {r4-r11}\n\t"                                                       \
			 "ldmia r3, {r4-r9}\n"                                                     \
			 "1:\n\t" loop                                                             \
			 "strd r12, lr, [r2], #8\n\t"                                              \
			 "cmp r0, r1\n\t"                                                          \
			 "bne 1b\n\t"                                                              \
			 "pop {r4-r11}"                                                            \
			 : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3)                                  \
			 :                                                                         \
			 : "r12", "lr", "cc", "memory")
#endif

/* Two rows of sums, by columns in turn, without the bias, for windows that move by one. */
UTVM_INLINE void utvm_sums3x3(const int32_t *x, const int32_t *end, const struct utvm_weights3x3 *w,
			      int32_t *sums)
{
#if defined(__ARM_FEATURE_DSP)
	UTVM_SUMS3X3("ldrd r3, r10, [r0]\n\t"
		     "smuad r12, r3, r4\n\t"
		     "smultb lr, r3, r4\n\t"
		     "smlabt r12, r10, r5, r12\n\t"
		     "smlad lr, r10, r5, lr\n\t"
		     "ldrd r3, r10, [r0, #12]!\n\t"
		     "smlad r12, r3, r6, r12\n\t"
		     "smlatb lr, r3, r6, lr\n\t"
		     "smlabt r12, r10, r7, r12\n\t"
		     "smlad lr, r10, r7, lr\n\t"
		     "ldrd r3, r10, [r0, #12]\n\t"
		     "smlad r12, r3, r8, r12\n\t"
		     "smlatb lr, r3, r8, lr\n\t"
		     "smlabt r12, r10, r9, r12\n\t"
		     "smlad lr, r10, r9, lr\n\t");
#else
	for (; x != end; x += UTVM_PLANE_WORDS) {
		int32_t s0 = 0;
		int32_t s1 = 0;

		for (int i = 0; i < 3; i++) {
			const int32_t a = x[UTVM_PLANE_WORDS * i];
			const int32_t b = x[UTVM_PLANE_WORDS * i + 1];

			s0 += utvm_low(b) * utvm_high(w->column[i].last);
			s0 = utvm_dot2(a, w->column[i].first, s0);
			s1 += utvm_high(a) * utvm_low(w->column[i].first);
			s1 = utvm_dot2(b, w->column[i].last, s1);
		}
		*sums++ = s0;
		*sums++ = s1;
	}
#endif
}

/* The same for windows that move by two. */
UTVM_INLINE void utvm_sums3x3_by_two(const int32_t *x, const int32_t *end,
				     const struct utvm_weights3x3 *w, int32_t *sums)
{
#if defined(__ARM_FEATURE_DSP)
	UTVM_SUMS3X3("ldmia r0!, {r3, r10, r11}\n\t"
		     "smuad r12, r3, r4\n\t"
		     "smuad lr, r10, r4\n\t"
		     "smlabt r12, r10, r5, r12\n\t"
		     "smlabt lr, r11, r5, lr\n\t"
		     "ldmia r0!, {r3, r10, r11}\n\t"
		     "smlad r12, r3, r6, r12\n\t"
		     "smlad lr, r10, r6, lr\n\t"
		     "smlabt r12, r10, r7, r12\n\t"
		     "smlabt lr, r11, r7, lr\n\t"
		     "ldmia r0, {r3, r10, r11}\n\t"
		     "smlad r12, r3, r8, r12\n\t"
		     "smlad lr, r10, r8, lr\n\t"
		     "smlabt r12, r10, r9, r12\n\t"
		     "smlabt lr, r11, r9, lr\n\t");
#else
	for (; x != end; x += 2 * UTVM_PLANE_WORDS) {
		int32_t s0 = 0;
		int32_t s1 = 0;

		for (int i = 0; i < 3; i++) {
			const int32_t *const column = x + UTVM_PLANE_WORDS * i;

			s0 += utvm_low(column[1]) * utvm_high(w->column[i].last);
			s0 = utvm_dot2(column[0], w->column[i].first, s0);
			s1 += utvm_low(column[2]) * utvm_high(w->column[i].last);
			s1 = utvm_dot2(column[1], w->column[i].first, s1);
		}
		*sums++ = s0;
		*sums++ = s1;
	}
#endif
}

/* Results of two rows; with but one, the second's are where the first's come last. */
UTVM_INLINE void utvm_results3x3_of(const struct utvm_depthwise3x3 *p, int narrow,
				    const int32_t *sums, const int32_t *constants, int32_t second,
				    int8_t *output)
{
	const struct utvm_scale scale = utvm_scale_at(constants + UTVM_DEPTHWISE_WORDS);
	const int32_t bias = constants[UTVM_DEPTHWISE_WORDS - 1];
	const int32_t zero = p->out_zero;
	const int32_t low = p->low;
	const int32_t high = p->high;
	const int32_t step = p->window.in_channels;

	for (int32_t x = p->window.width; x > 0; x--, sums += 2, output += step) {
		const int32_t s0 = utvm_saturated(utvm_scaled(bias + sums[0], scale, zero));
		const int32_t s1 = utvm_saturated(utvm_scaled(bias + sums[1], scale, zero));

		output[second] = narrow ? utvm_clamp(s1, low, high) : (int8_t)s1;
		output[0] = narrow ? utvm_clamp(s0, low, high) : (int8_t)s0;
	}
}

UTVM_INLINE void utvm_results3x3(const struct utvm_depthwise3x3 *p, const int32_t *sums,
				 const int32_t *constants, int32_t second, int8_t *output)
{
	if (p->low == -128 && p->high == 127) {
		utvm_results3x3_of(p, 0, sums, constants, second, output);
	} else {
		utvm_results3x3_of(p, 1, sums, constants, second, output);
	}
}

/* Output rows of one channel from its plane. */
UTVM_SHARED void utvm_band3x3(const struct utvm_depthwise3x3 *p, const int32_t *plane, int32_t rows,
			      const int32_t *constants, int32_t *sums, int8_t *output)
{
	const int32_t pitch = p->window.width * p->window.in_channels;
	struct utvm_weights3x3 w;

	for (int i = 0; i < 3; i++) {
		w.column[i].first = utvm_even_bytes(constants[i]);
		w.column[i].last = utvm_odd_bytes(constants[i]);
	}
	if (p->window.stride_y == 2) {
		utvm_sums3x3_by_two(plane, plane + p->window.width * 2 * UTVM_PLANE_WORDS, &w, sums);
		utvm_results3x3(p, sums, constants, rows > 1 ? pitch : 0, output);
		return;
	}
	for (; rows > 0; rows -= 2, plane++, output += 2 * pitch) {
		utvm_sums3x3(plane, plane + p->window.width * UTVM_PLANE_WORDS, &w, sums);
		utvm_results3x3(p, sums, constants, rows > 1 ? pitch : 0, output);
	}
}

UTVM_SHARED void utvm_depthwise3x3(const struct utvm_depthwise3x3 *p, const int8_t *input,
				   const int32_t *constants, void *scratch, int8_t *output)
{
	const struct utvm_window *const w = &p->window;
	const int32_t channels = w->in_channels;
	const int32_t size = p->columns * UTVM_PLANE_WORDS;
	const int32_t band = w->stride_y == 2 ? 2 : 4;
	int32_t *const planes = scratch;

	for (int32_t batch = 0; batch < p->batches; batch++) {
		for (int32_t row = 0; row < w->height; row += band) {
			const int32_t rows = utvm_min(band, w->height - row);
			const int32_t y = row * w->stride_y - w->pad_top;

			for (int32_t left = channels; left > 0; left -= 4) {
				/* The last four may be some of those before, too. */
				const int32_t c = utvm_min(channels - left, channels - 4);
				const int32_t *own =
					constants +
					c * (UTVM_DEPTHWISE_WORDS + UTVM_SCALE_WORDS);

				for (int32_t i = 0; i < 3; i++) {
					utvm_plane_rows(p, input + c, y + 2 * i, planes + i);
				}
				for (int32_t i = 0; i < 4; i++) {
					utvm_band3x3(p, planes + i * size, rows, own,
						     planes + 4 * size, output + c + i);
					own += UTVM_DEPTHWISE_WORDS + UTVM_SCALE_WORDS;
				}
			}
			output += rows * w->width * channels;
		}
		input += w->in_height * w->in_width * channels;
	}
}
