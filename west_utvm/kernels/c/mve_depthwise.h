/*
 * Depthwise convolution with as many output as input channels, 16 of them at a time. Rows of the
 * input are copied to a ring of rows as wide as all windows together, with the zero point for what
 * is outside of the image: there are no borders, and the output may overwrite the input.
 *
 * Weights are [channels / 16][taps][16], biases and scales in the order of utvm_mve_lane().
 */
/* More rows than that are beyond what a window has here. */
#define UTVM_MVE_WINDOW_ROWS 16

struct utvm_mve_depthwise {
	int32_t batches;
	struct utvm_window window;
	int32_t ring_rows;
	int32_t ring_width;
	struct utvm_mve_range range;
};

/* A slot of the ring is in pixels, and some bytes that are read but do not count. */
UTVM_INLINE int32_t utvm_mve_ring_pitch(const struct utvm_mve_depthwise *p)
{
	return p->ring_width * p->window.in_channels + 16;
}

/* Row y of the image, which may be outside of it, to a slot of the ring. */
UTVM_INLINE void utvm_mve_ring_load(const struct utvm_mve_depthwise *p, const int8_t *image,
				    int32_t y, int8_t *slot)
{
	const int32_t depth = p->window.in_channels;
	const int32_t width = utvm_min(p->window.in_width, p->ring_width - p->window.pad_left);
	const int32_t after = p->ring_width - p->window.pad_left - width;

	if (y < 0 || y >= p->window.in_height) {
		utvm_mve_fill(slot, p->window.in_zero, p->ring_width * depth);
		return;
	}
	utvm_mve_fill(slot, p->window.in_zero, p->window.pad_left * depth);
	slot += p->window.pad_left * depth;
	utvm_mve_copy(slot, image + y * p->window.in_width * depth, width * depth);
	utvm_mve_fill(slot + width * depth, p->window.in_zero, after * depth);
}

#if defined(UTVM_MVE_VECTORS)

/* 16 channels: even bytes before odd ones, and of either the even halves before the odd. */
struct utvm_mve_16 {
	int32x4_t a;
	int32x4_t b;
	int32x4_t c;
	int32x4_t d;
};

/*
 * Products have 16 bits, whose even and odd halves are widened one after another. All of the
 * vector registers are in use: loads that a compiler moved here from elsewhere would not fit.
 */
UTVM_INLINE const int8_t *utvm_mve_tap(struct utvm_mve_16 *sums, const int8_t *input,
				       const int8_t *weights)
{
	int32x4_t x, w, even, odd;

	__asm__ volatile("vldrb.8 %q[x], [%[input]]\n\t"
			 "vldrb.8 %q[w], [%[weights]], #16\n\t"
			 "vmullb.s8 %q[even], %q[x], %q[w]\n\t"
			 "vmullt.s8 %q[odd], %q[x], %q[w]\n\t"
			 "vmovlb.s16 %q[x], %q[even]\n\t"
			 "vadd.i32 %q[a], %q[a], %q[x]\n\t"
			 "vmovlt.s16 %q[even], %q[even]\n\t"
			 "vadd.i32 %q[b], %q[b], %q[even]\n\t"
			 "vmovlb.s16 %q[w], %q[odd]\n\t"
			 "vadd.i32 %q[c], %q[c], %q[w]\n\t"
			 "vmovlt.s16 %q[odd], %q[odd]\n\t"
			 "vadd.i32 %q[d], %q[d], %q[odd]"
			 : [a] "+w"(sums->a), [b] "+w"(sums->b), [c] "+w"(sums->c),
			   [d] "+w"(sums->d), [x] "=&w"(x), [w] "=&w"(w), [even] "=&w"(even),
			   [odd] "=&w"(odd), [weights] "+r"(weights)
			 : [input] "r"(input));
	return weights;
}

UTVM_INLINE int32x4_t utvm_mve_scaled(int32x4_t sums, const int32_t *scales, int part, int positive)
{
	const int32x4_t multiplier = vldrwq_s32(scales + 4 * part);
	const int32x4_t shift = vldrbq_s32((const int8_t *)(scales + 16 + part));

	return positive ? utvm_mve_requantize_positive(sums, multiplier, shift)
			: utvm_mve_requantize(sums, multiplier, shift);
}

UTVM_INLINE int8x16_t utvm_mve_16_result(struct utvm_mve_16 sums, const int32_t *scales,
					 int positive, int32_t out_zero)
{
	int16x8_t even, odd;
	int8x16_t result;

	sums.a = utvm_mve_scaled(sums.a, scales, 0, positive);
	sums.b = utvm_mve_scaled(sums.b, scales, 1, positive);
	even = vqmovntq_s32(vqmovnbq_s32(vreinterpretq_s16_s32(sums.a), sums.a), sums.b);
	even = vqaddq_n_s16(even, (int16_t)out_zero);
	sums.c = utvm_mve_scaled(sums.c, scales, 2, positive);
	sums.d = utvm_mve_scaled(sums.d, scales, 3, positive);
	odd = vqmovntq_s32(vqmovnbq_s32(vreinterpretq_s16_s32(sums.c), sums.c), sums.d);
	odd = vqaddq_n_s16(odd, (int16_t)out_zero);
	result = vqmovnbq_s16(vreinterpretq_s8_s16(even), even);
	return vqmovntq_s16(result, odd);
}

/* One pixel: the rows of its window are in slots of the ring. */
UTVM_INLINE void utvm_mve_depthwise_pixel(const struct utvm_mve_depthwise *p, int kind,
					  const int8_t *const *rows, int32_t offset,
					  const int8_t *weights, const int32_t *bias,
					  const int32_t *scales, int8_t *output)
{
	const int32_t step = p->window.dilation_x * p->window.in_channels;
	const int32_t out_zero = p->range.out_zero;
	const int8_t low = (int8_t)p->range.low;
	const int8_t high = (int8_t)p->range.high;

	for (int32_t left = p->window.in_channels; left > 0; left -= 16) {
		struct utvm_mve_16 sums = {
			vldrwq_s32(bias),
			vldrwq_s32(bias + 4),
			vldrwq_s32(bias + 8),
			vldrwq_s32(bias + 12),
		};
		int8x16_t result;

		for (int32_t y = 0; y < p->window.window_height; y++) {
			const int8_t *tap = rows[y] + offset;

			for (int32_t x = p->window.window_width; x > 0; x--) {
				weights = utvm_mve_tap(&sums, tap, weights);
				tap += step;
			}
		}
		offset += 16;
		__asm__ volatile("" : "+r"(scales), "+w"(sums.a), "+w"(sums.b));
		result = utvm_mve_16_result(sums, scales, kind == UTVM_MVE_POSITIVE, out_zero);
		result = vmaxq_s8(result, vdupq_n_s8(low));
		result = vminq_s8(result, vdupq_n_s8(high));
		if (left >= 16) {
			vstrbq_s8(output, result);
		} else {
			vstrbq_p_s8(output, result, vctp8q((uint32_t)left));
		}
		bias += 16;
		scales += 20;
		output += 16;
	}
}

#else

/* The channel of a place in biases and scales. */
UTVM_INLINE int32_t utvm_mve_lane(int32_t place)
{
	return place / 16 * 16 + place % 4 * 4 + place / 4 % 2 * 2 + place / 8 % 2;
}

UTVM_INLINE void utvm_mve_depthwise_pixel(const struct utvm_mve_depthwise *p, int kind,
					  const int8_t *const *rows, int32_t offset,
					  const int8_t *weights, const int32_t *bias,
					  const int32_t *scales, int8_t *output)
{
	const int32_t blocks = (p->window.in_channels + 15) / 16;
	const int32_t taps = p->window.window_height * p->window.window_width;

	(void)kind;
	for (int32_t place = 0; place < blocks * 16; place++) {
		const int32_t channel = utvm_mve_lane(place);
		const int8_t *own = weights + place / 16 * taps * 16 + channel % 16;
		const int32_t *const scale = scales + place / 16 * 20;
		const int32_t shift = utvm_mve_shift(scale[16 + place / 4 % 4], place % 4);
		int32_t sum = bias[place];

		if (channel >= p->window.in_channels) {
			continue;
		}
		for (int32_t y = 0; y < p->window.window_height; y++) {
			const int8_t *tap = rows[y] + offset + channel;

			for (int32_t x = 0; x < p->window.window_width; x++) {
				sum += *tap * *own;
				tap += p->window.dilation_x * p->window.in_channels;
				own += 16;
			}
		}
		sum = utvm_mve_requantize_one(sum, scale[place % 16], shift);
		output[channel] = utvm_clamp(sum + p->range.out_zero, p->range.low, p->range.high);
	}
}

#endif

typedef void utvm_mve_depthwise_pixel_t(const struct utvm_mve_depthwise *p, int kind,
					const int8_t *const *rows, int32_t offset,
					const int8_t *weights, const int32_t *bias,
					const int32_t *scales, int8_t *output);

UTVM_INLINE void utvm_mve_depthwise_image(const struct utvm_mve_depthwise *p, int kind,
					  utvm_mve_depthwise_pixel_t *pixel, const int8_t *image,
					  const int8_t *weights, const int32_t *bias,
					  const int32_t *scales, int8_t *ring, int8_t *output)
{
	const int32_t pitch = utvm_mve_ring_pitch(p);
	const int32_t step = p->window.stride_x * p->window.in_channels;
	const int8_t *rows[UTVM_MVE_WINDOW_ROWS];
	int32_t loaded = 0;

	for (int32_t line = 0; line < p->window.height; line++) {
		const int32_t first = line * p->window.stride_y;
		const int32_t last = first + (p->window.window_height - 1) * p->window.dilation_y;

		for (loaded = utvm_max(loaded, first); loaded <= last; loaded++) {
			utvm_mve_ring_load(p, image, loaded - p->window.pad_top,
					   ring + loaded % p->ring_rows * pitch);
		}
		for (int32_t y = 0; y < p->window.window_height; y++) {
			rows[y] = ring + (first + y * p->window.dilation_y) % p->ring_rows * pitch;
		}
		for (int32_t column = 0; column < p->window.width; column++) {
			pixel(p, kind, rows, column * step, weights, bias, scales, output);
			output += p->window.in_channels;
		}
	}
}

UTVM_INLINE void utvm_mve_depthwise(const struct utvm_mve_depthwise *p, int kind,
				    utvm_mve_depthwise_pixel_t *pixel, const int8_t *input,
				    const int8_t *weights, const int32_t *bias,
				    const int32_t *scales, int8_t *ring, int8_t *output)
{
	for (int32_t batch = 0; batch < p->batches; batch++) {
		utvm_mve_depthwise_image(p, kind, pixel, input, weights, bias, scales, ring,
					 output);
		input += p->window.in_height * p->window.in_width * p->window.in_channels;
		output += p->window.height * p->window.width * p->window.in_channels;
	}
}

#define UTVM_MVE_DEPTHWISE(name, pixel, kind)                                                      \
	UTVM_SHARED void utvm_mve_depthwise_##name(                                                \
		const struct utvm_mve_depthwise *p, const int8_t *input, const int8_t *weights,    \
		const int32_t *bias, const int32_t *scales, void *scratch, int8_t *output)         \
	{                                                                                          \
		utvm_mve_depthwise(p, kind, pixel, input, weights, bias, scales, scratch, output); \
	}
UTVM_MVE_DEPTHWISE(any, utvm_mve_depthwise_pixel, UTVM_MVE_ANY)
UTVM_MVE_DEPTHWISE(positive, utvm_mve_depthwise_pixel, UTVM_MVE_POSITIVE)
