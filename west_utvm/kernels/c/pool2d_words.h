/* pool2d.h in words of four channels: the same parameters, with no fewer channels than these. */

/* The larger ones of four bytes each. */
UTVM_INLINE int32_t utvm_larger4(int32_t a, int32_t b)
{
#if defined(UTVM_DSP)
	int32_t difference;

	__asm__("ssub8 %1, %0, %2\n\t"
		"sel %0, %0, %2"
		: "+r"(a), "=&r"(difference)
		: "r"(b)
		: "cc");
	return a;
#else
	uint32_t result = 0;

	for (int32_t i = 0; i < 32; i += 8) {
		const int32_t x = (int8_t)(a >> i & 0xFF), y = (int8_t)(b >> i & 0xFF);

		result |= ((uint32_t)utvm_max(x, y) & 0xFFU) << i;
	}
	return (int32_t)result;
#endif
}

/* The smaller ones. */
UTVM_INLINE int32_t utvm_smaller4(int32_t a, int32_t b)
{
#if defined(UTVM_DSP)
	int32_t difference;

	__asm__("ssub8 %1, %0, %2\n\t"
		"sel %0, %2, %0"
		: "+r"(a), "=&r"(difference)
		: "r"(b)
		: "cc");
	return a;
#else
	return ~utvm_larger4(~a, ~b);
#endif
}

/* One value in all bytes. */
UTVM_INLINE int32_t utvm_four(int32_t value)
{
	return (int32_t)(0x01010101U * ((uint32_t)value & 0xFFU));
}

/* In the order of memory, so that memcpy writes it as it was: unlike utvm_load4. */
UTVM_INLINE int32_t utvm_word(const int8_t *bytes)
{
	int32_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

/* What of one window is in the image, from its first tap on. */
struct utvm_pool2d_part {
	const int8_t *corner;
	int32_t height;
	int32_t width;
};

typedef void (*utvm_pool2d_kind)(const struct utvm_pool2d *p, struct utvm_pool2d_part part,
				 int32_t words, int8_t *output);

/* The largest values of two words of channels. */
struct utvm_largest {
	int32_t first;
	int32_t second;
};

UTVM_INLINE struct utvm_largest utvm_largest(struct utvm_largest found, const int8_t *tap,
					     int32_t words)
{
	found.first = utvm_larger4(found.first, utvm_word(tap));
	if (words == 2) {
		found.second = utvm_larger4(found.second, utvm_word(tap + 4));
	}
	return found;
}

/* Of one or two words of channels. */
UTVM_INLINE void utvm_pool2d_largest(const struct utvm_pool2d *p, struct utvm_pool2d_part part,
				     int32_t words, int8_t *output)
{
	const int32_t step = p->channels, pitch = p->in_width * step;
	const int32_t low = utvm_four(p->low), high = utvm_four(p->high);
	struct utvm_largest found = {low, low};

	for (; part.height > 0; part.height--, part.corner += pitch) {
		const int8_t *tap = part.corner;
		int32_t x = part.width;

		for (; x > 1; x -= 2, tap += step) {
			found = utvm_largest(found, tap, words);
			tap += step;
			found = utvm_largest(found, tap, words);
		}
		if (x > 0) {
			found = utvm_largest(found, tap, words);
		}
	}
	found.first = utvm_smaller4(found.first, high);
	memcpy(output, &found.first, sizeof(found.first));
	if (words == 2) {
		found.second = utvm_smaller4(found.second, high);
		memcpy(output + 4, &found.second, sizeof(found.second));
	}
}

/* sums + the bytes 0 and 2 of word, in halves. */
UTVM_INLINE int32_t utvm_add_even(int32_t sums, int32_t word)
{
#if defined(UTVM_DSP)
	int32_t result;

	__asm__("sxtab16 %0, %1, %2" : "=r"(result) : "r"(sums), "r"(word));
	return result;
#else
	return utvm_pair(utvm_low(sums) + (int8_t)(word & 0xFF),
			 utvm_high(sums) + (int8_t)(word >> 16 & 0xFF));
#endif
}

/* The same of bytes 1 and 3. */
UTVM_INLINE int32_t utvm_add_odd(int32_t sums, int32_t word)
{
#if defined(UTVM_DSP)
	int32_t result;

	__asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(result) : "r"(sums), "r"(word));
	return result;
#else
	return utvm_pair(utvm_low(sums) + (int8_t)(word >> 8 & 0xFF),
			 utvm_high(sums) + (int8_t)(word >> 24 & 0xFF));
#endif
}

/* Means of what was summed, in order. */
UTVM_INLINE void utvm_pool2d_means(const struct utvm_pool2d *p, int32_t even, int32_t odd,
				   int32_t count, int8_t *output)
{
	output[0] = (int8_t)utvm_mean(utvm_low(even), count);
	output[1] = (int8_t)utvm_mean(utvm_low(odd), count);
	output[2] = (int8_t)utvm_mean(utvm_high(even), count);
	output[3] = (int8_t)utvm_mean(utvm_high(odd), count);
	if (p->low > -128 || p->high < 127) {
		int32_t word = utvm_larger4(utvm_word(output), utvm_four(p->low));

		word = utvm_smaller4(word, utvm_four(p->high));
		memcpy(output, &word, sizeof(word));
	}
}

/* Of a word of channels, and up to 256 taps, whose sums have 16 bits. */
UTVM_INLINE void utvm_pool2d_average(const struct utvm_pool2d *p, struct utvm_pool2d_part part,
				     int32_t words, int8_t *output)
{
	const int32_t step = p->channels, pitch = p->in_width * step;
	const int32_t count = part.height * part.width;
	int32_t even = 0, odd = 0;

	(void)words;
	for (; part.height > 0; part.height--, part.corner += pitch) {
		const int8_t *tap = part.corner;

		for (int32_t x = part.width; x > 0; x--, tap += step) {
			const int32_t word = utvm_load4(tap);

			even = utvm_add_even(even, word);
			odd = utvm_add_odd(odd, word);
		}
	}
	utvm_pool2d_means(p, even, odd, count, output);
}

/* All channels of one pixel; the last four may be some of those before, too. */
UTVM_INLINE void utvm_pool2d_channels(const struct utvm_pool2d *p, utvm_pool2d_kind kind,
				      int two, struct utvm_pool2d_part part, int8_t *output)
{
	const int8_t *const corner = part.corner;
	const int32_t channels = p->channels;
	int32_t c = 0;

	for (; two && c <= channels - 8; c += 8) {
		part.corner = corner + c;
		kind(p, part, 2, output + c);
	}
	for (; c < channels; c += 4) {
		const int32_t from = utvm_min(c, channels - 4);

		part.corner = corner + from;
		kind(p, part, 1, output + from);
	}
}

UTVM_INLINE void utvm_pool2d_words(const struct utvm_pool2d *p, utvm_pool2d_kind kind, int two,
				   const int8_t *input, int8_t *output)
{
	for (int32_t line = 0; line < p->batches * p->height; line++) {
		const int32_t y = line % p->height * p->stride_y - p->pad_top;
		const struct utvm_taps rows = utvm_taps(y, p->in_height, p->window_height, 1);
		const int32_t row = line / p->height * p->in_height + y + rows.begin;

		for (int32_t column = 0; column < p->width; column++) {
			const int32_t x = column * p->stride_x - p->pad_left;
			const struct utvm_taps columns =
				utvm_taps(x, p->in_width, p->window_width, 1);
			const struct utvm_pool2d_part part = {
				input + (row * p->in_width + x + columns.begin) * p->channels,
				rows.end - rows.begin,
				columns.end - columns.begin,
			};

			utvm_pool2d_channels(p, kind, two, part, output);
			output += p->channels;
		}
	}
}

UTVM_SHARED void utvm_max_pool2d_words(const struct utvm_pool2d *p, const int8_t *input,
				       int8_t *output)
{
	utvm_pool2d_words(p, utvm_pool2d_largest, 1, input, output);
}

UTVM_SHARED void utvm_average_pool2d_words(const struct utvm_pool2d *p, const int8_t *input,
					   int8_t *output)
{
	utvm_pool2d_words(p, utvm_pool2d_average, 0, input, output);
}
