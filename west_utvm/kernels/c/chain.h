/* To where something else may begin, but not later than from: a word at a time. */
UTVM_SHARED void utvm_move_rows(int8_t *to, const int8_t *from, int32_t size)
{
	const int8_t *const end = from + size;

	for (; end - from >= 4; from += 4, to += 4) {
		int32_t word;

		memcpy(&word, from, sizeof(word));
		memcpy(to, &word, sizeof(word));
	}
	while (from != end) {
		*to++ = *from++;
	}
}
