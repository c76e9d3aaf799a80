/*
 * Inputs as packed.h wants them: words of pairs of three pixels in turn. A pixel's inputs are some
 * rows of bytes; each becomes whole words, with whatever comes behind it.
 */
struct utvm_gathered {
	const int8_t *pixel[3];
	int32_t rows;
	int32_t row;  /* bytes, rounded up to a multiple of four */
	int32_t skip; /* from the end of a row to the next */
};

/* Of one pixel, to every third word. */
UTVM_SHARED void utvm_gather_one(const int8_t *from, int32_t rows, int32_t row, int32_t skip,
				 int32_t *to)
{
	do {
		const int8_t *const end = from + row;

		do {
			const int32_t word = utvm_load4(from);

			from += 4;
			to[0] = utvm_even_bytes(word);
			to[3] = utvm_odd_bytes(word);
			to += 6;
		} while (from != end);
		from += skip;
	} while (--rows > 0);
}

#if defined(UTVM_DSP)
/*
 * Such assembly takes every register, and saves those that it may not lose. They are
 *
 *	r0-r2          inputs, their pairs (0, 2)	r7   rows that are left
 *	r3, r8, r9     pairs (1, 3)			r10  end of the row
 *	r4-r6          where the inputs are		r11, r12  row, skip
 *							lr   where the words go
 */
#define UTVM_GATHER_THREE									   \
	"push {r4-r11}\n\t"									   \
	"mov lr, r1\n\t"									   \
	"ldmia r0, {r4, r5, r6, r7, r11, r12}\n"						   \
	"1:\n\t"										   \
	"add r10, r4, r11\n"									   \
	"2:\n\t"										   \
	"ldr r0, [r4], #4\n\t"									   \
	"ldr r1, [r5], #4\n\t"									   \
	"ldr r2, [r6], #4\n\t"									   \
	"sxtb16 r3, r0, ror #8\n\t"								   \
	"sxtb16 r8, r1, ror #8\n\t"								   \
	"sxtb16 r9, r2, ror #8\n\t"								   \
	"sxtb16 r0, r0\n\t"									   \
	"sxtb16 r1, r1\n\t"									   \
	"sxtb16 r2, r2\n\t"									   \
	"stmia lr!, {r0, r1, r2, r3, r8, r9}\n\t"						   \
	"cmp r4, r10\n\t"									   \
	"bne 2b\n\t"										   \
	"add r4, r12\n\t"									   \
	"add r5, r12\n\t"									   \
	"add r6, r12\n\t"									   \
	"subs r7, #1\n\t"									   \
	"bne 1b\n\t"										   \
	"pop {r4-r11}"
#endif

/* Of three pixels. */
UTVM_SHARED void utvm_gather_three(const struct utvm_gathered *from, int32_t *to)
{
#if defined(UTVM_DSP)
	register const struct utvm_gathered *r0 __asm__("r0") = from;
	register int32_t *r1 __asm__("r1") = to;

	__asm__ volatile(UTVM_GATHER_THREE
			 : "+r"(r0), "+r"(r1)
			 :
			 : "r2", "r3", "r12", "lr", "cc", "memory");
#else
	for (int32_t i = 0; i < 3; i++) {
		utvm_gather_one(from->pixel[i], from->rows, from->row, from->skip, to + i);
	}
#endif
}
