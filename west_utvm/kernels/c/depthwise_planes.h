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

/* Windows that are computed together. */
#define UTVM_PLANES_TWOS 3
#define UTVM_PLANES_ALONE 4

struct utvm_planes_sums {
	int32_t at[2 * UTVM_PLANES_TWOS];
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

/* The same with r3-r6: inputs, r7: weights, r9-r12: sums. */
#define UTVM_PLANES_ALONE_TAP									   \
	"ldmia r0!, {r3, r7, r8}\n\t"								   \
	"add r3, r3, r1\n\t"									   \
	"ldmia r3, {r3, r4, r5, r6}\n\t"							   \
	"smlad r9, r3, r7, r9\n\t"								   \
	"smlad r10, r4, r7, r10\n\t"								   \
	"smlad r11, r5, r7, r11\n\t"								   \
	"smlad r12, r6, r7, r12\n\t"

/* Two taps a turn; an odd one first. The bias comes where the first sum goes. */
#define UTVM_PLANES_LOOP(begin, tap, sums)							   \
	do {											   \
		register const struct utvm_planes_tap *r0 __asm__("r0") = taps;			   \
		register const int32_t *r1 __asm__("r1") = plane;				   \
		register const struct utvm_planes_tap *r2 __asm__("r2") = end;			   \
		register int32_t *r3 __asm__("r3") = found->at;					   \
												   \
		found->at[0] = bias;								   \
		__asm__ volatile("push {r3-r11}\n\t"						   \
				 "sub r4, r2, r0\n\t"						   \
				 "tst r4, #4\n\t" begin						   \
				 "bne 2f\n"							   \
				 "1:\n\t" tap							   \
				 "2:\n\t" tap							   \
				 "cmp r0, r2\n\t"						   \
				 "bne 1b\n\t"							   \
				 "pop {r3}\n\t"							   \
				 "stmia r3, " sums "\n\t"					   \
				 "pop {r4-r11}"							   \
				 : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3)			   \
				 :								   \
				 : "r12", "lr", "cc", "memory");				   \
	} while (0)
#endif

/* Sums of three windows and of those a row below them. */
UTVM_INLINE void utvm_planes_twos(const struct utvm_planes_tap *taps,
				  const struct utvm_planes_tap *end, const int32_t *plane,
				  int32_t bias, struct utvm_planes_sums *found)
{
#if defined(UTVM_DSP)
	UTVM_PLANES_LOOP("ldr r8, [r3]\n\t"
			 "mov r9, r8\n\t"
			 "mov r10, r8\n\t"
			 "mov r11, r8\n\t"
			 "mov r12, r8\n\t"
			 "mov lr, r8\n\t",
			 UTVM_PLANES_TWOS_TAP, "{r8-r12, lr}");
#else
	*found = (struct utvm_planes_sums){{bias, bias, bias, bias, bias, bias}};
	for (; taps != end; taps++) {
		const int32_t *const x = plane + taps->offset / 4;

		for (int32_t i = 0; i < UTVM_PLANES_TWOS; i++) {
			int32_t *const below = found->at + UTVM_PLANES_TWOS + i;

			found->at[i] = utvm_dot2(x[i], taps->first, found->at[i]);
			*below = utvm_dot2(x[i], taps->second, *below);
		}
	}
#endif
}

/* Sums of four windows. */
UTVM_INLINE void utvm_planes_alone(const struct utvm_planes_tap *taps,
				   const struct utvm_planes_tap *end, const int32_t *plane,
				   int32_t bias, struct utvm_planes_sums *found)
{
#if defined(UTVM_DSP)
	UTVM_PLANES_LOOP("ldr r9, [r3]\n\t"
			 "mov r10, r9\n\t"
			 "mov r11, r9\n\t"
			 "mov r12, r9\n\t",
			 UTVM_PLANES_ALONE_TAP, "{r9-r12}");
#else
	*found = (struct utvm_planes_sums){{bias, bias, bias, bias, 0, 0}};
	for (; taps != end; taps++) {
		const int32_t *const x = plane + taps->offset / 4;

		for (int32_t i = 0; i < UTVM_PLANES_ALONE; i++) {
			found->at[i] = utvm_dot2(x[i], taps->first, found->at[i]);
		}
	}
#endif
}

/* Where results of windows that are computed together go, the first of them to 0. */
struct utvm_planes_places {
	int32_t at[2 * UTVM_PLANES_TWOS];
};

/* What a band's channels have in common. */
struct utvm_planes_pass {
	const struct utvm_planes_tap *taps;
	const struct utvm_planes_tap *end;
	int32_t together;
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
 * Results of count windows, or twos; of all but the last missing of these there is a second. Those
 * that are missing go where the first one comes last.
 */
UTVM_INLINE void utvm_planes_place(const struct utvm_planes_pass *pass, int32_t count,
				   int32_t seconds, int32_t below,
				   struct utvm_planes_places *places)
{
	for (int32_t i = 0; i < pass->together; i++) {
		const int32_t at = i < count ? i * pass->along_step : 0;

		places->at[i] = at;
		if (below != 0) {
			places->at[UTVM_PLANES_TWOS + i] = i < seconds ? at + below : at;
		}
	}
}

/* For so many rows of results. */
UTVM_INLINE struct utvm_planes_pass utvm_planes_pass(const struct utvm_depthwise_planes *p,
						     const struct utvm_planes_tap *taps,
						     const struct utvm_planes_tap *end,
						     int32_t rows)
{
	const int32_t below = p->twos ? p->row.step : 0;
	const int32_t odd = p->twos ? rows & 1 : 0;
	const int32_t units = p->twos ? (rows + 1) / 2 : rows;
	const int32_t step = p->row.step + below;
	struct utvm_planes_pass pass = {
		.taps = taps,
		.end = end,
		.together = p->twos ? UTVM_PLANES_TWOS : UTVM_PLANES_ALONE,
		.along = p->down ? units : p->column.size,
		.across = p->down ? p->column.size : units,
		.along_step = p->down ? step : p->column.step,
		.across_step = p->down ? p->column.step : step,
		.across_words = p->down ? p->place_step : p->pair_step,
	};
	const int32_t count = utvm_min(pass.along, pass.together);

	utvm_planes_place(&pass, count, count, below, &pass.usual);
	utvm_planes_place(&pass, count, p->down ? count - odd : odd ? 0 : count, below, &pass.last);
	return pass;
}

UTVM_INLINE void utvm_planes_results(const struct utvm_depthwise_planes *p, int narrow,
				     const struct utvm_planes_sums *sums, int32_t count,
				     const struct utvm_planes_places *places,
				     struct utvm_scale scale, int8_t *output)
{
	const int32_t zero = p->out_zero;

	while (count > 0) {
		int32_t result = utvm_requantized(sums->at[--count], scale, zero);

		result = utvm_saturated(result);
		output[places->at[count]] =
			narrow ? utvm_clamp(result, p->low, p->high) : (int8_t)result;
	}
}

/* Those windows of a band that are computed together, as often as it takes for all of them. */
UTVM_INLINE void utvm_planes_windows(const struct utvm_depthwise_planes *p, int twos, int narrow,
				     const struct utvm_planes_pass *pass, const int32_t *plane,
				     const int32_t *constants, int8_t *output)
{
	const struct utvm_scale scale = utvm_scale_at(constants + 1);
	const int32_t together = twos ? UTVM_PLANES_TWOS : UTVM_PLANES_ALONE;
	const int32_t last = utvm_max(pass->along - together, 0);

	for (int32_t across = pass->across; across > 0; across--) {
		int32_t along = 0;

		for (;;) {
			const int ends = p->down ? along == last : across == 1;
			struct utvm_planes_sums sums;

			if (twos) {
				utvm_planes_twos(pass->taps, pass->end, plane + along,
						 constants[0], &sums);
			} else {
				utvm_planes_alone(pass->taps, pass->end, plane + along,
						  constants[0], &sums);
			}
			utvm_planes_results(p, narrow, &sums, twos ? 2 * together : together,
					    ends ? &pass->last : &pass->usual, scale,
					    output + along * pass->along_step);
			if (along == last) {
				break;
			}
			along = utvm_min(along + together, last);
		}
		plane += pass->across_words;
		output += pass->across_step;
	}
}

UTVM_SHARED void utvm_planes_channel(const struct utvm_depthwise_planes *p,
				     const struct utvm_planes_pass *pass, const int32_t *plane,
				     const int32_t *constants, int8_t *output)
{
	const int narrow = p->low > -128 || p->high < 127;

	if (p->twos) {
		utvm_planes_windows(p, 1, narrow, pass, plane, constants, output);
	} else {
		utvm_planes_windows(p, 0, narrow, pass, plane, constants, output);
	}
}

/* The weights of a channel, column by column; where they end. */
UTVM_INLINE const int8_t *utvm_planes_weights(const struct utvm_depthwise_planes *p,
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
UTVM_INLINE void utvm_planes_band(const struct utvm_depthwise_planes *p,
				  const struct utvm_planes_pass *pass, const int8_t *image,
				  int32_t y, int32_t rows, const int8_t *weights,
				  const int32_t *constants, struct utvm_planes_tap *taps,
				  int32_t *planes, int8_t *output)
{
	for (int32_t channel = 0; channel < p->channels; channel += 4) {
		/* The last four may be some of those before, too, but these are done. */
		const int32_t from = utvm_max(utvm_min(channel, p->channels - 4), 0);
		const int32_t *plane = planes + (channel - from) * p->plane;
		const int32_t *const end = planes + utvm_min(p->channels, 4) * p->plane;

		utvm_planes_copy(p, image + from, y, rows, planes);
		for (; plane != end; plane += p->plane) {
			for (int32_t copy = 0; copy < p->copies; copy++) {
				weights = utvm_planes_weights(p, weights, taps);
				utvm_planes_channel(p, pass, plane, constants, output++);
				constants += UTVM_CHANNEL_WORDS;
			}
		}
	}
}

UTVM_SHARED void utvm_depthwise_planes(const struct utvm_depthwise_planes *p, const int8_t *input,
				       const int8_t *weights, const int32_t *constants,
				       void *scratch, int8_t *output)
{
	struct utvm_planes_tap *const taps = scratch;
	struct utvm_planes_tap *const end = utvm_planes_find(p, taps);
	int32_t *const planes = (int32_t *)end;
	const int32_t zero = utvm_low_halves(p->in_zero, p->in_zero);

	/* The borders stay. */
	for (int32_t i = 0; i < utvm_min(p->channels, 4) * p->plane; i++) {
		planes[i] = zero;
	}
	for (int32_t batch = 0; batch < p->batches; batch++) {
		for (int32_t row = 0; row < p->row.size; row += p->band) {
			const int32_t rows = utvm_min(p->band, p->row.size - row);
			const struct utvm_planes_pass pass = utvm_planes_pass(p, taps, end, rows);

			utvm_planes_band(p, &pass, input, row * p->row.stride - p->row.before, rows,
					 weights, constants, taps, planes,
					 output + row * p->row.step);
		}
		input += p->row.in_size * p->column.in_size * p->channels;
		output += p->row.size * p->column.size * p->channels * p->copies;
	}
}
