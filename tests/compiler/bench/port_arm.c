/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cortex-M without an operating system; files through semihosting (Arm's "Semihosting for
 * AArch32 and AArch64", operations by their numbers there). QEMU loads each section where it
 * belongs: nothing to copy, and memory starts as zeros.
 */
#include "port.h"

#define SYS_OPEN 0x01
#define SYS_WRITE 0x05
#define SYS_READ 0x06
#define SYS_EXIT_EXTENDED 0x20
#define STOPPED_APPLICATION_EXIT 0x20026U
#define MODE_READ_BINARY 1U
#define MODE_WRITE_BINARY 5U
#define CPACR (*(volatile uint32_t *)0xE000ED88U)
#define HEAP_SIZE 0x40000U

extern uint32_t stack_top[];
int main(void);
void reset(void);

static void fault(void)
{
	port_exit(8);
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
	stack_top, reset, fault, fault, fault, fault, fault,
};

static uint32_t input_file, output_file;
static uint64_t heap[HEAP_SIZE / sizeof(uint64_t)];
static uint32_t heap_used;

static uint32_t semihost(uint32_t operation, const void *arguments)
{
	register uint32_t r0 __asm__("r0") = operation;
	register const void *r1 __asm__("r1") = arguments;

	__asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
	return r0;
}

void reset(void)
{
	/* Full access to the floating-point and vector units, where there are any. */
	CPACR |= 0xFU << 20;
	__asm__ volatile("dsb\n\tisb" ::: "memory");
	(void)main();
}

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

void port_exit(int status)
{
	const uint32_t arguments[] = {STOPPED_APPLICATION_EXIT, (uint32_t)status};

	(void)semihost(SYS_EXIT_EXTENDED, arguments);
	for (;;) {
	}
}

void *port_buffer(uint32_t size)
{
	void *memory = (char *)heap + heap_used;

	heap_used += (size + 7U) & ~7U;
	if (heap_used > HEAP_SIZE) {
		port_exit(7);
	}
	return memory;
}
