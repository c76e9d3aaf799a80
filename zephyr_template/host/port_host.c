/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner as a program of the host: the line is its standard input and output.
 */
#include "port.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define NSEC_PER_SECOND 1000000000U

int utvm_port_init(void)
{
	return 0;
}

int utvm_port_read(uint8_t *data, size_t size, int32_t timeout_ms)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	ssize_t count;

	if (poll(&input, 1, timeout_ms) == 0) {
		return 0;
	}
	count = read(STDIN_FILENO, data, size);
	return count > 0 ? (int)count : -EPIPE;
}

void utvm_port_write(const uint8_t *data, size_t size)
{
	while (size > 0) {
		const ssize_t count = write(STDOUT_FILENO, data, size);

		if (count < 0) {
			exit(EXIT_FAILURE);
		}
		data += count;
		size -= (size_t)count;
	}
}

/* Reflected, polynomial 0x04C11DB7: what Zephyr's crc32_ieee_update() computes. */
uint32_t utvm_port_crc32(uint32_t crc, const uint8_t *data, size_t size)
{
	crc = ~crc;
	for (size_t i = 0; i < size; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++) {
			crc = (crc >> 1) ^ (0xEDB88320U & (0U - (crc & 1U)));
		}
	}
	return ~crc;
}

uint32_t utvm_port_clock_hz(void)
{
	return NSEC_PER_SECOND;
}

static uint64_t now(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * NSEC_PER_SECOND + (uint64_t)time.tv_nsec;
}

void utvm_port_clock_start(struct utvm_port_moment *start)
{
	start->cycles = now();
}

uint64_t utvm_port_clock_stop(const struct utvm_port_moment *start)
{
	return now() - start->cycles;
}

void utvm_port_stack(uint32_t *size, uint32_t *used)
{
	*size = 0;
	*used = 0;
}
