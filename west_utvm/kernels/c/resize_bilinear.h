/*
 * An image, NHWC, each pixel between four of another. Rows and columns are pairs: the row or column
 * of the input before it, and the weight of the next one.
 */
struct utvm_resize_bilinear {
	int32_t batches;
	int32_t in_height;
	int32_t in_width;
	int32_t channels;
	int32_t height;
	int32_t width;
};

/* From first to second, on a scale that has UTVM_BILINEAR_BITS more. */
UTVM_INLINE int32_t utvm_bilinear_between(int32_t first, int32_t second, int32_t weight)
{
	return first * (1 << UTVM_BILINEAR_BITS) + (second - first) * weight;
}

/* All channels of a pixel; top is the first of the four, the others are steps away. */
UTVM_INLINE void utvm_resize_bilinear_pixel(int32_t channels, const int8_t *top, int32_t down,
					    int32_t right, int32_t weight_y, int32_t weight_x,
					    int8_t *output)
{
	const int8_t *const bottom = top + down;

	for (int32_t c = 0; c < channels; c++) {
		const int32_t above = utvm_bilinear_between(top[c], top[right + c], weight_x);
		const int32_t below = utvm_bilinear_between(bottom[c], bottom[right + c], weight_x);
		const int32_t sum = utvm_bilinear_between(above, below, weight_y);

		output[c] = (int8_t)utvm_bilinear_rounded(sum);
	}
}

UTVM_INLINE void utvm_resize_bilinear(const struct utvm_resize_bilinear *p, const int8_t *input,
				      const int16_t *rows, const int16_t *columns, int8_t *output)
{
	const int32_t pitch = p->in_width * p->channels;

	for (int32_t line = 0; line < p->batches * p->height; line++) {
		const int16_t *const row = rows + line % p->height * 2;
		const int32_t down = row[1] ? pitch : 0;
		const int8_t *const start =
			input + (line / p->height * p->in_height + row[0]) * pitch;

		for (int32_t x = 0; x < p->width; x++) {
			const int16_t *const column = columns + x * 2;
			const int32_t right = column[1] ? p->channels : 0;
			const int8_t *const top = start + column[0] * p->channels;

			utvm_resize_bilinear_pixel(p->channels, top, down, right, row[1], column[1],
						   output);
			output += p->channels;
		}
	}
}
