/* SPDX-License-Identifier: Apache-2.0 */
/* What the rig asks of a machine. */
#ifndef PORT_H_
#define PORT_H_

#include <stdint.h>

/* Ends of the stack's memory: .stack in rig.ld. */
extern uint32_t stack_limit[], stack_top[];

int main(void);

/* input.bin and output.bin of the folder that the emulator runs in. */
void port_open(void);
/* All of it, or port_exit(5). */
void port_read(void *data, uint32_t size);
/* All of it, or port_exit(6). */
void port_write(const void *data, uint32_t size);
void port_exit(uint32_t status) __attribute__((noreturn));

void port_clock_start(void);
/* In ticks of machines.py since port_clock_start(). */
uint64_t port_clock(void);

#endif
