/* An image, NHWC, from the rows and columns of another. */
struct utvm_resize_nearest {
	int32_t batches;
	int32_t in_height;
	int32_t in_width;
	int32_t channels;
	int32_t height;
	int32_t width;
};

UTVM_INLINE void utvm_resize_nearest(const struct utvm_resize_nearest *p, const int8_t *input,
				     const int32_t *rows, const int32_t *columns, int8_t *output)
{
	for (int32_t line = 0; line < p->batches * p->height; line++) {
		const int32_t row = line / p->height * p->in_height + rows[line % p->height];

		for (int32_t x = 0; x < p->width; x++) {
			memcpy(output, input + (row * p->in_width + columns[x]) * p->channels,
			       (size_t)p->channels);
			output += p->channels;
		}
	}
}
