/* A matrix of weights times one row. */
UTVM_SHARED void utvm_mve_fully_connected_any(const struct utvm_mve_row *p, const int8_t *input,
					      const int8_t *weights, const int32_t *bias,
					      const int32_t *scales, int8_t *output)
{
	utvm_mve_row(p, 0, input, weights, bias, scales, output);
}

UTVM_SHARED void utvm_mve_fully_connected_positive(const struct utvm_mve_row *p,
						   const int8_t *input, const int8_t *weights,
						   const int32_t *bias, const int32_t *scales,
						   int8_t *output)
{
	utvm_mve_row(p, 1, input, weights, bias, scales, output);
}
