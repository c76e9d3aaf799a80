/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module written by hand, whose every result the tests can check. Inputs: "big", bytes
 * of several chunks; "command", {what to do besides, its argument}. Outputs: "facts",
 * {sum of big, command's argument, runs since boot, 0x0A000D00}; "mirror", big reversed
 * and inverted.
 */
#include <stdint.h>
#include <stdlib.h>

#ifdef __ZEPHYR__
#include <zephyr/sys/printk.h>
#else
#include <stdio.h>
#define printk(...) (printf(__VA_ARGS__), fflush(stdout))
#endif

#include <utvm/model.h>

#define BIG_SIZE 1999

enum { NOTHING, FAIL = 1001, SPIN = 1002, PRINT = 1003, DIE = 1004 };

static uint8_t big[BIG_SIZE];
static int32_t command[2];
static int32_t facts[4];
static uint8_t mirror[BIG_SIZE];

static const struct utvm_tensor inputs[] = {
	{ .name = "big", .dtype = "uint8", .data = big, .size = sizeof(big) },
	{ .name = "command", .dtype = "int32", .data = command, .size = sizeof(command) },
};

static const struct utvm_tensor outputs[] = {
	{ .name = "facts", .dtype = "int32", .data = facts, .size = sizeof(facts) },
	{ .name = "mirror", .dtype = "uint8", .data = mirror, .size = sizeof(mirror) },
};

static void spin(int32_t thousands)
{
	for (volatile int64_t i = 0; i < thousands * 1000LL; i++) {
	}
}

static int32_t run(void)
{
	facts[0] = 0;
	for (int i = 0; i < BIG_SIZE; i++) {
		facts[0] += big[i];
		mirror[BIG_SIZE - 1 - i] = (uint8_t)~big[i];
	}
	facts[1] = command[1];
	facts[2]++;
	facts[3] = 0x0A000D00;
	switch (command[0]) {
	case FAIL:
		return command[1];
	case SPIN:
		spin(command[1]);
		break;
	case PRINT:
		printk("a line from the model\n");
		break;
	case DIE:
		exit(3);
	}
	return 0;
}

const struct utvm_model utvm_model_handmade = {
	.name = "handmade",
	.digest = { 0xDE, 0xAD, 0x00, 0xFF, [31] = 0x42 },
	.workspace_size = 123456,
	.num_inputs = 2,
	.num_outputs = 2,
	.inputs = inputs,
	.outputs = outputs,
	.run = run,
};
