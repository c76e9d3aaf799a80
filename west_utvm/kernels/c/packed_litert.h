/* For results of all of int8. */
UTVM_SHARED void utvm_packed_full(const struct utvm_packed *p, const int32_t *inputs,
				  int32_t pixels, const int32_t *packed, int8_t *output)
{
	utvm_packed_block(p, inputs, pixels, packed, output);
}
