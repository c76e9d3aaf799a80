/* Averages, NHWC, eight channels at a time. Taps outside of the image take no part. */
struct utvm_mve_average_pool2d {
	int32_t batches;
	int32_t in_height;
	int32_t in_width;
	int32_t channels;
	int32_t height;
	int32_t width;
	int32_t window_height;
	int32_t window_width;
	int32_t stride_y;
	int32_t stride_x;
	int32_t pad_top;
	int32_t pad_left;
	int32_t low;
	int32_t high;
};

/* The quotient rounded to nearest, halves away from zero. */
UTVM_INLINE int32_t utvm_mve_mean(int32_t sum, int32_t count)
{
	return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

/* Sums over a part of the image, height rows by width pixels, of up to eight channels. */
UTVM_INLINE void utvm_mve_pool_sums(const struct utvm_mve_average_pool2d *p, const int8_t *input,
				    int32_t height, int32_t width, int32_t channels, int32_t *sums)
{
#if defined(__ARM_FEATURE_MVE)
	const mve_pred16_t lanes = vctp16q((uint32_t)channels);
	int32x4_t even = vdupq_n_s32(0);
	int32x4_t odd = vdupq_n_s32(0);

	for (int32_t y = 0; y < height; y++) {
		const int8_t *pixel = input + y * p->in_width * p->channels;

		for (int32_t x = width; x > 0; x--) {
			const int16x8_t values = vldrbq_z_s16(pixel, lanes);

			even = vaddq_s32(even, vmovlbq_s16(values));
			odd = vaddq_s32(odd, vmovltq_s16(values));
			pixel += p->channels;
		}
	}
	vst2q_s32(sums, ((int32x4x2_t){{even, odd}}));
#else
	memset(sums, 0, 8 * sizeof(sums[0]));
	for (int32_t y = 0; y < height; y++) {
		for (int32_t x = 0; x < width; x++) {
			const int8_t *const pixel = input + (y * p->in_width + x) * p->channels;

			for (int32_t i = 0; i < channels; i++) {
				sums[i] += pixel[i];
			}
		}
	}
#endif
}

UTVM_SHARED void utvm_mve_average_pool2d(const struct utvm_mve_average_pool2d *p,
					 const int8_t *input, int8_t *output)
{
	const int32_t image = p->in_height * p->in_width * p->channels;

	for (int32_t pixel = 0; pixel < p->batches * p->height * p->width; pixel++) {
		const int32_t line = pixel / p->width;
		const int32_t y = line % p->height * p->stride_y - p->pad_top;
		const int32_t x = pixel % p->width * p->stride_x - p->pad_left;
		const struct utvm_taps rows = utvm_taps(y, p->in_height, p->window_height, 1);
		const struct utvm_taps columns = utvm_taps(x, p->in_width, p->window_width, 1);
		const int32_t height = rows.end - rows.begin;
		const int32_t width = columns.end - columns.begin;
		const int32_t first = (y + rows.begin) * p->in_width + x + columns.begin;
		const int8_t *const corner = input + line / p->height * image + first * p->channels;

		for (int32_t channel = 0; channel < p->channels; channel += 8) {
			const int32_t channels = utvm_min(8, p->channels - channel);
			int32_t sums[8];

			utvm_mve_pool_sums(p, corner + channel, height, width, channels, sums);
			for (int32_t i = 0; i < channels; i++) {
				*output++ = utvm_clamp(utvm_mve_mean(sums[i], height * width),
						       p->low, p->high);
			}
		}
	}
}
