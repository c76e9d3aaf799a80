/* How a window moves over an image, NHWC; taps outside of the image read the zero point. */
struct utvm_window {
	int32_t in_height;
	int32_t in_width;
	int32_t in_channels;
	int32_t height;
	int32_t width;
	int32_t window_height;
	int32_t window_width;
	int32_t stride_y;
	int32_t stride_x;
	int32_t dilation_y;
	int32_t dilation_x;
	int32_t pad_top;
	int32_t pad_left;
	int32_t in_zero;
};

/* memcpy for few bytes: no call, and words at any address. */
UTVM_INLINE int8_t *utvm_copy(int8_t *to, const int8_t *from, int32_t count)
{
	for (; count >= 4; count -= 4, to += 4, from += 4) {
		memcpy(to, from, 4);
	}
	for (; count > 0; count--) {
		*to++ = *from++;
	}
	return to;
}

UTVM_INLINE int8_t *utvm_fill(int8_t *to, int32_t value, int32_t count)
{
	for (; count > 0; count--) {
		*to++ = (int8_t)value;
	}
	return to;
}

/* What the window sees with its first tap at row y and column x, tap by tap; its end. */
UTVM_SHARED int8_t *utvm_patch(const struct utvm_window *p, const int8_t *image, int32_t y,
			       int32_t x, int8_t *patch)
{
	const int32_t depth = p->in_channels;
	const struct utvm_taps rows =
		utvm_taps(y, p->in_height, p->window_height, p->dilation_y);
	const struct utvm_taps columns =
		utvm_taps(x, p->in_width, p->window_width, p->dilation_x);
	const int32_t before = columns.begin * depth;
	const int32_t inside = (columns.end - columns.begin) * depth;
	const int32_t row_size = p->window_width * depth;
	const int8_t *row = image + ((y + rows.begin * p->dilation_y) * p->in_width +
				     (x + columns.begin * p->dilation_x)) *
					    depth;

	patch = utvm_fill(patch, p->in_zero, rows.begin * row_size);
	for (int32_t tap = rows.begin; tap < rows.end; tap++) {
		patch = utvm_fill(patch, p->in_zero, before);
		if (p->dilation_x == 1) {
			patch = utvm_copy(patch, row, inside);
		} else {
			for (int32_t i = 0; i < columns.end - columns.begin; i++) {
				patch = utvm_copy(patch, row + i * p->dilation_x * depth, depth);
			}
		}
		patch = utvm_fill(patch, p->in_zero, row_size - before - inside);
		row += p->dilation_y * p->in_width * depth;
	}
	return utvm_fill(patch, p->in_zero, (p->window_height - rows.end) * row_size);
}
