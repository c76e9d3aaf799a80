UTVM_INLINE void utvm_planes_together_full(const struct utvm_depthwise_planes *p,
					   struct utvm_planes_frame *f)
{
	utvm_planes_sums(f);
	utvm_planes_results(p, 0, f);
}

/* For results of all of int8. */
UTVM_SHARED void utvm_planes_full(const struct utvm_depthwise_planes *p,
				  const struct utvm_planes_pass *pass, struct utvm_planes_frame *f,
				  const int32_t *plane, const int32_t *constants, int8_t *output)
{
	utvm_planes_channel(p, utvm_planes_together_full, pass, f, plane, constants, output);
}
