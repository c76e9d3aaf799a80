/*
 * Convolution in groups: an output channel sees the input channels of its own group alone. Some
 * pixels at a time are computed, group by group. Where the taps of their windows are is found once
 * for all groups; taps outside of the image are in a row of zero points.
 */
struct utvm_grouped {
	struct utvm_window window;
	int32_t batches;
	int32_t groups;
	int32_t depth;    /* input channels of a group */
	int32_t channels; /* output channels of a group */
};

/* A pixel of the output; lines of all batches are counted. */
struct utvm_grouped_place {
	int32_t line;
	int32_t column;
};

UTVM_INLINE int32_t utvm_grouped_taps(const struct utvm_grouped *p)
{
	return p->window.window_height * p->window.window_width;
}

/* From pixel to pixel of the output. */
UTVM_INLINE int32_t utvm_grouped_pitch(const struct utvm_grouped *p)
{
	return p->groups * p->channels;
}

/* Where the taps of the window of a pixel are, to every step-th. */
UTVM_INLINE void utvm_grouped_find(const struct utvm_grouped *p, struct utvm_grouped_place at,
				   const int8_t *input, const int8_t *zeros, int32_t step,
				   const int8_t **taps)
{
	const struct utvm_window *const w = &p->window;
	const int32_t pixel = w->in_channels;
	const int32_t first = at.column * w->stride_x - w->pad_left;
	const int8_t *const image = input + at.line / w->height * w->in_height * w->in_width * pixel;
	int32_t y = at.line % w->height * w->stride_y - w->pad_top;

	for (int32_t i = 0; i < w->window_height; i++, y += w->dilation_y) {
		const int inside = y >= 0 && y < w->in_height;
		int32_t x = first;

		for (int32_t j = 0; j < w->window_width; j++, x += w->dilation_x) {
			*taps = inside && x >= 0 && x < w->in_width
					? image + (y * w->in_width + x) * pixel
					: zeros;
			taps += step;
		}
	}
}

/*
 * The taps of the next pixels, up to count of them, side by side; how many there are. For missing
 * ones, where there are others, those of the first.
 */
UTVM_SHARED int32_t utvm_grouped_next(const struct utvm_grouped *p, struct utvm_grouped_place *at,
				      const int8_t *input, const int8_t *zeros, int32_t count,
				      const int8_t **taps)
{
	struct utvm_grouped_place first = *at;
	int32_t found = 0;

	if (at->line == p->batches * p->window.height) {
		return 0;
	}
	for (int32_t i = 0; i < count; i++) {
		const int more = at->line < p->batches * p->window.height;

		utvm_grouped_find(p, more ? *at : first, input, zeros, count, taps + i);
		if (more) {
			found++;
			at->column++;
		}
		if (at->column == p->window.width) {
			at->column = 0;
			at->line++;
		}
	}
	return found;
}
