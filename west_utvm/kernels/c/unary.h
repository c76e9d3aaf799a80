/* A function of one element, as a table of its 256 values from that of -128 to that of 127. */
struct utvm_unary {
	int32_t count;
};

UTVM_INLINE void utvm_unary(const struct utvm_unary *p, const int8_t *input, const int8_t *table,
			    int8_t *output)
{
	for (int32_t i = 0; i < p->count; i++) {
		output[i] = table[input[i] + 128];
	}
}
