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
	int32_t side_by_side; /* whether pixels of the output are those of the input, one line */
};

/* A pixel of the output, and the image that it is computed from. */
struct utvm_grouped_place {
	const int8_t *image;
	int32_t batch;
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
UTVM_SHARED void utvm_grouped_find(const struct utvm_window *w, const struct utvm_grouped_place *at,
				   const int8_t *zeros, int32_t step, const int8_t **taps)
{
	const int8_t *const image = at->image;
	const int8_t **const end = taps + step * w->window_height * w->window_width;
	const int32_t across = w->dilation_x;
	const int32_t pitch = across * w->in_channels;
	const int32_t first = at->column * w->stride_x - w->pad_left;
	int32_t y = at->line * w->stride_y - w->pad_top;

	while (taps != end) {
		/* Of a row outside of the image no column is within it. */
		const int32_t width = y >= 0 && y < w->in_height ? w->in_width : 0;
		int32_t offset = (y * w->in_width + first) * w->in_channels;
		int32_t x = first;

		for (int32_t left = w->window_width; left > 0; left--) {
			*taps = x >= 0 && x < width ? image + offset : zeros;
			taps += step;
			offset += pitch;
			x += across;
		}
		y += w->dilation_y;
	}
}

UTVM_INLINE void utvm_grouped_advance(const struct utvm_window *w, struct utvm_grouped_place *at)
{
	if (++at->column == w->width) {
		at->column = 0;
		if (++at->line == w->height) {
			at->line = 0;
			at->batch++;
			at->image += w->in_height * w->in_width * w->in_channels;
		}
	}
}

/*
 * The taps of the next pixels, up to count of them, side by side; how many there are. For missing
 * ones, where there are others, those of the first.
 */
UTVM_SHARED int32_t utvm_grouped_next(const struct utvm_grouped *p, struct utvm_grouped_place *at,
				      const int8_t *zeros, int32_t count, const int8_t **taps)
{
	const struct utvm_grouped_place first = *at;
	int32_t found = 0;

	if (at->batch == p->batches) {
		return 0;
	}
	if (p->side_by_side && at->column + count <= p->window.width) {
		for (int32_t i = 0; i < count; i++) {
			taps[i] = at->image + (at->column + i) * p->window.in_channels;
		}
		at->column += count - 1;
		utvm_grouped_advance(&p->window, at);
		return count;
	}
	for (; found < count && at->batch < p->batches; found++) {
		utvm_grouped_find(&p->window, at, zeros, count, taps + found);
		utvm_grouped_advance(&p->window, at);
	}
	for (int32_t i = found; i < count; i++) {
		utvm_grouped_find(&p->window, &first, zeros, count, taps + i);
	}
	return found;
}
