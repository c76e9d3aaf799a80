/* For results of all of int8. */
UTVM_SHARED void utvm_full3x3(const struct utvm_depthwise3x3 *p, const int32_t *x,
			      const struct utvm_weights3x3 *w, const struct utvm_pass3x3 *pass)
{
	utvm_results3x3(x, w, *pass, p->window.stride_y, -128, 127);
}
