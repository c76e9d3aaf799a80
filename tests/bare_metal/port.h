/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PORT_H_
#define PORT_H_

#include <stddef.h>
#include <stdint.h>

/* What port_exit is given when a port fails; a program's own statuses are others. */
#define PORT_INPUT_TOO_SHORT 5
#define PORT_WRITE_FAILED 6
#define PORT_NO_MEMORY 7
#define PORT_FAULT 8

void port_open(void);
/* All of it, or port_exit(PORT_INPUT_TOO_SHORT). */
void port_read(void *data, uint32_t size);
void port_write(const void *data, uint32_t size);
void port_exit(int status) __attribute__((noreturn));
/* Never freed. MISALIGNED asks for an odd address. */
void *port_buffer(uint32_t size);
/* Memory that ends where reading or writing further is a fault. Use one such at a time. */
void *port_edge(uint32_t size);
/* A program may have one, called before port_exit(PORT_FAULT). */
void port_fault(void);

#endif
