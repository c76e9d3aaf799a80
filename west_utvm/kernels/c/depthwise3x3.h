/*
 * Depthwise convolution by windows of 3 x 3 that move by one or two. Rows of four channels are
 * copied to planes of 16 bits with borders, whose words have two rows each: three a column, six
 * rows. From these come two rows of results at a time, column by column.
 */
struct utvm_depthwise3x3 {
	struct utvm_window window;
	int32_t batches;
	int32_t columns; /* of a plane */
	int32_t band;	 /* rows of results from one copy: two, or four if it moves by one */
	int32_t out_zero;
	int32_t low;
	int32_t high;
};

/* Words of a column of a plane. */
#define UTVM_PLANE_WORDS 3
/* Words of a channel's constants: weights, bias, scale. */
#define UTVM_DEPTHWISE_WORDS (4 + UTVM_SCALE_WORDS)

/* Of the three rows of each column of weights: those of the first two and the last two. */
struct utvm_weights3x3 {
	struct {
		int32_t first;
		int32_t last;
	} column[3];
};

/* What two rows of results are computed from. */
struct utvm_pass3x3 {
	int32_t bias;
	int8_t *output;
	const int32_t *end; /* of the plane */
	struct utvm_scale scale;
	int32_t zero;
	int32_t second; /* where the second row is, after the first */
	int32_t step;	/* from one column of results to the next */
};

/* A column of four planes, each so many words after the one before, from two rows of pixels. */
UTVM_INLINE void utvm_plane_column(int32_t *to, int32_t size, int32_t upper, int32_t lower)
{
	const int32_t upper_even = utvm_even_bytes(upper);
	const int32_t upper_odd = utvm_odd_bytes(upper);
	const int32_t lower_even = utvm_even_bytes(lower);
	const int32_t lower_odd = utvm_odd_bytes(lower);

	to[0] = utvm_low_halves(upper_even, lower_even);
	to[size] = utvm_low_halves(upper_odd, lower_odd);
	to[2 * size] = utvm_high_halves(upper_even, lower_even);
	to[3 * size] = utvm_high_halves(upper_odd, lower_odd);
}

/* The columns outside of the image, which stay. */
UTVM_INLINE void utvm_plane_borders(const struct utvm_depthwise3x3 *p, int32_t zero,
				    int32_t *planes)
{
	const struct utvm_window *const w = &p->window;
	const int32_t size = p->columns * UTVM_PLANE_WORDS;

	for (int32_t i = 0; i < p->columns; i++, planes += UTVM_PLANE_WORDS) {
		if (i < w->pad_left || i >= w->pad_left + w->in_width) {
			for (int32_t j = 0; j < UTVM_PLANE_WORDS; j++) {
				utvm_plane_column(planes + j, size, zero, zero);
			}
		}
	}
}

/*
 * Pairs of rows, from y on, of the four channels at image, to planes. zeros are two rows of zero
 * points, or as many as there are steps in one.
 */
UTVM_SHARED void utvm_plane_rows(const struct utvm_depthwise3x3 *p, const int8_t *image, int32_t y,
				 int32_t pairs, int32_t zero, int32_t *planes)
{
	const struct utvm_window *const w = &p->window;
	const int32_t size = p->columns * UTVM_PLANE_WORDS;
	const int32_t channels = w->in_channels;
	const int32_t pitch = w->in_width * channels;
	const int32_t inside = utvm_min(w->in_width, p->columns - w->pad_left);

	planes += w->pad_left * UTVM_PLANE_WORDS;
	for (int32_t i = 0; i < pairs; i++, y += 2, planes++) {
		const int has_upper = y >= 0 && y < w->in_height;
		const int has_lower = y >= -1 && y < w->in_height - 1;
		const int8_t *upper = has_upper ? image + y * pitch : (const int8_t *)&zero;
		const int8_t *lower = has_lower ? image + (y + 1) * pitch : (const int8_t *)&zero;
		const int32_t upper_step = has_upper ? channels : 0;
		const int32_t lower_step = has_lower ? channels : 0;
		int32_t *to = planes;

		for (int32_t j = inside; j > 0; j--, to += UTVM_PLANE_WORDS) {
			utvm_plane_column(to, size, utvm_load4(upper), utvm_load4(lower));
			upper += upper_step;
			lower += lower_step;
		}
	}
}

/* Of the window at a column of a plane, and of the one below that, which is by or by two rows. */
UTVM_INLINE int32_t utvm_upper3x3(const int32_t *x, const struct utvm_weights3x3 *w, int32_t sum)
{
	for (int i = 0; i < 3; i++, x += UTVM_PLANE_WORDS) {
		sum = utvm_dot2(x[0], w->column[i].first, sum);
		sum += utvm_low(x[1]) * utvm_high(w->column[i].last);
	}
	return sum;
}

UTVM_INLINE int32_t utvm_lower3x3(const int32_t *x, const struct utvm_weights3x3 *w, int32_t sum)
{
	for (int i = 0; i < 3; i++, x += UTVM_PLANE_WORDS) {
		sum += utvm_high(x[0]) * utvm_low(w->column[i].first);
		sum = utvm_dot2(x[1], w->column[i].last, sum);
	}
	return sum;
}

UTVM_INLINE void utvm_results3x3(const int32_t *x, const struct utvm_weights3x3 *w,
				 struct utvm_pass3x3 pass, int32_t stride, int32_t low,
				 int32_t high)
{
	for (; x != pass.end; x += stride * UTVM_PLANE_WORDS, pass.output += pass.step) {
		const int32_t upper = utvm_upper3x3(x, w, pass.bias);
		const int32_t lower = stride == 2 ? utvm_upper3x3(x + 1, w, pass.bias)
						  : utvm_lower3x3(x, w, pass.bias);
		const int32_t first = utvm_requantized(upper, pass.scale, pass.zero);
		const int32_t second = utvm_requantized(lower, pass.scale, pass.zero);

		pass.output[pass.second] = utvm_clamp(second, low, high);
		pass.output[0] = utvm_clamp(first, low, high);
	}
}

typedef void (*utvm_kind3x3)(const struct utvm_depthwise3x3 *p, const int32_t *x,
			     const struct utvm_weights3x3 *w, const struct utvm_pass3x3 *pass);

/* For results that are clamped to less than int8. */
UTVM_SHARED void utvm_narrow3x3(const struct utvm_depthwise3x3 *p, const int32_t *x,
				const struct utvm_weights3x3 *w, const struct utvm_pass3x3 *pass)
{
	utvm_results3x3(x, w, *pass, p->window.stride_y, p->low, p->high);
}

/* Output rows of one channel from its plane. */
UTVM_INLINE void utvm_band3x3(const struct utvm_depthwise3x3 *p, utvm_kind3x3 kind,
			      const int32_t *plane, int32_t rows, const int32_t *constants,
			      int8_t *output)
{
	const int32_t step = p->window.in_channels;
	const int32_t pitch = p->window.width * step;
	const int32_t span = p->window.width * p->window.stride_x * UTVM_PLANE_WORDS;
	struct utvm_weights3x3 w;
	struct utvm_pass3x3 pass = {
		.bias = constants[3],
		.output = output,
		.end = plane + span,
		.scale = utvm_scale_at(constants + 4),
		.zero = p->out_zero,
		.second = pitch,
		.step = step,
	};

	for (int i = 0; i < 3; i++) {
		w.column[i].first = utvm_even_bytes(constants[i]);
		w.column[i].last = utvm_odd_bytes(constants[i]);
	}
	for (; rows > 0; rows -= 2, plane++, pass.end++, pass.output += 2 * pitch) {
		/* Without a second row, its results are where the first's come last. */
		pass.second = rows > 1 ? pitch : 0;
		kind(p, plane, &w, &pass);
	}
}

UTVM_INLINE void utvm_depthwise3x3(const struct utvm_depthwise3x3 *p, utvm_kind3x3 kind,
				   const int8_t *input, const int32_t *constants, void *scratch,
				   int8_t *output)
{
	const struct utvm_window *const w = &p->window;
	const int32_t channels = w->in_channels;
	const int32_t zero = (int32_t)(0x01010101U * (uint8_t)w->in_zero);
	int32_t *const planes = scratch;

	utvm_plane_borders(p, zero, planes);
	for (int32_t batch = 0; batch < p->batches; batch++) {
		for (int32_t row = 0; row < w->height; row += p->band) {
			const int32_t rows = utvm_min(p->band, w->height - row);
			const int32_t y = row * w->stride_y - w->pad_top;
			const int32_t pairs = w->stride_y == 2 ? 3 : p->band / 2 + 1;

			for (int32_t left = channels; left > 0; left -= 4) {
				/* The last four may be some of those before, too. */
				const int32_t c = utvm_min(channels - left, channels - 4);
				const int32_t *own = constants + c * UTVM_DEPTHWISE_WORDS;

				utvm_plane_rows(p, input + c, y, pairs, zero, planes);
				for (int32_t i = 0; i < 4; i++, own += UTVM_DEPTHWISE_WORDS) {
					utvm_band3x3(p, kind,
						     planes + i * p->columns * UTVM_PLANE_WORDS,
						     rows, own, output + c + i);
				}
			}
			output += rows * w->width * channels;
		}
		input += w->in_height * w->in_width * channels;
	}
}
