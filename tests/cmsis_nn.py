# SPDX-License-Identifier: Apache-2.0
"""A model that calls CMSIS-NN. No tvmc that runs today was built with it: the digits model gets
an operator more, in the form of TVM's src/relay/backend/contrib/cmsisnn/tir_to_runtime.cc. It
pools over one element, so the scores are what they were."""

from __future__ import annotations

from tests.archives import LIB0, Files, edited

_OPERATOR = """\
#include <stdio.h>
#include <stdlib.h>
#include <dlpack/dlpack.h>
#include <arm_nnfunctions.h>
#include <arm_nn_types.h>
#include <arm_nn_math_types.h>
#include "tvm/runtime/c_runtime_api.h"
TVM_DLL int32_t tvmgen_default_cmsis_nn_main_0(int8_t* input_, int8_t* output_) {
  cmsis_nn_context context= {NULL,0};
  cmsis_nn_tile stride = {1,1};
  cmsis_nn_tile padding = {0,0};
  cmsis_nn_activation activation = {-128,127};
  cmsis_nn_pool_params cmsis_nn_pool_params = {stride, padding, activation};
  cmsis_nn_dims input_dims = {1,1,1,10};
  cmsis_nn_dims filter_dims = {1,1,1,1};
  cmsis_nn_dims output_dims = {1,1,1,10};
  arm_cmsis_nn_status status = arm_max_pool_s8(&context, &cmsis_nn_pool_params, &input_dims, \
input_, &filter_dims, &output_dims, output_);
  return status == ARM_CMSIS_NN_SUCCESS ? 0 : -1;
}
"""


def with_cmsis_nn(files: Files) -> Files:
    """The digits archive, whose scores pass through the operator."""
    main = "tvmgen_default___tvm_main__(inputs->image,"
    operator = "tvmgen_default_cmsis_nn_main_0"
    files = edited(files, LIB0, f"return {main}outputs->scores,", f"if ({main}unpooled,")
    files = edited(
        files,
        LIB0,
        "&global_workspace));",
        f"&global_workspace)) != 0) return -1;\nreturn {operator}(unpooled,outputs->scores);",
    )
    declared = f"int32_t {operator}(int8_t*, int8_t*);\nstatic int8_t unpooled[10];\n"
    files = edited(
        files, LIB0, "int32_t tvmgen_default_run(", f"{declared}int32_t tvmgen_default_run("
    )
    return {**files, "codegen/host/src/default_lib2.c": _OPERATOR.encode()}
