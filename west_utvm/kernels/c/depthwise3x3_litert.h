/* For results of all of int8. */
UTVM_INLINE void utvm_full3x3(const struct utvm_depthwise3x3 *p, const struct utvm_pass3x3 *pass,
			      const int32_t *x, const int32_t *constants, int8_t *output)
{
	utvm_results3x3(p, -128, 127, pass, x, constants, output);
}
