/* SPDX-License-Identifier: Apache-2.0 */
/* Writes what it reads, if all is well. With BEYOND it reads behind the end of memory too. */
#include <stdint.h>
#include <string.h>

#include "port.h"

#define SIZE 1001U

static volatile uint32_t zeroed;
static volatile float factor = 1.5f;

int main(void)
{
	uint8_t *const bytes = port_buffer(SIZE);
	uint8_t *edge;

	port_open();
	port_read(bytes, SIZE);
	edge = port_edge(SIZE);
	memcpy(edge, bytes, SIZE);
	if (zeroed != 0 || (int32_t)(factor * 4.0f) != 6 || memcmp(edge, bytes, SIZE) != 0) {
		port_exit(3);
	}
	port_write(edge, SIZE);
#ifdef BEYOND
	zeroed = *(volatile uint8_t *)(edge + SIZE);
#endif
	port_exit(0);
}
