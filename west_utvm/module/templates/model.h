/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief A model as the runner application sees it.
 *
 * Every generated module ships this header and defines one
 * `const struct utvm_model utvm_model_<name>`.
 */
#ifndef UTVM_MODEL_H_
#define UTVM_MODEL_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Version of the structures below; changes whenever their layout or meaning does. */
#define UTVM_MODEL_API 1

/** One input or output of a model. */
struct utvm_tensor {
	/** Name in the model file, UTF-8. */
	const char *name;
	/** Element type, as numpy spells it: "int8", "float32", ... */
	const char *dtype;
	/** The elements, contiguous, row-major, in the CPU's byte order. */
	void *data;
	/** Size of @ref data in bytes. */
	uint32_t size;
};

/** A model and the static buffers of its inputs and outputs. */
struct utvm_model {
	/** Name of the module: a C identifier. */
	const char *name;
	/** SHA-256 of the digest input in the module's metadata.json, key "west_utvm". */
	uint8_t digest[32];
	/** Scratch memory, in bytes, inputs and outputs not counted unless they live in it. */
	uint32_t workspace_size;
	uint8_t num_inputs;
	uint8_t num_outputs;
	const struct utvm_tensor *inputs;
	const struct utvm_tensor *outputs;
	/**
	 * @brief Run one inference.
	 *
	 * Reads inputs[i].data and writes outputs[i].data. Inputs may be overwritten where
	 * they live in the workspace. Not reentrant.
	 *
	 * @return 0, or the model's error code.
	 */
	int32_t (*run)(void);
};

#ifdef __cplusplus
}
#endif

#endif /* UTVM_MODEL_H_ */
