UTVM_SHARED void utvm_depthwise3x3_full(const struct utvm_depthwise3x3 *p, const int8_t *input,
					  const int32_t *constants, void *scratch, int8_t *output)
{
	utvm_depthwise3x3(p, utvm_full3x3, input, constants, scratch, output);
}
