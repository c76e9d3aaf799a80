/* A matrix of weights, OI, times each row of the input. */
struct utvm_fully_connected_packed {
	struct utvm_packed packed;
	int32_t rows;
	int32_t in_features;
	int32_t per_channel;
};

/* Clamps to less than int8. */
UTVM_INLINE void utvm_clamp_row(const struct utvm_packed *p, int8_t *output)
{
	const int32_t low = p->low, high = p->high;

	if (low == -128 && high == 127) {
		return;
	}
	for (const int8_t *const end = output + p->channels; output != end; output++) {
		*output = utvm_clamp(*output, low, high);
	}
}

/* Outputs of one row. Those beyond the last four go to rest, whose inputs were the last to read. */
UTVM_INLINE void utvm_fully_connected_row(const struct utvm_packed *p, struct utvm_fours *fours,
					  const int32_t *packed, int8_t *output, int8_t *rest)
{
	const int32_t left = p->channels & 3;

	fours->output = output;
	fours->last = output + (p->channels - left);
	if (fours->last != output) {
		packed = utvm_four_outputs(fours, packed);
	}
	if (left > 0) {
		fours->output = rest;
		fours->last = rest + 4;
		utvm_four_outputs(fours, packed);
		memcpy(output + (p->channels - left), rest, (size_t)left);
	}
	utvm_clamp_row(p, output);
}

UTVM_SHARED void utvm_fully_connected_packed(const struct utvm_fully_connected_packed *p,
					     const int8_t *input, const int32_t *packed,
					     const int32_t *scales, int8_t *output)
{
	const int32_t left = p->in_features & 7;
	int8_t rest[8] = {0};
	struct utvm_fours fours;

	fours.zero = p->packed.out_zero;
	fours.scale_step = p->per_channel ? UTVM_SCALE_WORDS * (int32_t)sizeof(*scales) : 0;
	for (int32_t row = p->rows; row > 0; row--) {
		fours.scale = scales;
		fours.inputs = input;
		fours.end = input + (p->in_features - left);
		input += p->in_features;
		memcpy(rest, fours.end, (size_t)left);
		if (fours.end == fours.inputs) {
			fours.inputs = rest;
			fours.end = rest + 8;
		}
		fours.rest_end = left > 0 ? rest + 8 : fours.end;
		utvm_fully_connected_row(&p->packed, &fours, packed, output, rest);
		output += p->packed.channels;
	}
}
