/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner on Zephyr: console UART, thread statistics. clock_zephyr.c has the clock.
 */
#include "port.h"

#include <errno.h>

#include <zephyr/device.h>
#include <zephyr/drivers/uart.h>
#include <zephyr/kernel.h>
#include <zephyr/sys/crc.h>
#include <zephyr/sys/ring_buffer.h>

#include "session.h"

BUILD_ASSERT(DT_HAS_CHOSEN(zephyr_console), "the runner needs a UART in /chosen zephyr,console");

static const struct device *const console = DEVICE_DT_GET(DT_CHOSEN(zephyr_console));

#ifdef CONFIG_UART_INTERRUPT_DRIVEN

/*
 * One whole request fits, and the host sends no second one before the reply: nothing is
 * lost while the model runs. Repeated requests that do not fit are dropped, as they may be.
 */
RING_BUF_DECLARE(received, UTVM_REQUEST_MAX);
static K_SEM_DEFINE(arrived, 0, 1);

static void on_interrupt(const struct device *dev, void *user_data)
{
	uint8_t bytes[16];
	int count;

	ARG_UNUSED(user_data);
	if (!uart_irq_update(dev)) {
		return;
	}
	while (uart_irq_rx_ready(dev)) {
		count = uart_fifo_read(dev, bytes, sizeof(bytes));
		if (count <= 0) {
			break;
		}
		(void)ring_buf_put(&received, bytes, count);
	}
	k_sem_give(&arrived);
}

static int start_reception(void)
{
	const int error = uart_irq_callback_user_data_set(console, on_interrupt, NULL);
	uint8_t stale;

	if (error != 0) {
		return error;
	}
	uart_irq_rx_enable(console);
	/* A byte from before may never raise the interrupt, and would block those after it. */
	while (uart_poll_in(console, &stale) == 0) {
	}
	return 0;
}

int utvm_port_read(uint8_t *data, size_t size, int32_t timeout_ms)
{
	const k_timeout_t timeout = timeout_ms < 0 ? K_FOREVER : K_MSEC(timeout_ms);
	uint32_t count;

	for (;;) {
		count = ring_buf_get(&received, data, size);
		if (count > 0) {
			return (int)count;
		}
		if (k_sem_take(&arrived, timeout) != 0) {
			return 0;
		}
	}
}

#else /* CONFIG_UART_INTERRUPT_DRIVEN */

static int start_reception(void)
{
	return 0;
}

int utvm_port_read(uint8_t *data, size_t size, int32_t timeout_ms)
{
	const int64_t deadline = k_uptime_get() + timeout_ms;
	size_t count = 0;

	for (;;) {
		while (count < size && uart_poll_in(console, &data[count]) == 0) {
			count++;
		}
		if (count > 0) {
			return (int)count;
		}
		if (timeout_ms >= 0 && k_uptime_get() >= deadline) {
			return 0;
		}
		/*
		 * Simulated time stands still in a loop that does not sleep; a real UART
		 * without interrupts overruns in one that does.
		 */
		if (IS_ENABLED(CONFIG_ARCH_POSIX)) {
			k_sleep(K_TICKS(1));
		}
	}
}

#endif /* CONFIG_UART_INTERRUPT_DRIVEN */

int utvm_port_init(void)
{
	return device_is_ready(console) ? start_reception() : -ENODEV;
}

void utvm_port_write(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		uart_poll_out(console, data[i]);
	}
}

uint32_t utvm_port_crc32(uint32_t crc, const uint8_t *data, size_t size)
{
	return crc32_ieee_update(crc, data, size);
}

void utvm_port_stack(uint32_t *size, uint32_t *used)
{
	*size = 0;
	*used = 0;
#if defined(CONFIG_INIT_STACKS) && defined(CONFIG_THREAD_STACK_INFO)
	size_t unused;

	/* On simulated boards threads run on stacks of the host. */
	if (IS_ENABLED(CONFIG_ARCH_POSIX) || k_thread_stack_space_get(k_current_get(), &unused)) {
		return;
	}
	*size = (uint32_t)k_current_get()->stack_info.size;
	*used = *size - (uint32_t)unused;
#endif
}
