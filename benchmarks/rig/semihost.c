/* SPDX-License-Identifier: Apache-2.0 */
#include "port.h"
#include "semihost.h"

#define SYS_OPEN 0x01
#define SYS_WRITE 0x05
#define SYS_READ 0x06
#define SYS_EXIT_EXTENDED 0x20
#define STOPPED_APPLICATION_EXIT 0x20026U
#define MODE_READ_BINARY 1U
#define MODE_WRITE_BINARY 5U

static uint32_t input_file, output_file;

static uint32_t open_file(const char *name, uint32_t length, uint32_t mode)
{
	const uint32_t arguments[] = {(uint32_t)name, mode, length};

	return semihost(SYS_OPEN, arguments);
}

void port_open(void)
{
	input_file = open_file("input.bin", 9, MODE_READ_BINARY);
	output_file = open_file("output.bin", 10, MODE_WRITE_BINARY);
}

void port_read(void *data, uint32_t size)
{
	const uint32_t arguments[] = {input_file, (uint32_t)data, size};

	/* The result is the number of bytes that were not read. */
	if (size != 0 && semihost(SYS_READ, arguments) != 0) {
		port_exit(5);
	}
}

void port_write(const void *data, uint32_t size)
{
	const uint32_t arguments[] = {output_file, (uint32_t)data, size};

	if (size != 0 && semihost(SYS_WRITE, arguments) != 0) {
		port_exit(6);
	}
}

void port_exit(uint32_t status)
{
	const uint32_t arguments[] = {STOPPED_APPLICATION_EXIT, status};

	(void)semihost(SYS_EXIT_EXTENDED, arguments);
	for (;;) {
	}
}
