/* For results that are clamped to less than int8. */
UTVM_SHARED void utvm_packed_narrow(const struct utvm_packed *p, const int32_t *inputs,
				    int32_t pixels, const int32_t *packed, int8_t *output)
{
	const int8_t *const end = output + pixels * p->channels;
	const int32_t low = p->low, high = p->high;

	utvm_packed_full(p, inputs, pixels, packed, output);
	for (; output != end; output++) {
		*output = utvm_clamp(*output, low, high);
	}
}
