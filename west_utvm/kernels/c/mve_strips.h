/*
 * Strips of bytes, one a channel: that of row r and column x of an image and its borders is at
 * rows * x + r, rows being those of a window. So the window of an output pixel is a run of bytes,
 * column by column, and the one below begins one byte further: a row is copied once, over what no
 * window needs any more, and the output may overwrite the input.
 */
struct utvm_mve_strips_image {
	int32_t height;
	int32_t width;
	int32_t channels;
	int32_t pad_top;
	int32_t pad_left;
	int32_t zero;
	int32_t columns; /* of the image and its borders */
	int32_t pitch;   /* bytes of a strip */
};

/*
 * Bytes of count pixels, from step bytes apart, to 16 strips, or to as many as are left; those of
 * neighbours are rows bytes apart.
 */
UTVM_INLINE void utvm_mve_strips_put(const int8_t *from, int32_t step, int32_t count, int8_t *to,
				     int32_t rows, int32_t pitch, int32_t channels)
{
#if defined(UTVM_MVE_VECTORS)
	const uint16x8_t first = vmulq_n_u16(vidupq_n_u16(0, 1), (uint16_t)pitch);
	const uint16x8_t second = vaddq_n_u16(first, (uint16_t)(8 * pitch));

	if (channels >= 16) {
		__asm__ volatile("wls lr, %[count], 2f\n"
				 "1:\n\t"
				 "vldrb.u16 q0, [%[from]]\n\t"
				 "vldrb.u16 q1, [%[from], #8]\n\t"
				 "add %[from], %[step]\n\t"
				 "vstrb.16 q0, [%[to], %q[first]]\n\t"
				 "vstrb.16 q1, [%[to], %q[second]]\n\t"
				 "add %[to], %[rows]\n\t"
				 "le lr, 1b\n"
				 "2:"
				 : [from] "+l"(from), [to] "+r"(to)
				 : [step] "r"(step), [count] "r"(count), [rows] "Ir"(rows),
				   [first] "w"(first), [second] "w"(second)
				 : "q0", "q1", "lr", "memory");
		return;
	}
	__asm__ volatile("vctp.16 %[channels]\n\t"
			 "wls lr, %[count], 2f\n"
			 "1:\n\t"
			 "vpstt\n\t"
			 "vldrbt.u16 q0, [%[from]]\n\t"
			 "vstrbt.16 q0, [%[to], %q[first]]\n\t"
			 "add %[from], %[step]\n\t"
			 "add %[to], %[rows]\n\t"
			 "le lr, 1b\n"
			 "2:"
			 : [from] "+l"(from), [to] "+r"(to)
			 : [step] "r"(step), [count] "r"(count), [rows] "Ir"(rows),
			   [first] "w"(first), [channels] "r"(channels)
			 : "q0", "lr", "cc", "memory");
#else
	for (int32_t i = 0; i < count; i++) {
		for (int32_t channel = 0; channel < channels; channel++) {
			to[channel * pitch + rows * i] = from[i * step + channel];
		}
	}
#endif
}

/* The same of one channel, whose pixels are neighbours. */
UTVM_INLINE void utvm_mve_strips_put_one(const int8_t *from, int32_t count, int8_t *to,
					 int32_t rows)
{
#if defined(UTVM_MVE_VECTORS)
	const uint16x8_t places = vmulq_n_u16(vidupq_n_u16(0, 1), (uint16_t)rows);

	__asm__ volatile("wlstp.16 lr, %[count], 2f\n"
			 "1:\n\t"
			 "vldrb.u16 q0, [%[from]], #8\n\t"
			 "vstrb.16 q0, [%[to], %q[places]]\n\t"
			 "add %[to], %[eight]\n\t"
			 "letp lr, 1b\n"
			 "2:"
			 : [from] "+l"(from), [to] "+r"(to)
			 : [count] "r"(count), [eight] "r"(8 * rows), [places] "w"(places)
			 : "q0", "lr", "memory");
#else
	for (int32_t i = 0; i < count; i++) {
		to[rows * i] = from[i];
	}
#endif
}

/* Row r of the image and its borders, to the bytes of columns that begin at strips; one: it has
 * one channel. */
UTVM_INLINE void utvm_mve_strips_load(const struct utvm_mve_strips_image *p, const int8_t *image,
				      int32_t rows, int32_t r, int one, int8_t *strips)
{
	const int32_t y = r - p->pad_top;
	const int32_t outside = y < 0 || y >= p->height;
	const int32_t left = outside ? p->columns : p->pad_left;
	const int32_t inside = outside ? 0 : utvm_min(p->width, p->columns - left);
	const int32_t right = p->columns - left - inside;
	int8_t border[16];

	utvm_mve_fill(border, p->zero, 16);
	image += y * p->width * p->channels;
	for (int32_t channel = 0; channel < p->channels;) {
		const int32_t rest = p->channels - channel;
		const int32_t channels = rest >= 16 ? 16 : utvm_min(rest, 8);
		int8_t *const to = strips + channel * p->pitch;

		utvm_mve_strips_put(border, 0, left, to, rows, p->pitch, channels);
		if (one) {
			utvm_mve_strips_put_one(image, inside, to + rows * left, rows);
		} else {
			utvm_mve_strips_put(image + channel, p->channels, inside, to + rows * left,
					    rows, p->pitch, channels);
		}
		utvm_mve_strips_put(border, 0, right, to + rows * (left + inside), rows, p->pitch,
				    channels);
		channel += channels;
	}
}
