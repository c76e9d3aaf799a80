/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PORT_H_
#define PORT_H_

#include <stddef.h>
#include <stdint.h>

void port_open(void);
/* All of it, or port_exit(5). */
void port_read(void *data, uint32_t size);
void port_write(const void *data, uint32_t size);
void port_exit(int status) __attribute__((noreturn));
/* Never freed. MISALIGNED asks for an odd address. */
void *port_buffer(uint32_t size);

#endif
