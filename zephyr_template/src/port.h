/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief What the runner needs of a platform.
 */
#ifndef UTVM_PORT_H_
#define UTVM_PORT_H_

#include <stddef.h>
#include <stdint.h>

/** Wait as long as it takes. */
#define UTVM_PORT_FOREVER (-1)

/** @return 0, or a negative errno when there is no line to the host. */
int utvm_port_init(void);

/**
 * @brief Wait for bytes from the host.
 *
 * @param timeout_ms milliseconds, or UTVM_PORT_FOREVER.
 * @return how many bytes came (1 to @p size), 0 on time-out, negative when the other end
 *         is gone for good.
 */
int utvm_port_read(uint8_t *data, size_t size, int32_t timeout_ms);

/** Send all of @p data. */
void utvm_port_write(const uint8_t *data, size_t size);

/**
 * @brief CRC-32 of IEEE 802.3 of @p data.
 *
 * @param crc that of the bytes before @p data, 0 if there are none.
 */
uint32_t utvm_port_crc32(uint32_t crc, const uint8_t *data, size_t size);

/** @return ticks of the cycle counter in a second, 0 where its time is not real. */
uint32_t utvm_port_clock_hz(void);

/** A moment, in units that only the port knows. */
struct utvm_port_moment {
	uint64_t cycles;
	int64_t uptime;
};

void utvm_port_clock_start(struct utvm_port_moment *start);

/** @return cycles since @p start, of a counter that does not wrap. */
uint64_t utvm_port_clock_stop(const struct utvm_port_moment *start);

/** @return nanoseconds that @p cycles take at @p hz, 0 if @p hz is 0. */
static inline uint64_t utvm_port_nanoseconds(uint64_t cycles, uint32_t hz)
{
	const uint64_t nsec_per_second = 1000000000U;

	if (hz == 0) {
		return 0;
	}
	/* In two steps: cycles times a thousand million would overflow after seconds. */
	return cycles / hz * nsec_per_second + cycles % hz * nsec_per_second / hz;
}

/**
 * @brief Stack of the calling thread, in bytes: its size and the most ever used of it.
 *
 * Both are 0 where that is unknown.
 */
void utvm_port_stack(uint32_t *size, uint32_t *used);

#endif /* UTVM_PORT_H_ */
