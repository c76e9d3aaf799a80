/* Convolution in groups by weights as they are, OHWI, of two pixels at a time. */
struct utvm_grouped_blocked {
	struct utvm_rows rows; /* of one group */
	struct utvm_grouped grouped;
};

/* count bytes one by one, or by words, the last of which are its last four bytes. */
UTVM_INLINE void utvm_grouped_copy(int8_t *to, const int8_t *from, int32_t count)
{
	if (count < 4) {
		for (int32_t i = 0; i < count; i++) {
			to[i] = from[i];
		}
		return;
	}
	for (int32_t i = 0; i < count - 4; i += 4) {
		memcpy(to + i, from + i, 4);
	}
	memcpy(to + count - 4, from + count - 4, 4);
}

/* What the window of every second of taps sees of the group whose first channel is given. */
UTVM_INLINE const int8_t *utvm_grouped_row(const struct utvm_grouped *p, const int8_t *const *taps,
					   int32_t first, int8_t *row)
{
	const int32_t count = utvm_grouped_taps(p);

	if (count == 1) {
		return taps[0] + first;
	}
	for (int32_t i = 0; i < count; i++) {
		utvm_grouped_copy(row + i * p->depth, taps[2 * i] + first, p->depth);
	}
	return row;
}

UTVM_SHARED void utvm_grouped_blocked(const struct utvm_grouped_blocked *p, const int8_t *input,
				      const int8_t *weights, const int32_t *constants,
				      void *scratch, int8_t *output)
{
	const struct utvm_grouped *const q = &p->grouped;
	const int32_t pitch = utvm_grouped_pitch(q);
	const int8_t **const taps = scratch;
	int8_t *const zeros = (int8_t *)(taps + 2 * utvm_grouped_taps(q));
	int8_t *const rows = zeros + q->window.in_channels;
	struct utvm_grouped_place at = {input, 0, 0, 0};
	int32_t pixels;

	memset(zeros, q->window.in_zero, (size_t)q->window.in_channels);
	while ((pixels = utvm_grouped_next(q, &at, zeros, 2, taps)) > 0) {
		for (int32_t i = 0; i < q->groups; i++) {
			const int32_t first = i * q->depth;
			const int32_t channel = i * q->channels;

			utvm_two_rows(&p->rows, utvm_grouped_row(q, taps, first, rows),
				      utvm_grouped_row(q, taps + 1, first, rows + p->rows.depth),
				      weights + channel * p->rows.depth,
				      constants + channel * UTVM_CHANNEL_WORDS, output + channel,
				      pixels > 1 ? pitch : 0);
		}
		output += pixels * pitch;
	}
}
