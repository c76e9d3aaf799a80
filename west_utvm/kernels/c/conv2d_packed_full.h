UTVM_SHARED void utvm_conv2d_packed_full(const struct utvm_conv2d_packed *p, const int8_t *input,
					   const int32_t *packed, void *scratch, int8_t *output)
{
	utvm_conv2d_packed(p, utvm_packed_full, input, packed, scratch, output);
}
