/* SPDX-License-Identifier: Apache-2.0 */
/* Byte by byte; a compiler must not see calls of themselves in these loops. */
#include "string.h"

#define PLAIN __attribute__((optimize("no-tree-loop-distribute-patterns")))

PLAIN void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	return memmove(to, from, size);
}

PLAIN void *memmove(void *to, const void *from, size_t size)
{
	unsigned char *const target = to;
	const unsigned char *const source = from;

	if (target <= source) {
		for (size_t i = 0; i < size; i++) {
			target[i] = source[i];
		}
	} else {
		for (size_t i = size; i > 0; i--) {
			target[i - 1] = source[i - 1];
		}
	}
	return to;
}

PLAIN void *memset(void *memory, int value, size_t size)
{
	unsigned char *const target = memory;

	for (size_t i = 0; i < size; i++) {
		target[i] = (unsigned char)value;
	}
	return memory;
}

PLAIN int memcmp(const void *a, const void *b, size_t size)
{
	const unsigned char *const first = a;
	const unsigned char *const second = b;

	for (size_t i = 0; i < size; i++) {
		if (first[i] != second[i]) {
			return first[i] < second[i] ? -1 : 1;
		}
	}
	return 0;
}
