/* Bytes that a copy may write behind its end. */
#define UTVM_PATCH_SLACK 3

/* memcpy by words, at any address, for no more than needs be; reads and writes up to three more. */
UTVM_INLINE int8_t *utvm_copy(int8_t *to, const int8_t *from, int32_t count)
{
	for (int32_t i = 0; i < count; i += 4) {
		memcpy(to + i, from + i, 4);
	}
	return to + count;
}

/* The same where nothing may be read that is too much. */
UTVM_INLINE int8_t *utvm_copy_bytes(int8_t *to, const int8_t *from, int32_t count)
{
	for (int32_t i = 0; i < count; i++) {
		to[i] = from[i];
	}
	return to + count;
}

/* Four values at a time, the same in each byte; writes up to three more. */
UTVM_INLINE int8_t *utvm_fill(int8_t *to, uint32_t values, int32_t count)
{
	for (int32_t i = 0; i < count; i += 4) {
		memcpy(to + i, &values, 4);
	}
	return to + count;
}

/* Taps of one row of the window, the first of them at row; end is that of the input. */
UTVM_INLINE int8_t *utvm_patch_row(const struct utvm_window *p, const int8_t *row,
				   const int8_t *end, int32_t taps, int8_t *patch)
{
	const int32_t depth = p->in_channels;

	if (p->dilation_x == 1) {
		const int32_t size = taps * depth;

		return end - row < size + UTVM_PATCH_SLACK ? utvm_copy_bytes(patch, row, size)
							   : utvm_copy(patch, row, size);
	}
	for (int32_t i = 0; i < taps; i++, row += p->dilation_x * depth) {
		patch = utvm_copy_bytes(patch, row, depth);
	}
	return patch;
}

/*
 * What the window sees with its first tap at row y and column x, tap by tap; its end. Some bytes
 * behind that are written, too. end is that of the input.
 */
UTVM_SHARED int8_t *utvm_patch(const struct utvm_window *p, const int8_t *image, const int8_t *end,
			       int32_t y, int32_t x, int8_t *patch)
{
	const int32_t depth = p->in_channels;
	const struct utvm_taps rows =
		utvm_taps(y, p->in_height, p->window_height, p->dilation_y);
	const struct utvm_taps columns =
		utvm_taps(x, p->in_width, p->window_width, p->dilation_x);
	const int32_t before = columns.begin * depth;
	const int32_t after = (p->window_width - columns.end) * depth;
	const int32_t row_size = p->window_width * depth;
	const uint32_t zeros = 0x01010101U * (uint8_t)p->in_zero;
	const int8_t *row = image + ((y + rows.begin * p->dilation_y) * p->in_width +
				     (x + columns.begin * p->dilation_x)) *
					    depth;

	patch = utvm_fill(patch, zeros, rows.begin * row_size);
	for (int32_t tap = rows.begin; tap < rows.end; tap++) {
		patch = utvm_fill(patch, zeros, before);
		patch = utvm_patch_row(p, row, end, columns.end - columns.begin, patch);
		patch = utvm_fill(patch, zeros, after);
		row += p->dilation_y * p->in_width * depth;
	}
	return utvm_fill(patch, zeros, (p->window_height - rows.end) * row_size);
}
