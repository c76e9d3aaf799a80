/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner: one model behind a UART. The build chooses the model with UTVM_MODEL.
 */
#include "port.h"
#include "session.h"

#define CONCAT(a, b)     a##b
#define DESCRIPTOR(name) CONCAT(utvm_model_, name)

extern const struct utvm_model DESCRIPTOR(UTVM_MODEL);

int main(void)
{
	static struct utvm_session session;
	const int error = utvm_port_init();

	if (error != 0) {
		return error;
	}
	utvm_session_serve(&session, &DESCRIPTOR(UTVM_MODEL));
	return 0;
}
