/* Convolution by packed weights, three pixels at a time. */
struct utvm_conv2d_packed {
	struct utvm_packed packed;
	struct utvm_window window;
	int32_t batches;
	/* What is gathered of a window: its rows, or all of its bytes as one. */
	int32_t rows;
	int32_t row;  /* bytes, rounded up to a multiple of four */
	int32_t skip; /* from the end of these to the next row of a patch: 0 or less */
	/* At how many rows and columns, from 0 on, a window is read from the image as it is. */
	int32_t inside_y;
	int32_t inside_x;
};

/* Where the window of the next pixel is. */
struct utvm_conv2d_at {
	int32_t y, x;
	int32_t left; /* pixels of this row */
};

/*
 * What the next windows see, three or fewer; end is that of the input. patch has room for what one
 * of them sees and three more bytes.
 */
UTVM_INLINE void utvm_conv2d_gather(const struct utvm_conv2d_packed *p, const int8_t *image,
				    const int8_t *end, struct utvm_conv2d_at *at, int32_t pixels,
				    int8_t *patch, int32_t *to)
{
	const struct utvm_window *const w = &p->window;
	const int32_t pitch = w->dilation_y * w->in_width * w->in_channels;
	const int32_t span = (p->rows - 1) * pitch + p->row;
	struct utvm_gathered three = {{NULL}, p->rows, p->row, pitch - p->row};

	for (int32_t i = 0; i < pixels; i++) {
		const int8_t *const from =
			image + (at->y * w->in_width + at->x) * w->in_channels;

		if ((uint32_t)at->y < (uint32_t)p->inside_y &&
		    (uint32_t)at->x < (uint32_t)p->inside_x && end - from >= span) {
			three.pixel[i] = from;
		} else {
			utvm_patch(w, image, end, at->y, at->x, patch);
			utvm_gather_one(patch, p->rows, p->row, p->skip, to + i);
		}
		at->x += w->stride_x;
		if (--at->left == 0) {
			*at = (struct utvm_conv2d_at){at->y + w->stride_y, -w->pad_left, w->width};
		}
	}
	if (three.pixel[0] != NULL && three.pixel[1] != NULL && three.pixel[2] != NULL) {
		utvm_gather_three(&three, to);
		return;
	}
	for (int32_t i = 0; i < 3; i++) {
		if (three.pixel[i] != NULL) {
			utvm_gather_one(three.pixel[i], p->rows, p->row, three.skip, to + i);
		}
	}
}

UTVM_SHARED void utvm_conv2d_packed(const struct utvm_conv2d_packed *p, utvm_packed_kind block,
				    const int8_t *input, const int32_t *packed, void *scratch,
				    int8_t *output)
{
	const struct utvm_window *const w = &p->window;
	const int32_t image = w->in_height * w->in_width * w->in_channels;
	int8_t *const patch = (int8_t *)((int32_t *)scratch + 3 * p->packed.words);
	const int8_t *const end = input + p->batches * image;

	for (; input != end; input += image) {
		struct utvm_conv2d_at at = {-w->pad_top, -w->pad_left, w->width};

		for (int32_t left = w->height * w->width; left > 0; left -= 3) {
			const int32_t pixels = utvm_min(left, 3);

			utvm_conv2d_gather(p, input, end, &at, pixels, patch, scratch);
			block(&p->packed, scratch, pixels, packed, output);
			output += pixels * p->packed.channels;
		}
	}
}
