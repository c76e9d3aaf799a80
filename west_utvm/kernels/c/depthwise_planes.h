/*
 * Depthwise convolution of any window. Four channels at a time are copied to planes of 16 bits with
 * borders, whose words have two rows each, one below the other; an input channel may have several
 * output channels. Rows and columns are those of the kernel: where it suits the window better, they
 * are columns and rows of the image.
 *
 * Two windows, one below the other, are computed from the same words: the upper one takes pairs of
 * weights (0, 1), (2, 3), ..., the lower one, which begins one or two rows later, (-, 0), (1, 2),
 * ..., or (-, -), (0, 1), ... Three such twos are computed together. Their words are next to each
 * other: they are neighbours in a row or, with little in a row, in a column.
 */
struct utvm_planes_axis {
	int32_t in_size;
	int32_t in_step; /* bytes, of input and output */
	int32_t size;
	int32_t step;
	int32_t window;
	int32_t stride;
	int32_t before; /* first pixel of the image */
};

/* Columns that strides take apart, at most. */
#define UTVM_PLANES_PHASES 4

struct utvm_depthwise_planes {
	struct utvm_planes_axis row;
	struct utvm_planes_axis column;
	int32_t batches;
	int32_t channels; /* of the input */
	int32_t copies;	  /* output channels of each */
	int32_t in_zero;
	int32_t out_zero;
	int32_t low;
	int32_t high;
	int32_t dilation; /* of columns */
	int32_t down;	  /* whether what is computed together is in a column */
	int32_t band;	  /* rows of results that come from one copy */
	int32_t tap_pairs; /* of a column of the window */
	int32_t plane;	   /* words */
	int32_t pair_step; /* words, from one pair of rows to the next, */
	int32_t phase_step;
	int32_t place_step; /* and from one column of a phase to the next */
	/* Columns with the same remainder by the stride: how many in the image, where, and where to. */
	int32_t phases;
	int32_t count[UTVM_PLANES_PHASES];
	int32_t first[UTVM_PLANES_PHASES];
	int32_t place[UTVM_PLANES_PHASES];
};

/* A word of a plane that two windows see, in bytes from its first, and the weights for it. */
struct utvm_planes_tap {
	int32_t offset;
	int32_t upper;
	int32_t lower;
};

/* What is computed together: the upper ones of three twos, then the lower ones. */
#define UTVM_PLANES_TWOS 3
#define UTVM_PLANES_RESULTS 6

/* Where the results go, from that of the first one. */
struct utvm_planes_places {
	int32_t at[UTVM_PLANES_RESULTS];
};

/* What it takes to compute them; the first three and the bias are together for assembly. */
struct utvm_planes_frame {
	const struct utvm_planes_tap *taps;
	const int32_t *plane;
	const struct utvm_planes_tap *end;
	int32_t bias[UTVM_PLANES_RESULTS];
	int32_t sums[UTVM_PLANES_RESULTS];
	struct utvm_scale scale;
	int32_t zero;
	int8_t *output;
	const struct utvm_planes_places *places;
};

#if defined(UTVM_DSP)
#define UTVM_PLANES_TAP										   \
	"ldmia r0!, {r3, r6, r7}\n\t"								   \
	"add r3, r3, r1\n\t"									   \
	"ldmia r3, {r3, r4, r5}\n\t"								   \
	"smlad r8, r3, r6, r8\n\t"								   \
	"smlad r9, r4, r6, r9\n\t"								   \
	"smlad r10, r5, r6, r10\n\t"								   \
	"smlad r11, r3, r7, r11\n\t"								   \
	"smlad r12, r4, r7, r12\n\t"								   \
	"smlad lr, r5, r7, lr\n\t"

#define UTVM_PLANES_OFFSET(field) "i"(__builtin_offsetof(struct utvm_planes_frame, field))

/*
 * Two taps a turn, an odd one first. r0: taps, r1: plane, r2: where taps end, r3-r5: inputs, r6 and
 * r7: weights, r8-lr: sums. Then what becomes of these, with the frame in r0.
 */
#define UTVM_PLANES_ASSEMBLY(frame, then)							   \
	do {											   \
		register struct utvm_planes_frame *r0 __asm__("r0") = frame;			   \
												   \
		__asm__ volatile("push {r0, r4-r11}\n\t"					   \
				 "ldmia r0, {r0, r1, r2, r8-r12, lr}\n\t"			   \
				 "sub r3, r2, r0\n\t"						   \
				 "tst r3, #4\n\t"						   \
				 "bne 2f\n"							   \
				 "1:\n\t" UTVM_PLANES_TAP					   \
				 "2:\n\t" UTVM_PLANES_TAP					   \
				 "cmp r0, r2\n\t"						   \
				 "bne 1b\n\t"							   \
				 "pop {r0}\n\t" then						   \
				 "pop {r4-r11}"							   \
				 : "+r"(r0)							   \
				 : [sums] UTVM_PLANES_OFFSET(sums),				   \
				   [scale] UTVM_PLANES_OFFSET(scale),				   \
				   [zero] UTVM_PLANES_OFFSET(zero),				   \
				   [output] UTVM_PLANES_OFFSET(output)				   \
				 : "r1", "r2", "r3", "r12", "lr", "cc", "memory");		   \
	} while (0)
#endif

UTVM_INLINE void utvm_planes_sums(struct utvm_planes_frame *f)
{
#if defined(UTVM_DSP)
	UTVM_PLANES_ASSEMBLY(f, "add r0, %[sums]\n\t"
				"stmia r0, {r8-r12, lr}\n\t");
#else
	memcpy(f->sums, f->bias, sizeof(f->sums));
	for (const struct utvm_planes_tap *tap = f->taps; tap != f->end; tap++) {
		const int32_t *const x = f->plane + tap->offset / 4;

		for (int32_t i = 0; i < UTVM_PLANES_TWOS; i++) {
			int32_t *const lower = f->sums + UTVM_PLANES_TWOS + i;

			f->sums[i] = utvm_dot2(x[i], tap->upper, f->sums[i]);
			*lower = utvm_dot2(x[i], tap->lower, *lower);
		}
	}
#endif
}

/* Sums to results, the first one last. */
UTVM_INLINE void utvm_planes_results(const struct utvm_depthwise_planes *p, int narrow,
				     const struct utvm_planes_frame *f)
{
	const struct utvm_scale scale = f->scale;
	const int32_t zero = f->zero;

	for (int32_t i = UTVM_PLANES_RESULTS - 1; i >= 0; i--) {
		const int32_t result = utvm_saturated(utvm_requantized(f->sums[i], scale, zero));

		f->output[f->places->at[i]] =
			narrow ? utvm_clamp(result, p->low, p->high) : (int8_t)result;
	}
}

typedef void (*utvm_planes_together)(const struct utvm_depthwise_planes *p,
				     struct utvm_planes_frame *f);

/* What a band's channels have in common. */
struct utvm_planes_pass {
	/* Twos, along those that are computed together and across. */
	int32_t along;
	int32_t across;
	int32_t along_step; /* bytes of the output */
	int32_t across_step;
	int32_t across_words; /* of the plane */
	struct utvm_planes_places usual;
	struct utvm_planes_places last; /* where lower ones may be missing */
};

/*
 * For so many rows of results. Those of windows that are missing go to where one that is not
 * missing comes after them.
 */
UTVM_INLINE void utvm_planes_prepare(const struct utvm_depthwise_planes *p, int32_t rows,
				     struct utvm_planes_pass *pass)
{
	const int32_t units = (rows + 1) / 2, odd = rows & 1;
	const int32_t below = p->row.step;
	int32_t count, lower;

	pass->along = p->down ? units : p->column.size;
	pass->across = p->down ? p->column.size : units;
	pass->along_step = p->down ? 2 * below : p->column.step;
	pass->across_step = p->down ? p->column.step : 2 * below;
	pass->across_words = p->down ? p->place_step : p->row.stride * p->pair_step;
	count = utvm_min(pass->along, UTVM_PLANES_TWOS);
	lower = p->down ? count - odd : count * (1 - odd);
	for (int32_t i = 0; i < UTVM_PLANES_TWOS; i++) {
		const int32_t at = i < count ? i * pass->along_step : 0;

		pass->usual.at[i] = at;
		pass->last.at[i] = at;
		pass->usual.at[UTVM_PLANES_TWOS + i] = at + below;
		pass->last.at[UTVM_PLANES_TWOS + i] = i < lower ? at + below : at;
	}
}

/* All windows of a band and a channel; the last three twos may be some of those before, too. */
UTVM_INLINE void utvm_planes_windows(const struct utvm_depthwise_planes *p,
				     utvm_planes_together together,
				     const struct utvm_planes_pass *pass,
				     struct utvm_planes_frame *f, const int32_t *plane,
				     int8_t *output)
{
	const int32_t along = pass->along - UTVM_PLANES_TWOS, along_step = pass->along_step;
	const int down = p->down != 0;

	for (int32_t across = pass->across; across > 0; across--) {
		const int last = !down && across == 1;
		int32_t left = along, step;

		f->plane = plane;
		f->output = output;
		f->places = last ? &pass->last : &pass->usual;
		for (;;) {
			if (left <= 0 && down) {
				f->places = &pass->last;
			}
			together(p, f);
			if (left <= 0) {
				break;
			}
			step = utvm_min(left, UTVM_PLANES_TWOS);
			left -= step;
			f->plane += step;
			f->output += step * along_step;
		}
		plane += pass->across_words;
		output += pass->across_step;
	}
}

/* Of a channel with these constants. */
UTVM_INLINE void utvm_planes_channel(const struct utvm_depthwise_planes *p,
				     utvm_planes_together together,
				     const struct utvm_planes_pass *pass,
				     struct utvm_planes_frame *f, const int32_t *plane,
				     const int32_t *constants, int8_t *output)
{
	for (int32_t i = 0; i < UTVM_PLANES_RESULTS; i++) {
		f->bias[i] = constants[0];
	}
	f->scale = utvm_scale_at(constants + 1);
	utvm_planes_windows(p, together, pass, f, plane, output);
}

typedef void (*utvm_planes_kind)(const struct utvm_depthwise_planes *p,
				 const struct utvm_planes_pass *pass, struct utvm_planes_frame *f,
				 const int32_t *plane, const int32_t *constants, int8_t *output);

UTVM_INLINE void utvm_planes_together_narrow(const struct utvm_depthwise_planes *p,
					     struct utvm_planes_frame *f)
{
	utvm_planes_sums(f);
	utvm_planes_results(p, 1, f);
}

/* For results that are clamped to less than int8. */
UTVM_SHARED void utvm_planes_narrow(const struct utvm_depthwise_planes *p,
				    const struct utvm_planes_pass *pass,
				    struct utvm_planes_frame *f, const int32_t *plane,
				    const int32_t *constants, int8_t *output)
{
	utvm_planes_channel(p, utvm_planes_together_narrow, pass, f, plane, constants, output);
}

/*
 * The weights of a channel, column by column: in each of these pairs and one more if odd. The lower
 * ones begin one row after the upper ones, or two.
 */
UTVM_INLINE void utvm_planes_columns(int by_two, int32_t columns, int32_t pairs, int32_t odd,
				     const int8_t *weights, struct utvm_planes_tap *taps)
{
	for (; columns > 0; columns--) {
		/* The last pair, or its second weight. */
		int32_t before = 0, rest = 0;

		for (int32_t i = pairs; i > 0; i--, taps++, weights += 2) {
			const int32_t first = weights[0], second = weights[1];
			const int32_t pair = utvm_low_halves(first, second);

			taps->upper = pair;
			taps->lower = by_two ? before : utvm_low_halves(before, first);
			before = by_two ? pair : second;
		}
		if (odd) {
			rest = *weights++;
		}
		if (!by_two || odd) {
			taps->upper = rest & 0xFFFF;
			taps->lower = by_two ? before : utvm_low_halves(before, rest);
			before = rest & 0xFFFF;
			taps++;
		}
		if (by_two) {
			taps->upper = 0;
			taps->lower = before;
			taps++;
		}
	}
}

UTVM_SHARED void utvm_planes_weights(const struct utvm_depthwise_planes *p, const int8_t *weights,
				     struct utvm_planes_tap *taps)
{
	const int32_t pairs = p->row.window >> 1, odd = p->row.window & 1;

	if (p->row.stride == 2) {
		utvm_planes_columns(1, p->column.window, pairs, odd, weights, taps);
	} else {
		utvm_planes_columns(0, p->column.window, pairs, odd, weights, taps);
	}
}

/* Where the taps are, in the same order; where these end. */
UTVM_INLINE struct utvm_planes_tap *utvm_planes_find(const struct utvm_depthwise_planes *p,
						     struct utvm_planes_tap *taps)
{
	for (int32_t i = 0; i < p->column.window; i++) {
		const int32_t column = i * p->dilation;
		int32_t offset = column % p->column.stride * p->phase_step +
				 column / p->column.stride * p->place_step;

		for (int32_t j = p->tap_pairs; j > 0; j--, offset += p->pair_step) {
			(taps++)->offset = offset * (int32_t)sizeof(int32_t);
		}
	}
	return taps;
}

/* A row of the image, or one of zero points, which is but one pixel. */
struct utvm_planes_row {
	const int8_t *pixels;
	int32_t step;
};

/* Two rows of four channels to count columns of planes, or of fewer where there are no more. */
UTVM_INLINE void utvm_planes_rows(int32_t channels, int32_t count, struct utvm_planes_row upper,
				  struct utvm_planes_row lower, int32_t *to, int32_t size,
				  int32_t step)
{
	for (; count > 0; count--, to += step) {
		if (channels == 4) {
			utvm_plane_column(to, size, utvm_load4(upper.pixels),
					  utvm_load4(lower.pixels));
		} else {
			for (int32_t c = 0; c < channels; c++) {
				to[c * size] = utvm_low_halves(upper.pixels[c], lower.pixels[c]);
			}
		}
		upper.pixels += upper.step;
		lower.pixels += lower.step;
	}
}

/* What so many rows of results need of four channels, or fewer; image is at the first of these. */
UTVM_INLINE void utvm_planes_fill(const struct utvm_depthwise_planes *p, int32_t channels,
				  const int8_t *image, int32_t y, int32_t rows, int32_t *planes)
{
	const int32_t zero = (int32_t)(0x01010101U * (uint8_t)p->in_zero);
	const int32_t height = p->row.in_size, pitch = p->row.in_step;
	const int32_t pairs = ((rows - 1) * p->row.stride + p->row.window + 1) / 2;
	const int32_t step = p->column.stride * p->column.in_step;
	const int32_t pair_step = p->pair_step, place_step = p->place_step, size = p->plane;
	const struct utvm_planes_row outside = {(const int8_t *)&zero, 0};

	for (int32_t phase = 0; phase < p->phases; phase++) {
		const int8_t *pixels = image + p->first[phase] * p->column.in_step + y * pitch;
		const int32_t count = p->count[phase];
		int32_t *to = planes + p->place[phase];
		int32_t row = y;

		for (int32_t i = pairs; i > 0; i--, row += 2, to += pair_step) {
			struct utvm_planes_row upper = {pixels, step};
			struct utvm_planes_row lower = {pixels + pitch, step};

			if (row < 0 || row >= height) {
				upper = outside;
			}
			if (row + 1 < 0 || row + 1 >= height) {
				lower = outside;
			}
			utvm_planes_rows(channels, count, upper, lower, to, size, place_step);
			pixels += 2 * pitch;
		}
	}
}

UTVM_SHARED void utvm_planes_copy(const struct utvm_depthwise_planes *p, const int8_t *image,
				  int32_t y, int32_t rows, int32_t *planes)
{
	if (p->channels >= 4) {
		utvm_planes_fill(p, 4, image, y, rows, planes);
	} else {
		utvm_planes_fill(p, p->channels, image, y, rows, planes);
	}
}

/* Some rows of results of all channels. */
UTVM_INLINE void utvm_planes_band(const struct utvm_depthwise_planes *p, utvm_planes_kind kind,
				  struct utvm_planes_frame *f, struct utvm_planes_tap *taps,
				  const int8_t *image, int32_t y, int32_t rows,
				  const int8_t *weights, const int32_t *constants, int32_t *planes,
				  int8_t *output)
{
	struct utvm_planes_pass pass;

	utvm_planes_prepare(p, rows, &pass);
	for (int32_t c = 0, count = (p->channels - 1) % 4 + 1; c < p->channels;
	     c += count, count = 4) {
		/* Of the first four only those that are not among the next. */
		const int32_t *const end = planes + count * p->plane;

		utvm_planes_copy(p, image + c, y, rows, planes);
		for (const int32_t *plane = planes; plane != end; plane += p->plane) {
			for (int32_t copy = 0; copy < p->copies; copy++) {
				utvm_planes_weights(p, weights, taps);
				kind(p, &pass, f, plane, constants, output++);
				weights += p->row.window * p->column.window;
				constants += UTVM_CHANNEL_WORDS;
			}
		}
	}
}

UTVM_SHARED void utvm_depthwise_planes(const struct utvm_depthwise_planes *p, utvm_planes_kind kind,
				       const int8_t *input, const int8_t *weights,
				       const int32_t *constants, void *scratch, int8_t *output)
{
	struct utvm_planes_tap *const taps = scratch;
	struct utvm_planes_tap *const end = utvm_planes_find(p, taps);
	struct utvm_planes_frame frame = {.taps = taps, .end = end, .zero = p->out_zero};
	int32_t *const planes = (int32_t *)end;

	/* The borders stay. */
	for (int32_t i = 0; i < utvm_min(p->channels, 4) * p->plane; i++) {
		planes[i] = utvm_low_halves(p->in_zero, p->in_zero);
	}
	for (int32_t batch = 0; batch < p->batches; batch++) {
		for (int32_t row = 0; row < p->row.size; row += p->band) {
			utvm_planes_band(p, kind, &frame, taps, input,
					 row * p->row.stride - p->row.before,
					 utvm_min(p->band, p->row.size - row), weights, constants,
					 planes, output + row * p->row.step);
		}
		input += p->row.in_size * p->column.in_size * p->channels;
		output += p->row.size * p->column.size * p->channels * p->copies;
	}
}
