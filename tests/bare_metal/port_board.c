/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A board without an operating system; files through semihosting (Arm's "Semihosting for AArch32
 * and AArch64", whose operations "RISC-V Semihosting" takes over with a trap of its own). QEMU
 * loads each section where it belongs: nothing to copy, and memory starts as zeros.
 */
#include "port.h"

#define SYS_OPEN 0x01
#define SYS_WRITE 0x05
#define SYS_READ 0x06
#define SYS_EXIT_EXTENDED 0x20
#define STOPPED_APPLICATION_EXIT 0x20026U
#define MODE_READ_BINARY 1U
#define MODE_WRITE_BINARY 5U

extern uint32_t stack_top[];
extern char heap_start[];
extern char heap_end[];
int main(void);
void reset(void);
void fault(void);

void fault(void)
{
	port_fault();
	port_exit(PORT_FAULT);
}

__attribute__((weak)) void port_fault(void)
{
}

#ifdef __riscv

/* Where the CPU starts. Its exceptions go to the same place as faults do elsewhere. */
__attribute__((section(".vectors"), naked, used)) void reset(void)
{
	__asm__ volatile("la sp, stack_top\n\t"
			 "la t0, trap\n\t"
			 ".option arch, +zicsr\n\t"
			 "csrw mtvec, t0\n\t"
			 "tail main\n\t"
			 ".balign 4\n"
			 "trap:\n\t"
			 "tail fault");
}

/* The first three must be uncompressed and on one page. */
__asm__(".section .text.semihost, \"ax\"\n\t"
	".balign 16\n"
	"semihost:\n\t"
	".option push\n\t"
	".option norvc\n\t"
	"slli zero, zero, 0x1f\n\t"
	"ebreak\n\t"
	"srai zero, zero, 7\n\t"
	".option pop\n\t"
	"ret\n\t"
	".previous");

uint32_t semihost(uint32_t operation, const void *arguments);

#else

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define CPACR REGISTER(0xE000ED88U)
#define MPU_CTRL REGISTER(0xE000ED94U)
#define MPU_RNR REGISTER(0xE000ED98U)
#define MPU_RBAR REGISTER(0xE000ED9CU)
#define MPU_RASR REGISTER(0xE000EDA0U)

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
	stack_top, reset, fault, fault, fault, fault, fault, fault,
};

/* The Cortex-M3 and M4 have bits of other memory behind the PSRAM: no access to 16 MiB there, and
 * to the rest as without a memory protection unit. */
static void guard_the_end(void)
{
#if __ARM_ARCH == 7
	MPU_RNR = 0;
	MPU_RBAR = (uint32_t)heap_end;
	MPU_RASR = (23U << 1) | 1U;
	MPU_CTRL = (1U << 2) | 1U;
#endif
}

void reset(void)
{
	/* Full access to the floating-point and vector units, where there are any. */
	CPACR |= 0xFU << 20;
	guard_the_end();
	__asm__ volatile("dsb\n\tisb" ::: "memory");
	(void)main();
}

static uint32_t semihost(uint32_t operation, const void *arguments)
{
	register uint32_t r0 __asm__("r0") = operation;
	register const void *r1 __asm__("r1") = arguments;

	__asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
	return r0;
}

#endif

static uint32_t input_file, output_file;
static uint32_t heap_used;

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
		port_exit(PORT_INPUT_TOO_SHORT);
	}
}

void port_write(const void *data, uint32_t size)
{
	const uint32_t arguments[] = {output_file, (uint32_t)data, size};

	if (size != 0 && semihost(SYS_WRITE, arguments) != 0) {
		port_exit(PORT_WRITE_FAILED);
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
	void *const memory = heap_start + heap_used;

	if (size > (uint32_t)(heap_end - heap_start) - heap_used) {
		port_exit(PORT_NO_MEMORY);
	}
	heap_used += (size + 15U) & ~15U;
	return memory;
}

void *port_edge(uint32_t size)
{
	if (size > (uint32_t)(heap_end - heap_start) - heap_used) {
		port_exit(PORT_NO_MEMORY);
	}
	return heap_end - size;
}
