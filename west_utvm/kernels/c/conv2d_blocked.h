/* Convolution of what the window sees, which is copied for two pixels at a time. */
struct utvm_conv2d_blocked {
	struct utvm_rows rows;
	struct utvm_window window;
	int32_t batches;
};

UTVM_SHARED void utvm_conv2d_blocked(const struct utvm_conv2d_blocked *p, const int8_t *input,
				  const int8_t *weights, const int32_t *constants, void *scratch,
				  int8_t *output)
{
	const struct utvm_window *const w = &p->window;
	const int32_t channels = p->rows.channels;
	int8_t *const first = scratch;
	int8_t *const second = first + p->rows.depth;
	const int8_t *const end =
		input + p->batches * w->in_height * w->in_width * w->in_channels;
	int32_t pixels = 0;

	for (int32_t line = 0; line < p->batches * w->height; line++) {
		const int32_t y = line % w->height * w->stride_y - w->pad_top;
		const int8_t *const image =
			input + line / w->height * w->in_height * w->in_width * w->in_channels;

		for (int32_t column = 0; column < w->width; column++) {
			utvm_patch(w, image, end, y, column * w->stride_x - w->pad_left,
				   pixels ? second : first);
			if (++pixels == 2) {
				utvm_two_rows(&p->rows, first, second, weights, constants, output,
					      channels);
				output += 2 * channels;
				pixels = 0;
			}
		}
	}
	if (pixels > 0) {
		utvm_two_rows(&p->rows, first, first, weights, constants, output, 0);
	}
}
