/*
 * Depthwise convolution of any window. Four channels at a time are copied to planes of 16 bits with
 * borders, whose words have two rows each, one below the other; an input channel may have several
 * output channels. Rows and columns are those of the kernel: where it suits the window better, they
 * are columns and rows of the image.
 *
 * Windows that move by one row come two at a time: the first of them takes pairs of weights (0, 1),
 * (2, 3), ..., the second, from the same words, the pairs (-, 0), (1, 2), ... Others come alone.
 * Results of three such twos, or of four windows alone, are computed together: from words that are
 * next to each other, which are neighbours in a row, or, with little in a row, in a column.
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

/* At most so many words of columns that strides take apart. */
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
	int32_t twos;	  /* whether windows come two at a time */
	int32_t down;	  /* whether they are computed down a column */
	int32_t band;	  /* rows of results that come from one copy */
	int32_t plane;	  /* words */
	int32_t pair_step; /* words, from one pair of rows to the next, */
	int32_t phase_step;
	int32_t place_step; /* and from one column of a phase to the next */
	/* Columns with the same remainder by the stride: how many in the image, where, and where to. */
	int32_t phases;
	int32_t count[UTVM_PLANES_PHASES];
	int32_t first[UTVM_PLANES_PHASES];
	int32_t place[UTVM_PLANES_PHASES];
};

/* A word of a plane that a window sees, in bytes from its first, and weights for it. */
struct utvm_planes_tap {
	int32_t offset;
	int32_t first;
	int32_t second;
};

/* Windows that are computed together: so many twos, or so many alone. */
#define UTVM_PLANES_TWOS 3
#define UTVM_PLANES_ALONE 4
#define UTVM_PLANES_RESULTS 6

/* Where their results go, from that of the first one. */
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
/* r0: taps, r1: plane, r2: where taps end, r3-r5: inputs, r6 and r7: weights, r8-lr: sums. */
#define UTVM_PLANES_TWOS_TAP									   \
	"ldmia r0!, {r3, r6, r7}\n\t"								   \
	"add r3, r3, r1\n\t"									   \
	"ldmia r3, {r3, r4, r5}\n\t"								   \
	"smlad r8, r3, r6, r8\n\t"								   \
	"smlad r9, r4, r6, r9\n\t"								   \
	"smlad r10, r5, r6, r10\n\t"								   \
	"smlad r11, r3, r7, r11\n\t"								   \
	"smlad r12, r4, r7, r12\n\t"								   \
	"smlad lr, r5, r7, lr\n\t"
#define UTVM_PLANES_TWOS_SUMS "r8-r12, lr"

/* The same with r3-r6: inputs, r7: weights, r9-r12: sums. */
#define UTVM_PLANES_ALONE_TAP									   \
	"ldmia r0!, {r3, r7, r8}\n\t"								   \
	"add r3, r3, r1\n\t"									   \
	"ldmia r3, {r3, r4, r5, r6}\n\t"							   \
	"smlad r9, r3, r7, r9\n\t"								   \
	"smlad r10, r4, r7, r10\n\t"								   \
	"smlad r11, r5, r7, r11\n\t"								   \
	"smlad r12, r6, r7, r12\n\t"
#define UTVM_PLANES_ALONE_SUMS "r9-r12"

/* Two taps a turn, an odd one first. Then what becomes of the sums, with the frame in r0. */
#define UTVM_PLANES_ASSEMBLY(frame, tap, sums_in, then)						   \
	do {											   \
		register struct utvm_planes_frame *r0 __asm__("r0") = frame;			   \
												   \
		__asm__ volatile("push {r0, r4-r11}\n\t"					   \
				 "ldmia r0, {r0, r1, r2, " sums_in "}\n\t"			   \
				 "sub r3, r2, r0\n\t"						   \
				 "tst r3, #4\n\t"						   \
				 "bne 2f\n"							   \
				 "1:\n\t" tap							   \
				 "2:\n\t" tap							   \
				 "cmp r0, r2\n\t"						   \
				 "bne 1b\n\t"							   \
				 "pop {r0}\n\t" then						   \
				 "pop {r4-r11}"							   \
				 : "+r"(r0)							   \
				 : [sums] "i"(__builtin_offsetof(struct utvm_planes_frame, sums)), \
				   [scale] "i"(__builtin_offsetof(struct utvm_planes_frame, scale)), \
				   [zero] "i"(__builtin_offsetof(struct utvm_planes_frame, zero)), \
				   [output] "i"(__builtin_offsetof(struct utvm_planes_frame,	   \
								   output))			   \
				 : "r1", "r2", "r3", "r12", "lr", "cc", "memory");		   \
	} while (0)
#define UTVM_PLANES_STORE(sums_in) "add r0, %[sums]\n\tstmia r0, {" sums_in "}\n\t"
#endif

/* Sums of three windows and of those a row below them, or of four windows. */
UTVM_INLINE void utvm_planes_sums(int twos, struct utvm_planes_frame *f)
{
#if defined(UTVM_DSP)
	if (twos) {
		UTVM_PLANES_ASSEMBLY(f, UTVM_PLANES_TWOS_TAP, UTVM_PLANES_TWOS_SUMS,
				     UTVM_PLANES_STORE(UTVM_PLANES_TWOS_SUMS));
	} else {
		UTVM_PLANES_ASSEMBLY(f, UTVM_PLANES_ALONE_TAP, UTVM_PLANES_ALONE_SUMS,
				     UTVM_PLANES_STORE(UTVM_PLANES_ALONE_SUMS));
	}
#else
	const int32_t together = twos ? UTVM_PLANES_TWOS : UTVM_PLANES_ALONE;

	memcpy(f->sums, f->bias, sizeof(f->sums));
	for (const struct utvm_planes_tap *tap = f->taps; tap != f->end; tap++) {
		const int32_t *const x = f->plane + tap->offset / 4;

		for (int32_t i = 0; i < together; i++) {
			f->sums[i] = utvm_dot2(x[i], tap->first, f->sums[i]);
			if (twos) {
				f->sums[together + i] =
					utvm_dot2(x[i], tap->second, f->sums[together + i]);
			}
		}
	}
#endif
}

/* Sums to results, the first one last. */
UTVM_INLINE void utvm_planes_results(const struct utvm_depthwise_planes *p, int twos, int narrow,
				     const struct utvm_planes_frame *f)
{
	int32_t i = twos ? 2 * UTVM_PLANES_TWOS : UTVM_PLANES_ALONE;
	const int32_t zero = f->zero;
	const struct utvm_scale scale = f->scale;

	while (--i >= 0) {
		const int32_t result = utvm_saturated(utvm_requantized(f->sums[i], scale, zero));

		f->output[f->places->at[i]] =
			narrow ? utvm_clamp(result, p->low, p->high) : (int8_t)result;
	}
}

typedef void (*utvm_planes_together)(const struct utvm_depthwise_planes *p, int twos,
				     struct utvm_planes_frame *f);

/* What a band's channels have in common. */
struct utvm_planes_pass {
	/* Windows, or twos of them: along those that are computed together, and across. */
	int32_t along;
	int32_t across;
	int32_t along_step; /* bytes of the output */
	int32_t across_step;
	int32_t across_words; /* of the plane */
	struct utvm_planes_places usual;
	struct utvm_planes_places last;
};

/*
 * For count windows or twos, of which the first few have a second row. The results of what is
 * missing go to where one that is not comes after them.
 */
UTVM_INLINE struct utvm_planes_places utvm_planes_places(int32_t count, int32_t seconds,
							 int32_t step, int32_t below)
{
	struct utvm_planes_places places = {{0, 0, 0, 0, 0, 0}};

	for (int32_t i = 0; i < count; i++) {
		places.at[i] = i * step;
	}
	for (int32_t i = 0; below != 0 && i < UTVM_PLANES_TWOS; i++) {
		places.at[UTVM_PLANES_TWOS + i] = places.at[i] + (i < seconds ? below : 0);
	}
	return places;
}

/* For so many rows of results. */
UTVM_INLINE struct utvm_planes_pass utvm_planes_pass(const struct utvm_depthwise_planes *p,
						     int32_t rows)
{
	const int32_t below = p->twos ? p->row.step : 0;
	const int32_t odd = p->twos ? rows & 1 : 0;
	const int32_t units = p->twos ? (rows + 1) / 2 : rows;
	const int32_t step = p->row.step + below;
	struct utvm_planes_pass pass = {
		.along = p->down ? units : p->column.size,
		.across = p->down ? p->column.size : units,
		.along_step = p->down ? step : p->column.step,
		.across_step = p->down ? p->column.step : step,
		.across_words = p->down ? p->place_step : p->pair_step,
	};
	const int32_t count =
		utvm_min(pass.along, p->twos ? UTVM_PLANES_TWOS : UTVM_PLANES_ALONE);
	const int32_t seconds = p->down ? count - odd : odd ? 0 : count;

	pass.usual = utvm_planes_places(count, count, pass.along_step, below);
	pass.last = utvm_planes_places(count, seconds, pass.along_step, below);
	return pass;
}

/*
 * All windows of a band and a channel. The last that are computed together may be some of those
 * before, too.
 */
UTVM_INLINE void utvm_planes_windows(const struct utvm_depthwise_planes *p, int twos,
				     utvm_planes_together together,
				     const struct utvm_planes_pass *pass,
				     struct utvm_planes_frame *f, const int32_t *plane,
				     int8_t *output)
{
	const int32_t count = twos ? UTVM_PLANES_TWOS : UTVM_PLANES_ALONE;

	for (int32_t across = pass->across; across > 0; across--) {
		const int last = across == 1 && !p->down;
		const struct utvm_planes_places *const ends =
			last || p->down ? &pass->last : &pass->usual;

		f->plane = plane;
		f->output = output;
		f->places = last ? &pass->last : &pass->usual;
		for (int32_t left = pass->along - count; left > 0; left -= count) {
			const int32_t step = utvm_min(left, count);

			together(p, twos, f);
			f->plane += step;
			f->output += step * pass->along_step;
		}
		f->places = ends;
		together(p, twos, f);
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
	if (p->twos) {
		utvm_planes_windows(p, 1, together, pass, f, plane, output);
	} else {
		utvm_planes_windows(p, 0, together, pass, f, plane, output);
	}
}

typedef void (*utvm_planes_kind)(const struct utvm_depthwise_planes *p,
				 const struct utvm_planes_pass *pass, struct utvm_planes_frame *f,
				 const int32_t *plane, const int32_t *constants, int8_t *output);

UTVM_INLINE void utvm_planes_together_narrow(const struct utvm_depthwise_planes *p, int twos,
					     struct utvm_planes_frame *f)
{
	utvm_planes_sums(twos, f);
	utvm_planes_results(p, twos, 1, f);
}

/* For results that are clamped to less than int8. */
UTVM_SHARED void utvm_planes_narrow(const struct utvm_depthwise_planes *p,
				    const struct utvm_planes_pass *pass,
				    struct utvm_planes_frame *f, const int32_t *plane,
				    const int32_t *constants, int8_t *output)
{
	utvm_planes_channel(p, utvm_planes_together_narrow, pass, f, plane, constants, output);
}

/* The weights of a channel, column by column; where they end. */
UTVM_SHARED const int8_t *utvm_planes_weights(const struct utvm_depthwise_planes *p,
					      const int8_t *weights, struct utvm_planes_tap *taps)
{
	const int32_t pairs = p->row.window / 2;
	const int32_t odd = p->row.window & 1;

	for (int32_t column = p->column.window; column > 0; column--) {
		int32_t before = 0;

		for (int32_t i = pairs; i > 0; i--, weights += 2, taps++) {
			taps->first = utvm_low_halves(weights[0], weights[1]);
			taps->second = utvm_low_halves(before, weights[0]);
			before = weights[1];
		}
		if (odd || p->twos) {
			const int32_t rest = odd ? *weights++ : 0;

			taps->first = utvm_low_halves(rest, 0);
			taps->second = utvm_low_halves(before, rest);
			taps++;
		}
	}
	return weights;
}

/* Where the taps are, in the same order; where these end. */
UTVM_INLINE struct utvm_planes_tap *utvm_planes_find(const struct utvm_depthwise_planes *p,
						     struct utvm_planes_tap *taps)
{
	const int32_t pairs = (p->row.window + (p->twos ? 2 : 1)) / 2;

	for (int32_t i = 0; i < p->column.window; i++) {
		const int32_t column = i * p->dilation;
		int32_t offset = column % p->column.stride * p->phase_step +
				 column / p->column.stride * p->place_step;

		for (int32_t j = 0; j < pairs; j++, offset += p->pair_step) {
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

UTVM_INLINE struct utvm_planes_row utvm_planes_row(const struct utvm_depthwise_planes *p,
						   const int8_t *image, const int32_t *zero,
						   int32_t y)
{
	const int inside = y >= 0 && y < p->row.in_size;
	const struct utvm_planes_row row = {
		inside ? image + y * p->row.in_step : (const int8_t *)zero,
		inside ? p->column.in_step : 0,
	};

	return row;
}

/* Two rows of four channels to planes, or of fewer where there are no more. */
UTVM_INLINE void utvm_planes_rows(const struct utvm_depthwise_planes *p, int four,
				  struct utvm_planes_row upper, struct utvm_planes_row lower,
				  int32_t *planes)
{
	const int32_t stride = p->column.stride, size = p->plane, step = p->place_step;

	for (int32_t phase = 0; phase < p->phases; phase++) {
		const int8_t *above = upper.pixels + p->first[phase] * upper.step;
		const int8_t *below = lower.pixels + p->first[phase] * lower.step;
		int32_t *to = planes + p->place[phase];

		for (int32_t i = p->count[phase]; i > 0; i--, to += step) {
			if (four) {
				utvm_plane_column(to, size, utvm_load4(above), utvm_load4(below));
			} else {
				for (int32_t c = 0; c < p->channels; c++) {
					to[c * size] = utvm_low_halves(above[c], below[c]);
				}
			}
			above += stride * upper.step;
			below += stride * lower.step;
		}
	}
}

/* What so many rows of results need of four channels; image is at the first of these. */
UTVM_SHARED void utvm_planes_copy(const struct utvm_depthwise_planes *p, const int8_t *image,
				  int32_t y, int32_t rows, int32_t *planes)
{
	const int32_t zero = (int32_t)(0x01010101U * (uint8_t)p->in_zero);
	const int32_t needed = (rows - 1) * p->row.stride + p->row.window;

	for (int32_t row = y; row < y + needed; row += 2) {
		const struct utvm_planes_row upper = utvm_planes_row(p, image, &zero, row);
		const struct utvm_planes_row lower = utvm_planes_row(p, image, &zero, row + 1);

		if (p->channels >= 4) {
			utvm_planes_rows(p, 1, upper, lower, planes);
		} else {
			utvm_planes_rows(p, 0, upper, lower, planes);
		}
		planes += p->pair_step;
	}
}

/* Some rows of results of all channels. */
UTVM_INLINE void utvm_planes_band(const struct utvm_depthwise_planes *p, utvm_planes_kind kind,
				  struct utvm_planes_frame *f, const int8_t *image, int32_t y,
				  int32_t rows, const int8_t *weights, const int32_t *constants,
				  int32_t *planes, int8_t *output)
{
	const struct utvm_planes_pass pass = utvm_planes_pass(p, rows);
	struct utvm_planes_tap *const taps = (struct utvm_planes_tap *)(uintptr_t)f->taps;

	for (int32_t channel = 0; channel < p->channels; channel += 4) {
		/* The last four may be some of those before, too, but these are done. */
		const int32_t from = utvm_max(utvm_min(channel, p->channels - 4), 0);
		const int32_t *plane = planes + (channel - from) * p->plane;
		const int32_t *const end = planes + utvm_min(p->channels, 4) * p->plane;

		utvm_planes_copy(p, image + from, y, rows, planes);
		for (; plane != end; plane += p->plane) {
			for (int32_t copy = 0; copy < p->copies; copy++) {
				weights = utvm_planes_weights(p, weights, taps);
				kind(p, &pass, f, plane, constants, output++);
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
	const int32_t zero = utvm_low_halves(p->in_zero, p->in_zero);

	/* The borders stay. */
	for (int32_t i = 0; i < utvm_min(p->channels, 4) * p->plane; i++) {
		planes[i] = zero;
	}
	for (int32_t batch = 0; batch < p->batches; batch++) {
		for (int32_t row = 0; row < p->row.size; row += p->band) {
			const int32_t rows = utvm_min(p->band, p->row.size - row);

			utvm_planes_band(p, kind, &frame, input,
					 row * p->row.stride - p->row.before, rows, weights,
					 constants, planes, output + row * p->row.step);
		}
		input += p->row.in_size * p->column.in_size * p->channels;
		output += p->row.size * p->column.size * p->channels * p->copies;
	}
}
