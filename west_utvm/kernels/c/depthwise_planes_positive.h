UTVM_INLINE void utvm_depthwise_planes_positive(const struct utvm_depthwise_planes *p,
					const int8_t *input, const int8_t *weights,
					const int32_t *constants, void *scratch, int8_t *output)
{
	utvm_depthwise_planes(p, utvm_planes_positive, input, weights, constants, scratch, output);
}
