/*
 * Depthwise convolution by windows of 3 x 3 that move by one or two. Rows of four channels are
 * copied to planes of 16 bits with borders, whose words have two rows each: three a column, six
 * rows. From these come two rows of results at a time, column by column.
 */
struct utvm_depthwise3x3 {
	struct utvm_window window;
	int32_t batches;
	int32_t columns; /* of a plane */
	int32_t inside;	 /* of these, within the image */
	int32_t out_zero;
	int32_t low;
	int32_t high;
};

/* Words of a column of a plane. */
#define UTVM_PLANE_WORDS 3
/* Words of a channel's constants: weights, bias, scale. */
#define UTVM_DEPTHWISE_WORDS (4 + UTVM_SCALE_WORDS)

/* Where two rows of results come from and go to, for any channel. */
struct utvm_pass3x3 {
	int32_t span; /* bytes of the plane */
	int32_t zero;
	int32_t second; /* from the first row of results to the second */
	int32_t step;	/* from one column of results to the next */
};

/* The columns outside of the image, which stay. */
UTVM_INLINE void utvm_plane_borders(const struct utvm_depthwise3x3 *p, int32_t *planes)
{
	const struct utvm_window *const w = &p->window;
	const int32_t zero = (int32_t)(0x01010101U * (uint8_t)w->in_zero);
	const int32_t size = p->columns * UTVM_PLANE_WORDS;

	for (int32_t i = 0; i < p->columns; i++, planes += UTVM_PLANE_WORDS) {
		if (i < w->pad_left || i >= w->pad_left + w->in_width) {
			for (int32_t j = 0; j < UTVM_PLANE_WORDS; j++) {
				utvm_plane_column(planes + j, size, zero, zero);
			}
		}
	}
}

/* A row of the image, or one of zero points, which has no channels and is but one pixel. */
struct utvm_row3x3 {
	const int8_t *pixels;
	int32_t step;
	int32_t mask; /* of a channel's number */
};

/* The rows that a band needs, from row y of the image on; zero is four zero points. */
UTVM_INLINE void utvm_find_rows3x3(const struct utvm_depthwise3x3 *p, const int8_t *image,
				   int32_t y, const int32_t *zero, struct utvm_row3x3 *rows)
{
	const struct utvm_window *const w = &p->window;

	for (int32_t i = 0; i < 2 * (w->stride_y + 1); i++, y++) {
		const int inside = y >= 0 && y < w->in_height;

		rows[i].pixels = inside ? image + y * w->in_width * w->in_channels
					: (const int8_t *)zero;
		rows[i].step = inside ? w->in_channels : 0;
		rows[i].mask = inside ? -1 : 0;
	}
}

/* Pairs of rows of four channels to planes. */
UTVM_SHARED void utvm_plane_rows(const struct utvm_depthwise3x3 *p, const struct utvm_row3x3 *rows,
				 int32_t channel, int32_t *planes)
{
	const int32_t size = p->columns * UTVM_PLANE_WORDS;
	int32_t *const end = planes + p->inside * UTVM_PLANE_WORDS;

	for (int32_t i = 0; i <= p->window.stride_y; i++, rows += 2) {
		const int8_t *upper = rows[0].pixels + (channel & rows[0].mask);
		const int8_t *lower = rows[1].pixels + (channel & rows[1].mask);
		const int32_t step = rows[0].step;

		if (step == rows[1].step) {
			for (int32_t *to = planes + i; to != end + i; to += UTVM_PLANE_WORDS) {
				utvm_plane_column(to, size, utvm_load4(upper), utvm_load4(lower));
				upper += step;
				lower += step;
			}
			continue;
		}
		for (int32_t *to = planes + i; to != end + i; to += UTVM_PLANE_WORDS) {
			utvm_plane_column(to, size, utvm_load4(upper), utvm_load4(lower));
			upper += step;
			lower += rows[1].step;
		}
	}
}

/*
 * Weights of a column: a word of constants has those of rows 0, 1, 1 and 2, of which come the pairs
 * (0, 1) and (1, 2).
 */
struct utvm_column3x3 {
	int32_t first;
	int32_t last;
};

UTVM_INLINE struct utvm_column3x3 utvm_column3x3(int32_t word)
{
	const struct utvm_column3x3 column = {utvm_even_bytes(word), utvm_odd_bytes(word)};

	return column;
}

/* Adds what a column of the window gives, from two words of a plane. */
UTVM_INLINE int32_t utvm_upper3x3(const int32_t *x, struct utvm_column3x3 w, int32_t sum)
{
	return utvm_dot2(x[0], w.first, sum + utvm_low(x[1]) * utvm_high(w.last));
}

/* The same for the window a row below. */
UTVM_INLINE int32_t utvm_lower3x3(const int32_t *x, struct utvm_column3x3 w, int32_t sum)
{
	return utvm_dot2(x[1], w.last, sum + utvm_high(x[0]) * utvm_low(w.first));
}

/* Two rows of results of the channel whose constants these are, from its plane. */
UTVM_INLINE void utvm_results3x3(const struct utvm_depthwise3x3 *p, int32_t low, int32_t high,
				 const struct utvm_pass3x3 *pass, const int32_t *x,
				 const int32_t *constants, int8_t *output)
{
	const int32_t stride = p->window.stride_y;
	const struct utvm_scale scale = utvm_scale_at(constants + 4);
	const struct utvm_column3x3 w0 = utvm_column3x3(constants[0]);
	const struct utvm_column3x3 w1 = utvm_column3x3(constants[1]);
	const struct utvm_column3x3 w2 = utvm_column3x3(constants[2]);
	const int32_t bias = constants[3], second = pass->second;
	const int32_t zero = p->out_zero, step = pass->step;

	for (int32_t i = p->window.width; i > 0; i--, output += step) {
		const int32_t *const x1 = x + UTVM_PLANE_WORDS, *const x2 = x1 + UTVM_PLANE_WORDS;
		int32_t upper = utvm_upper3x3(x, w0, bias), lower;

		upper = utvm_upper3x3(x2, w2, utvm_upper3x3(x1, w1, upper));
		if (stride == 2) {
			lower = utvm_upper3x3(x1 + 1, w1, utvm_upper3x3(x + 1, w0, bias));
			lower = utvm_upper3x3(x2 + 1, w2, lower);
		} else {
			lower = utvm_lower3x3(x1, w1, utvm_lower3x3(x, w0, bias));
			lower = utvm_lower3x3(x2, w2, lower);
		}
		output[second] = utvm_clamp(utvm_requantized(lower, scale, zero), low, high);
		output[0] = utvm_clamp(utvm_requantized(upper, scale, zero), low, high);
		x += stride * UTVM_PLANE_WORDS;
	}
}

typedef void (*utvm_kind3x3)(const struct utvm_depthwise3x3 *p, const struct utvm_pass3x3 *pass,
			     const int32_t *x, const int32_t *constants, int8_t *output);

/* For results that are clamped to less than int8. */
UTVM_INLINE void utvm_narrow3x3(const struct utvm_depthwise3x3 *p, const struct utvm_pass3x3 *pass,
				const int32_t *x, const int32_t *constants, int8_t *output)
{
	utvm_results3x3(p, p->low, p->high, pass, x, constants, output);
}

/* Two rows of results of all channels; image is that of the batch. */
UTVM_INLINE void utvm_band3x3(const struct utvm_depthwise3x3 *p, utvm_kind3x3 kind,
			      const struct utvm_pass3x3 *pass, const int8_t *image, int32_t y,
			      const int32_t *constants, int32_t *planes, int8_t *output)
{
	const int32_t channels = p->window.in_channels;
	const int32_t size = p->columns * UTVM_PLANE_WORDS;
	const int32_t zero = (int32_t)(0x01010101U * (uint8_t)p->window.in_zero);
	int32_t *const first = planes + p->window.pad_left * UTVM_PLANE_WORDS;
	struct utvm_row3x3 rows[6];

	utvm_find_rows3x3(p, image, y, &zero, rows);
	for (int32_t c = 0, count = (channels - 1) % 4 + 1; c < channels; c += count, count = 4) {
		/* Of the first four only those that are not among the next. */
		const int32_t *const end = planes + count * size;
		const int32_t *plane = planes;

		utvm_plane_rows(p, rows, c, first);
		for (; plane != end; plane += size, constants += UTVM_DEPTHWISE_WORDS) {
			kind(p, pass, plane, constants, output++);
		}
	}
}

UTVM_INLINE void utvm_depthwise3x3(const struct utvm_depthwise3x3 *p, utvm_kind3x3 kind,
				   const int8_t *input, const int32_t *constants, void *scratch,
				   int8_t *output)
{
	const struct utvm_window *const w = &p->window;
	const int32_t pitch = w->width * w->in_channels;
	int32_t *const planes = scratch;
	struct utvm_pass3x3 pass = {
		.span = w->width * w->stride_x * UTVM_PLANE_WORDS * (int32_t)sizeof(int32_t),
		.zero = p->out_zero,
		.step = w->in_channels,
	};

	utvm_plane_borders(p, planes);
	for (int32_t batch = 0; batch < p->batches; batch++) {
		for (int32_t row = 0; row < w->height; row += 2) {
			/* Without a second row, its results are where the first's come last. */
			pass.second = row < w->height - 1 ? pitch : 0;
			utvm_band3x3(p, kind, &pass, input, row * w->stride_y - w->pad_top,
				     constants, planes, output);
			output += pitch + pass.second;
		}
		input += w->in_height * w->in_width * w->in_channels;
	}
}
