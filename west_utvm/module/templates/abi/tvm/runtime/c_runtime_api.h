/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of TVM's C runtime ABI that ahead-of-time compiled C code refers to. No C runtime
 * stands behind it: the generated code calls only what c_backend_api.h declares.
 */
#ifndef UTVM_TVM_RUNTIME_C_RUNTIME_API_H_
#define UTVM_TVM_RUNTIME_C_RUNTIME_API_H_

#include <dlpack/dlpack.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define TVM_EXTERN_C extern "C"
#else
#define TVM_EXTERN_C
#endif

#define TVM_DLL
#define TVM_WEAK __attribute__((weak))

typedef union {
	int64_t v_int64;
	double v_float64;
	void *v_handle;
	const char *v_str;
	DLDataType v_type;
	DLDevice v_device;
} TVMValue;

#endif /* UTVM_TVM_RUNTIME_C_RUNTIME_API_H_ */
