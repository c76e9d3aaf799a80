/* Convolution by packed weights, three pixels at a time. */
struct utvm_conv2d_packed {
	struct utvm_packed packed;
	struct utvm_window window;
	int32_t batches;
	/* Where windows are wholly within the image, from 0 on; with dilation along x: nowhere. */
	int32_t last_y;
	int32_t last_x;
};

/*
 * What the window sees at row y and column x, as words of pairs to every third. patch has room for
 * it as bytes and three more.
 */
UTVM_SHARED void utvm_conv2d_window(const struct utvm_conv2d_packed *p, const int8_t *image,
				    const int8_t *end, int32_t y, int32_t x, int8_t *patch,
				    int32_t *to)
{
	const struct utvm_window *const w = &p->window;
	const int32_t depth = w->in_channels;
	const int32_t row_size = w->window_width * depth;
	const int32_t pitch = w->dilation_y * w->in_width * depth;
	const int8_t *row = image + (y * w->in_width + x) * depth;
	int8_t *bytes = patch;

	if (x < 0 || x > p->last_x || y < 0 || y > p->last_y) {
		bytes = utvm_patch(w, image, end, y, x, patch);
	} else if (row_size % 4 == 0) {
		for (int32_t i = 0; i < w->window_height; i++, row += pitch) {
			to = utvm_expand(row, row_size, to, 3);
		}
		return;
	} else {
		for (int32_t i = 0; i < w->window_height; i++, row += pitch) {
			bytes = utvm_patch_row(w, row, end, w->window_width, bytes);
		}
	}
	utvm_expand(patch, (int32_t)(bytes - patch), to, 3);
}

UTVM_INLINE void utvm_conv2d_packed(const struct utvm_conv2d_packed *p, utvm_packed_kind block,
				    const int8_t *input, const int32_t *packed, void *scratch,
				    int8_t *output)
{
	const struct utvm_window *const w = &p->window;
	int32_t *const inputs = scratch;
	int8_t *const patch = (int8_t *)(inputs + 3 * p->packed.words);
	const int8_t *const end =
		input + p->batches * w->in_height * w->in_width * w->in_channels;
	int32_t pixels = 0;

	for (int32_t line = 0; line < p->batches * w->height; line++) {
		const int32_t y = line % w->height * w->stride_y - w->pad_top;
		const int8_t *const image =
			input + line / w->height * w->in_height * w->in_width * w->in_channels;

		for (int32_t column = 0; column < w->width; column++) {
			const int32_t x = column * w->stride_x - w->pad_left;

			utvm_conv2d_window(p, image, end, y, x, patch, inputs + pixels);
			if (++pixels == 3) {
				block(&p->packed, inputs, 3, packed, output);
				output += 3 * p->packed.channels;
				pixels = 0;
			}
		}
	}
	if (pixels > 0) {
		block(&p->packed, inputs, pixels, packed, output);
	}
}
