/* Keeps the last rows of a slab: to its beginning, where the next ones follow. */
UTVM_SHARED void utvm_keep_rows(int8_t *slab, int32_t moved, int32_t size)
{
	const int8_t *from = slab + moved;
	int8_t *const end = slab + size;

	/* Upwards and a word at a time, as many C libraries' memmove is not. */
	while (end - slab >= 4) {
		int32_t word;

		memcpy(&word, from, sizeof(word));
		memcpy(slab, &word, sizeof(word));
		from += 4;
		slab += 4;
	}
	while (slab != end) {
		*slab++ = *from++;
	}
}
