UTVM_SHARED void utvm_matmul_packed_full(const struct utvm_matmul_packed *p, const int8_t *input,
					   const int32_t *packed, void *scratch, int8_t *output)
{
	utvm_matmul_packed(p, utvm_packed_full, input, packed, scratch, output);
}
