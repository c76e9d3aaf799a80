/* A function of one element, as a table of its 256 values from that of -128 to that of 127. */
struct utvm_mve_unary {
	int32_t count;
};

UTVM_SHARED void utvm_mve_unary(const struct utvm_mve_unary *p, const int8_t *input,
				const int8_t *table, int8_t *output)
{
#if defined(__ARM_FEATURE_MVE)
	const uint8x16_t sign = vdupq_n_u8(0x80);

	/* An index is the element plus 128, which is its first bit the other way. */
	__asm__ volatile("wlstp.8 lr, %[count], 2f\n"
			 "1:\n\t"
			 "vldrb.8 q0, [%[input]], #16\n\t"
			 "veor q0, q0, %q[sign]\n\t"
			 "vldrb.u8 q1, [%[table], q0]\n\t"
			 "vstrb.8 q1, [%[output]], #16\n\t"
			 "letp lr, 1b\n"
			 "2:"
			 : [input] "+r"(input), [output] "+r"(output)
			 : [count] "r"(p->count), [table] "r"(table), [sign] "w"(sign)
			 : "lr", "q0", "q1", "memory");
#else
	for (int32_t i = 0; i < p->count; i++) {
		output[i] = table[input[i] + 128];
	}
#endif
}
