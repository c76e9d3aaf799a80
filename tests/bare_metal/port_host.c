/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "port.h"

#ifdef MISALIGNED
#define SHIFT 1U
#else
#define SHIFT 0U
#endif

void port_open(void)
{
}

void port_read(void *data, uint32_t size)
{
	if (fread(data, 1, size, stdin) != size) {
		port_exit(PORT_INPUT_TOO_SHORT);
	}
}

void port_write(const void *data, uint32_t size)
{
	if (fwrite(data, 1, size, stdout) != size) {
		port_exit(PORT_WRITE_FAILED);
	}
}

void port_exit(int status)
{
	fflush(stdout);
	/* The buffers are meant to live until here: no word about leaks. */
	_Exit(status);
}

void *port_buffer(uint32_t size)
{
	char *memory = malloc(size + SHIFT);

	if (memory == NULL) {
		port_exit(PORT_NO_MEMORY);
	}
	return memory + SHIFT;
}

/* With AddressSanitizer every allocation ends so. */
void *port_edge(uint32_t size)
{
	static char *memory;

	free(memory);
	memory = malloc(size);
	if (memory == NULL) {
		port_exit(PORT_NO_MEMORY);
	}
	return memory;
}
