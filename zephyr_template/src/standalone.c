/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs each model once on its compiled-in sample and prints what comes out.
 */
#include "models.h"

static void run(const struct utvm_entry *entry)
{
	const struct utvm_model *model = entry->model;
	char line[UTVM_LINE];
	uint64_t cycles;
	int32_t code;

	if (utvm_load_sample(entry) != 0) {
		utvm_print("%s: the sample is not one of this model, its inputs are zeros\n",
			   model->name);
	}
	cycles = utvm_run_timed(model, &code);
	if (code != 0) {
		utvm_print("%s: failed with code %d\n", model->name, (int)code);
		return;
	}
	utvm_format_time(line, cycles);
	utvm_print("%s: %s\n", model->name, line);
	for (uint8_t i = 0; i < model->num_outputs; i++) {
		utvm_format_tensor(line, &model->outputs[i]);
		utvm_print("  %s\n", line);
	}
}

int main(void)
{
	for (size_t i = 0; i < utvm_num_models; i++) {
		run(&utvm_models[i]);
	}
	utvm_print("done\n");
	return 0;
}
