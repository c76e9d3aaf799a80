/* Outputs by fours; where their weights end. */
UTVM_SHARED const int32_t *utvm_four_outputs(struct utvm_fours *f, const int32_t *packed)
{
	return utvm_four_plain_outputs(f, packed);
}
