/* SPDX-License-Identifier: Apache-2.0 */
#include "models.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "port.h"

/* Elements that are printed of a tensor. */
#define NUM_SHOWN 8U

/* utvm_models.inc, written by CMake, has a line for each model. */
#define MODEL(name) extern const struct utvm_model utvm_model_##name;
#define MODEL_WITH_SAMPLE(name)                                                                    \
	extern const struct utvm_model utvm_model_##name;                                          \
	extern const struct utvm_sample utvm_sample_##name;
#include "utvm_models.inc"
#undef MODEL
#undef MODEL_WITH_SAMPLE

#define MODEL(name)             { &utvm_model_##name, NULL },
#define MODEL_WITH_SAMPLE(name) { &utvm_model_##name, &utvm_sample_##name },

const struct utvm_entry utvm_models[] = {
#include "utvm_models.inc"
};

const size_t utvm_num_models = sizeof(utvm_models) / sizeof(utvm_models[0]);

static bool sample_fits(const struct utvm_model *model, const struct utvm_sample *sample)
{
	if (sample->count != model->num_inputs) {
		return false;
	}
	for (uint8_t i = 0; i < model->num_inputs; i++) {
		if (sample->values[i].size != model->inputs[i].size) {
			return false;
		}
	}
	return true;
}

int utvm_load_sample(const struct utvm_entry *entry)
{
	const struct utvm_model *model = entry->model;
	const bool fits = entry->sample != NULL && sample_fits(model, entry->sample);

	for (uint8_t i = 0; i < model->num_inputs; i++) {
		const struct utvm_tensor *input = &model->inputs[i];

		if (fits) {
			memcpy(input->data, entry->sample->values[i].data, input->size);
		} else {
			memset(input->data, 0, input->size);
		}
	}
	return fits || entry->sample == NULL ? 0 : -EINVAL;
}

uint64_t utvm_run_timed(const struct utvm_model *model, int32_t *code)
{
	struct utvm_port_moment start;

	utvm_port_clock_start(&start);
	*code = model->run();
	return utvm_port_clock_stop(&start);
}

#define READER(name, type)                                                                         \
	static double read_##name(const uint8_t *from)                                             \
	{                                                                                          \
		type value;                                                                        \
                                                                                                   \
		memcpy(&value, from, sizeof(value));                                               \
		return (double)value;                                                              \
	}

READER(int8, int8_t)
READER(uint8, uint8_t)
READER(int16, int16_t)
READER(uint16, uint16_t)
READER(int32, int32_t)
READER(uint32, uint32_t)
READER(int64, int64_t)
READER(uint64, uint64_t)
READER(float32, float)
READER(float64, double)

/* IEEE 754 binary16: 5 bits of exponent, biased by 15, and 10 of fraction. */
static double read_float16(const uint8_t *from)
{
	uint16_t half;
	uint32_t bits;
	uint32_t exponent;
	uint32_t fraction;
	float value;

	memcpy(&half, from, sizeof(half));
	exponent = (half >> 10) & 0x1F;
	fraction = half & 0x3FF;
	if (exponent == 0) {
		/* Subnormal: in units of 2 to the power of -24. */
		value = (float)fraction / 16777216.0f;
		return (double)((half & 0x8000) != 0 ? -value : value);
	}
	exponent = exponent == 0x1F ? 0xFF : exponent + 127 - 15;
	bits = (uint32_t)(half & 0x8000) << 16 | exponent << 23 | fraction << 13;
	memcpy(&value, &bits, sizeof(value));
	return (double)value;
}

struct dtype {
	const char *name;
	uint8_t size;
	bool real;
	double (*read)(const uint8_t *from);
};

static const struct dtype dtypes[] = {
	{ "bool", 1, false, read_uint8 },      { "int8", 1, false, read_int8 },
	{ "uint8", 1, false, read_uint8 },     { "int16", 2, false, read_int16 },
	{ "uint16", 2, false, read_uint16 },   { "int32", 4, false, read_int32 },
	{ "uint32", 4, false, read_uint32 },   { "int64", 8, false, read_int64 },
	{ "uint64", 8, false, read_uint64 },   { "float16", 2, true, read_float16 },
	{ "float32", 4, true, read_float32 },  { "float64", 8, true, read_float64 },
};

static const struct dtype *find_dtype(const char *name)
{
	for (size_t i = 0; i < sizeof(dtypes) / sizeof(dtypes[0]); i++) {
		if (strcmp(dtypes[i].name, name) == 0) {
			return &dtypes[i];
		}
	}
	return NULL;
}

uint32_t utvm_num_elements(const struct utvm_tensor *tensor)
{
	const struct dtype *dtype = find_dtype(tensor->dtype);

	return dtype == NULL ? 0 : tensor->size / dtype->size;
}

static uint32_t find_largest(const uint8_t *data, const struct dtype *dtype, uint32_t count)
{
	uint32_t largest = 0;

	for (uint32_t i = 1; i < count; i++) {
		if (dtype->read(data + i * dtype->size) >
		    dtype->read(data + largest * dtype->size)) {
			largest = i;
		}
	}
	return largest;
}

/* Append to a line what fits: names come from the model and may be long. */
#define APPEND(line, used, ...)                                                                    \
	do {                                                                                       \
		if ((used) < UTVM_LINE) {                                                          \
			const int written_ =                                                       \
				utvm_format((line) + (used), UTVM_LINE - (used), __VA_ARGS__);     \
			(used) += written_ > 0 ? (size_t)written_ : 0U;                            \
		}                                                                                  \
	} while (false)

void utvm_format_tensor(char line[UTVM_LINE], const struct utvm_tensor *tensor)
{
	const struct dtype *dtype = find_dtype(tensor->dtype);
	const uint32_t count = utvm_num_elements(tensor);
	const uint32_t shown = count < NUM_SHOWN ? count : NUM_SHOWN;
	const uint8_t *data = tensor->data;
	uint32_t largest;
	size_t used = 0;

	APPEND(line, used, "%.64s: %s[%u]", tensor->name, tensor->dtype, (unsigned int)count);
	for (uint32_t i = 0; i < shown; i++) {
		APPEND(line, used, dtype->real ? " %g" : " %.0f",
		       dtype->read(data + i * dtype->size));
	}
	if (count > 0) {
		largest = find_largest(data, dtype, count);
		APPEND(line, used, dtype->real ? "%s, top-1 %u (%g)" : "%s, top-1 %u (%.0f)",
		       shown < count ? " ..." : "", (unsigned int)largest,
		       dtype->read(data + largest * dtype->size));
	}
}

void utvm_format_time(char line[UTVM_LINE], uint64_t cycles)
{
	const uint32_t hz = utvm_port_clock_hz();
	const uint64_t nanoseconds = utvm_port_nanoseconds(cycles, hz);

	if (hz == 0) {
		(void)utvm_format(line, UTVM_LINE,
				  "time unknown, this board's clock does not tell real time");
		return;
	}
	(void)utvm_format(line, UTVM_LINE, "%llu.%03u us (%llu cycles)",
			  (unsigned long long)(nanoseconds / 1000U),
			  (unsigned int)(nanoseconds % 1000U), (unsigned long long)cycles);
}
