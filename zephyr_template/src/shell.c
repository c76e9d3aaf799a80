/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shell commands: utvm list, info, run, bench.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zephyr/kernel.h>
#include <zephyr/shell/shell.h>

#include "models.h"

#define MAX_RUNS CONFIG_UTVM_RUNNER_BENCH_RUNS

static const struct utvm_model *find_model(const struct shell *sh, const char *name)
{
	for (size_t i = 0; i < utvm_num_models; i++) {
		if (strcmp(utvm_models[i].model->name, name) == 0) {
			return utvm_models[i].model;
		}
	}
	shell_error(sh, "no model '%s'; utvm list shows them", name);
	return NULL;
}

static int cmd_list(const struct shell *sh, size_t argc, char **argv)
{
	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	for (size_t i = 0; i < utvm_num_models; i++) {
		shell_print(sh, "%s", utvm_models[i].model->name);
	}
	return 0;
}

static void print_tensors(const struct shell *sh, const char *kind,
			  const struct utvm_tensor *tensors, uint8_t count)
{
	for (uint8_t i = 0; i < count; i++) {
		shell_print(sh, "%-9s %s: %s[%u], %u bytes", kind, tensors[i].name,
			    tensors[i].dtype, (unsigned int)utvm_num_elements(&tensors[i]),
			    (unsigned int)tensors[i].size);
	}
}

static int cmd_info(const struct shell *sh, size_t argc, char **argv)
{
	const struct utvm_model *model = find_model(sh, argv[1]);

	ARG_UNUSED(argc);
	if (model == NULL) {
		return -ENOENT;
	}
	print_tensors(sh, "input", model->inputs, model->num_inputs);
	print_tensors(sh, "output", model->outputs, model->num_outputs);
	shell_print(sh, "workspace %u bytes", (unsigned int)model->workspace_size);
	shell_fprintf(sh, SHELL_NORMAL, "digest    ");
	for (size_t i = 0; i < sizeof(model->digest); i++) {
		shell_fprintf(sh, SHELL_NORMAL, "%02x", model->digest[i]);
	}
	shell_print(sh, "%s", "");
	return 0;
}

static int run(const struct shell *sh, const struct utvm_model *model, uint64_t *cycles)
{
	int32_t code;

	*cycles = utvm_run_timed(model, &code);
	if (code != 0) {
		shell_error(sh, "%s failed with code %d", model->name, (int)code);
		return -EIO;
	}
	return 0;
}

static void print_time(const struct shell *sh, const char *what, uint64_t cycles)
{
	static char line[UTVM_LINE];

	utvm_format_time(line, cycles);
	shell_print(sh, "%s: %s", what, line);
}

static int cmd_run(const struct shell *sh, size_t argc, char **argv)
{
	const struct utvm_model *model = find_model(sh, argv[1]);
	static char line[UTVM_LINE];
	uint64_t cycles;

	ARG_UNUSED(argc);
	if (model == NULL) {
		return -ENOENT;
	}
	if (run(sh, model, &cycles) != 0) {
		return -EIO;
	}
	print_time(sh, model->name, cycles);
	for (uint8_t i = 0; i < model->num_outputs; i++) {
		utvm_format_tensor(line, &model->outputs[i]);
		shell_print(sh, "  %s", line);
	}
	return 0;
}

/* How many runs @p text asks for, 0 if that is not a number from 1 to MAX_RUNS. */
static size_t parse_runs(const char *text)
{
	char *end;
	const unsigned long runs = strtoul(text, &end, 10);

	return *end == '\0' && runs <= MAX_RUNS ? runs : 0;
}

static void insert_sorted(uint64_t *values, size_t count, uint64_t value)
{
	for (; count > 0 && values[count - 1] > value; count--) {
		values[count] = values[count - 1];
	}
	values[count] = value;
}

static int cmd_bench(const struct shell *sh, size_t argc, char **argv)
{
	static uint64_t cycles[MAX_RUNS];
	const struct utvm_model *model = find_model(sh, argv[1]);
	const size_t runs = parse_runs(argc > 2 ? argv[2] : "10");
	uint64_t last;

	if (model == NULL) {
		return -ENOENT;
	}
	if (runs == 0) {
		shell_error(sh, "give a number of runs from 1 to %d", MAX_RUNS);
		return -EINVAL;
	}
	for (size_t done = 0; done < runs; done++) {
		if (run(sh, model, &last) != 0) {
			return -EIO;
		}
		insert_sorted(cycles, done, last);
	}
	print_time(sh, "min   ", cycles[0]);
	print_time(sh, "median", cycles[(runs - 1) / 2]);
	print_time(sh, "max   ", cycles[runs - 1]);
	return 0;
}

/* Completes the names of models. */
static void get_name(size_t index, struct shell_static_entry *entry)
{
	entry->syntax = index < utvm_num_models ? utvm_models[index].model->name : NULL;
	entry->handler = NULL;
	entry->subcmd = NULL;
	entry->help = NULL;
}

SHELL_DYNAMIC_CMD_CREATE(names, get_name);

SHELL_STATIC_SUBCMD_SET_CREATE(
	commands, SHELL_CMD_ARG(list, NULL, "Names of the models", cmd_list, 1, 0),
	SHELL_CMD_ARG(info, &names, "<model>: its tensors, workspace and digest", cmd_info, 2, 0),
	SHELL_CMD_ARG(run, &names, "<model>: run it on what its inputs hold", cmd_run, 2, 0),
	SHELL_CMD_ARG(bench, &names, "<model> [runs]: run it often and show the times", cmd_bench,
		      2, 1),
	SHELL_SUBCMD_SET_END);

SHELL_CMD_REGISTER(utvm, &commands, "Models of this firmware", NULL);

int main(void)
{
	for (size_t i = 0; i < utvm_num_models; i++) {
		if (utvm_load_sample(&utvm_models[i]) != 0) {
			utvm_print("%s: the sample is not one of this model, its inputs are zeros\n",
				   utvm_models[i].model->name);
		}
	}
	return 0;
}
