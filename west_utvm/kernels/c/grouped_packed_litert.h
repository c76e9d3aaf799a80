/* For results of all of int8. */
UTVM_SHARED void utvm_grouped_full(const struct utvm_grouped_packed *p, const int32_t *inputs,
				   int32_t pixels, int32_t groups, const int32_t *packed,
				   int8_t *output)
{
	utvm_grouped_block(p, 0, inputs, pixels, groups, packed, output);
}

UTVM_SHARED void utvm_grouped_packed_full(const struct utvm_grouped_packed *p, const int8_t *input,
					  const int32_t *packed, void *scratch, int8_t *output)
{
	utvm_grouped_packed(p, utvm_grouped_full, input, packed, scratch, output);
}
