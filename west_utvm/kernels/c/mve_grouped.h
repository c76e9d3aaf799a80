/* Convolution in groups: what the windows of two pixels see of a group is copied to two rows. */
struct utvm_mve_grouped {
	struct utvm_mve_pixels pixels; /* of one group */
	struct utvm_grouped grouped;
	int32_t copied; /* or 0, where a window is one pixel that is always in the image */
	/*
	 * The first groups, whose channels are rounded up to fours: what is too much is written
	 * over by the group after them.
	 */
	int32_t in_fours;
	int32_t weights_step; /* from group to group */
	int32_t quads_step;
};

/*
 * What the windows of two pixels, whose taps are side by side, see of the group whose first channel
 * is given. The second row begins where the first one ends.
 */
UTVM_INLINE void utvm_mve_grouped_rows(const struct utvm_grouped *p, const int8_t *const *taps,
				       int32_t first, int8_t *row)
{
	const int32_t depth = p->depth;
	const int32_t count = utvm_grouped_taps(p);
	int8_t *other = row + count * depth;

#if defined(__ARM_FEATURE_MVE)
	if (depth <= 16) {
		const int8_t *from0, *from1;

		__asm__ volatile("vctp.8 %[depth]\n\t"
				 "dls lr, %[count]\n"
				 "1:\n\t"
				 "ldrd %[from0], %[from1], [%[taps]], #8\n\t"
				 "add %[from0], %[first]\n\t"
				 "add %[from1], %[first]\n\t"
				 "vpstttt\n\t"
				 "vldrbt.8 q0, [%[from0]]\n\t"
				 "vldrbt.8 q1, [%[from1]]\n\t"
				 "vstrbt.8 q0, [%[row]]\n\t"
				 "vstrbt.8 q1, [%[other]]\n\t"
				 "add %[row], %[depth]\n\t"
				 "add %[other], %[depth]\n\t"
				 "le lr, 1b"
				 : [taps] "+r"(taps), [row] "+r"(row), [other] "+r"(other),
				   [from0] "=&r"(from0), [from1] "=&r"(from1)
				 : [depth] "r"(depth), [count] "r"(count), [first] "r"(first)
				 : "q0", "q1", "lr", "cc", "memory");
		return;
	}
#endif
	for (int32_t i = 0; i < count; i++, row += depth, other += depth) {
		utvm_mve_copy(row, taps[2 * i] + first, depth);
		utvm_mve_copy(other, taps[2 * i + 1] + first, depth);
	}
}

/* One group of two pixels, or of one pixel twice; its channels are rounded up to fours. */
UTVM_INLINE void utvm_mve_grouped_fours(const struct utvm_mve_grouped *p, int kind,
					const int8_t *row, int32_t step, const int8_t *weights,
					const int32_t *quads, int8_t *output, int32_t out_step)
{
#if defined(UTVM_MVE_VECTORS)
	struct utvm_mve_pair pair = {
		.row0 = row,
		.row1 = row + step,
		.depth = p->pixels.depth - 32,
		.end = quads + p->quads_step,
		.output0 = output,
		.output1 = output + out_step,
		.weights = weights,
		.quads = quads,
		.pairs = 1,
	};

	utvm_mve_pairs(kind, &pair, &p->pixels.range);
#else
	utvm_mve_pixel(&p->pixels, kind, row, weights, quads, 0, output);
	utvm_mve_pixel(&p->pixels, kind, row + step, weights, quads, 0, output + out_step);
#endif
}

/* All groups of up to two pixels. */
UTVM_INLINE void utvm_mve_grouped_pair(const struct utvm_mve_grouped *p, int kind,
				       utvm_mve_pixels_t *pixels, const int8_t *const *taps,
				       int32_t count, const int8_t *weights, const int32_t *quads,
				       int8_t *rows, int8_t *output)
{
	const struct utvm_grouped *const q = &p->grouped;
	const int32_t out_step = count > 1 ? p->pixels.out_step : 0;

	for (int32_t i = 0; i < q->groups; i++) {
		const int32_t first = i * q->depth;
		const int8_t *row = rows;
		int32_t step = p->pixels.depth;

		if (p->copied) {
			utvm_mve_grouped_rows(q, taps, first, rows);
		} else {
			row = taps[0] + first;
			step = (int32_t)(taps[1] - taps[0]);
		}
		if (i < p->in_fours) {
			utvm_mve_grouped_fours(p, kind, row, step, weights, quads, output,
					       out_step);
		} else {
			pixels(&p->pixels, row, step, count, weights, quads, output);
		}
		weights += p->weights_step;
		quads += p->quads_step;
		output += q->channels;
	}
}

UTVM_INLINE void utvm_mve_grouped(const struct utvm_mve_grouped *p, int kind,
				  utvm_mve_pixels_t *pixels, const int8_t *input,
				  const int8_t *weights, const int32_t *quads, void *scratch,
				  int8_t *output)
{
	const struct utvm_grouped *const q = &p->grouped;
	const int8_t **const taps = scratch;
	int8_t *const zeros = (int8_t *)(taps + 2 * utvm_grouped_taps(q));
	int8_t *const rows = zeros + q->window.in_channels;
	struct utvm_grouped_place at = {input, 0, 0, 0};
	int32_t count;

	memset(zeros, q->window.in_zero, (size_t)q->window.in_channels);
	while ((count = utvm_grouped_next(q, &at, zeros, 2, taps)) > 0) {
		utvm_mve_grouped_pair(p, kind, pixels, taps, count, weights, quads, rows, output);
		output += count * p->pixels.out_step;
	}
}

#define UTVM_MVE_GROUPED(name, kind)                                                               \
	UTVM_SHARED void utvm_mve_grouped_##name(                                                  \
		const struct utvm_mve_grouped *p, const int8_t *input, const int8_t *weights,      \
		const int32_t *quads, void *scratch, int8_t *output)                               \
	{                                                                                          \
		utvm_mve_grouped(p, kind, utvm_mve_pixels_##name, input, weights, quads, scratch,  \
				 output);                                                          \
	}
UTVM_MVE_GROUPED(any, UTVM_MVE_ANY)
UTVM_MVE_GROUPED(negative, UTVM_MVE_NEGATIVE)
UTVM_MVE_GROUPED(positive, UTVM_MVE_POSITIVE)
