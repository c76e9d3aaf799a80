/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief All models of the application, for those who print: standalone.c and shell.c.
 */
#ifndef UTVM_MODELS_H_
#define UTVM_MODELS_H_

#include <stddef.h>
#include <stdint.h>

#include <utvm/model.h>

#ifdef __ZEPHYR__
#include <zephyr/sys/printk.h>
#define utvm_print  printk
#define utvm_format snprintk
#else
#include <stdio.h>
#define utvm_print  printf
#define utvm_format snprintf
#endif

/** Characters of the longest line that the functions below write, with the zero at its end. */
#define UTVM_LINE 256

/** A value for one input, in the CPU's byte order. */
struct utvm_value {
	const void *data;
	uint32_t size;
};

/** One value for each input of a model. */
struct utvm_sample {
	const struct utvm_value *values;
	uint8_t count;
};

/** A model, and a sample for its inputs, or NULL for zeros. */
struct utvm_entry {
	const struct utvm_model *model;
	const struct utvm_sample *sample;
};

extern const struct utvm_entry utvm_models[];
extern const size_t utvm_num_models;

/**
 * @brief Fill the model's inputs with its sample, or with zeros.
 *
 * @return 0, or -EINVAL if the sample is not one of this model: inputs are then zeros.
 */
int utvm_load_sample(const struct utvm_entry *entry);

/** @return cycles of utvm_port_clock_hz() that one inference takes; @p code gets its result. */
uint64_t utvm_run_timed(const struct utvm_model *model, int32_t *code);

/** Write a tensor's name, its first elements and its largest one. */
void utvm_format_tensor(char line[UTVM_LINE], const struct utvm_tensor *tensor);

/** Write a time in microseconds and cycles, or that it is unknown. */
void utvm_format_time(char line[UTVM_LINE], uint64_t cycles);

/** @return how many elements @p tensor has, 0 if its dtype is unknown. */
uint32_t utvm_num_elements(const struct utvm_tensor *tensor);

#endif /* UTVM_MODELS_H_ */
