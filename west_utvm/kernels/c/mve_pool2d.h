/* pool2d.h in vectors: the same parameters, several channels at a time. */

/* The window of one output pixel, as far as it lies in the image. */
struct utvm_mve_cells {
	const int8_t *corner;
	int32_t height;
	int32_t width;
};

/* Of a line's windows, the whole of a row: the first row that any of them has in the image. */
UTVM_INLINE struct utvm_mve_cells utvm_mve_pool_rows(const struct utvm_pool2d *p,
						     const int8_t *input, int32_t line)
{
	const int32_t y = line % p->height * p->stride_y - p->pad_top;
	const struct utvm_taps rows = utvm_taps(y, p->in_height, p->window_height, 1);
	const int32_t first = line / p->height * p->in_height + y + rows.begin;
	const struct utvm_mve_cells whole = {
		input + first * p->in_width * p->channels,
		rows.end - rows.begin,
		p->in_width,
	};

	return whole;
}

UTVM_INLINE struct utvm_mve_cells utvm_mve_pool_window(const struct utvm_pool2d *p,
						       const struct utvm_mve_cells *rows,
						       int32_t column)
{
	const int32_t x = column * p->stride_x - p->pad_left;
	const struct utvm_taps columns = utvm_taps(x, p->in_width, p->window_width, 1);
	const struct utvm_mve_cells window = {
		rows->corner + (x + columns.begin) * p->channels,
		rows->height,
		columns.end - columns.begin,
	};

	return window;
}

#if defined(__ARM_FEATURE_MVE)

/* Sums of so many elements have 16 bits, their divisor has 8. */
#define UTVM_MVE_POOL_COUNT 255

/* x / count as 2 x * multiplier / 2^(16 + shift), for any x of 15 bits. */
struct utvm_mve_pool_divisor {
	int32_t count;
	uint16_t multiplier;
	int32_t shift;
};

UTVM_INLINE struct utvm_mve_pool_divisor utvm_mve_pool_divisor(int32_t count)
{
	/* The least power of two that is no less than the count: Granlund and Montgomery 1994. */
	const int32_t bits = count > 1 ? 32 - __builtin_clz((uint32_t)count - 1U) : 0;
	const int32_t power = 1 << (15 + bits);
	const struct utvm_mve_pool_divisor divisor = {
		count,
		(uint16_t)((power + count - 1) / count),
		bits,
	};

	return divisor;
}

/* Means of up to eight channels, whose first tap is at row. */
UTVM_INLINE void utvm_mve_average_8(const struct utvm_pool2d *p,
				    const struct utvm_mve_cells *window,
				    const struct utvm_mve_pool_divisor *by, const int8_t *row,
				    int32_t channels, int8_t *output)
{
	const mve_pred16_t lanes = vctp16q((uint32_t)channels);
	const uint16x8_t multiplier = vdupq_n_u16(by->multiplier);
	int16x8_t mean = vdupq_n_s16(0);
	uint16x8_t magnitude;
	mve_pred16_t negative;

	for (int32_t y = window->height; y > 0; y--) {
		const int8_t *tap = row;

		for (int32_t x = window->width; x > 0; x--) {
			mean = vaddq_s16(mean, vldrbq_z_s16(tap, lanes));
			tap += p->channels;
		}
		row += p->in_width * p->channels;
	}
	/* To the nearest, halves away from zero. */
	negative = vcmpltq_n_s16(mean, 0);
	magnitude = vreinterpretq_u16_s16(vaddq_n_s16(vabsq_s16(mean), (int16_t)(by->count / 2)));
	magnitude = vmulhq_u16(vaddq_u16(magnitude, magnitude), multiplier);
	magnitude = vshlq_r_u16(magnitude, -by->shift);
	mean = vreinterpretq_s16_u16(magnitude);
	mean = vnegq_m_s16(mean, mean, negative);
	mean = vmaxq_s16(mean, vdupq_n_s16((int16_t)p->low));
	mean = vminq_s16(mean, vdupq_n_s16((int16_t)p->high));
	vstrbq_p_s16(output, mean, lanes);
}

#else
#define UTVM_MVE_POOL_COUNT 0
#endif

/* Of any number of taps. */
UTVM_INLINE void utvm_mve_average_large(const struct utvm_pool2d *p,
					const struct utvm_mve_cells *window, int8_t *output)
{
	const int32_t count = window->height * window->width;
	/* Rows that are whole are one. */
	const int32_t rows = window->width == p->in_width ? 1 : window->height;
	const int32_t pitch = p->in_width * p->channels;

	for (int32_t channel = 0; channel < p->channels; channel += 8) {
		const int32_t channels = utvm_min(8, p->channels - channel);
		const int8_t *row = window->corner + channel;
		int32_t sums[8] = {0};

		for (int32_t y = 0; y < rows; y++) {
			utvm_mve_sums_8(row, count / rows, p->channels, channels, sums);
			row += pitch;
		}
		for (int32_t i = 0; i < channels; i++) {
			*output++ = utvm_clamp(utvm_mean(sums[i], count), p->low, p->high);
		}
	}
}

UTVM_INLINE void utvm_mve_average_window(const struct utvm_pool2d *p,
					 const struct utvm_mve_cells *window, int8_t *output)
{
#if UTVM_MVE_POOL_COUNT
	const int32_t count = window->height * window->width;

	if (count <= UTVM_MVE_POOL_COUNT) {
		const struct utvm_mve_pool_divisor by = utvm_mve_pool_divisor(count);

		for (int32_t channel = 0; channel < p->channels; channel += 8) {
			utvm_mve_average_8(p, window, &by, window->corner + channel,
					   p->channels - channel, output + channel);
		}
		return;
	}
#endif
	utvm_mve_average_large(p, window, output);
}

/* Of up to 16 channels. */
UTVM_INLINE void utvm_mve_max_16(const struct utvm_pool2d *p, const struct utvm_mve_cells *window,
				 int32_t channel, int8_t *output)
{
	const int32_t channels = utvm_min(16, p->channels - channel);
#if defined(__ARM_FEATURE_MVE)
	const mve_pred16_t lanes = vctp8q((uint32_t)channels);
	const int8_t *row = window->corner + channel;
	int8x16_t largest = vdupq_n_s8((int8_t)p->low);

	for (int32_t y = window->height; y > 0; y--) {
		const int8_t *tap = row;

		for (int32_t x = window->width; x > 0; x--) {
			largest = vmaxq_s8(largest, vldrbq_z_s8(tap, lanes));
			tap += p->channels;
		}
		row += p->in_width * p->channels;
	}
	vstrbq_p_s8(output, vminq_s8(largest, vdupq_n_s8((int8_t)p->high)), lanes);
#else
	for (int32_t i = 0; i < channels; i++) {
		int32_t largest = p->low;

		for (int32_t tap = 0; tap < window->height * window->width; tap++) {
			const int32_t offset =
				tap / window->width * p->in_width + tap % window->width;

			largest = utvm_max(largest,
					   window->corner[offset * p->channels + channel + i]);
		}
		output[i] = (int8_t)utvm_min(largest, p->high);
	}
#endif
}

UTVM_INLINE void utvm_mve_max_window(const struct utvm_pool2d *p,
				     const struct utvm_mve_cells *window, int8_t *output)
{
	for (int32_t channel = 0; channel < p->channels; channel += 16) {
		utvm_mve_max_16(p, window, channel, output + channel);
	}
}

#define UTVM_MVE_POOL2D(name)                                                                      \
	UTVM_SHARED void utvm_mve_##name##_pool2d(const struct utvm_pool2d *p,                     \
						  const int8_t *input, int8_t *output)             \
	{                                                                                          \
		for (int32_t line = 0; line < p->batches * p->height; line++) {                    \
			const struct utvm_mve_cells rows = utvm_mve_pool_rows(p, input, line);     \
			for (int32_t column = 0; column < p->width; column++) {                    \
				const struct utvm_mve_cells window =                               \
					utvm_mve_pool_window(p, &rows, column);                    \
				utvm_mve_##name##_window(p, &window, output);                      \
				output += p->channels;                                             \
			}                                                                          \
		}                                                                                  \
	}
UTVM_MVE_POOL2D(average)
UTVM_MVE_POOL2D(max)
