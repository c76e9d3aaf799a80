UTVM_SHARED void utvm_grouped_positive(const struct utvm_packed *p, const int32_t *inputs, int32_t pixels,
				 const int32_t *packed, int32_t pitch, int8_t *output)
{
	utvm_packed_positive_block(p, inputs, pixels, packed, pitch, output);
}

UTVM_SHARED void utvm_grouped_packed_positive(const struct utvm_grouped_packed *p, const int8_t *input,
					const int32_t *packed, void *scratch, int8_t *output)
{
	utvm_grouped_packed(p, utvm_grouped_positive, input, packed, scratch, output);
}
