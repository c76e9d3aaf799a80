# SPDX-License-Identifier: Apache-2.0
"""Small graph-executor archives made by hand, and what they compute."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.archives import Files

Values = NDArray[np.int32]
# Elements of every tensor: an odd size, so that rounding up shows.
LENGTH = 7

# Operators in the form that tvmc's C has. They look at all that they are told of a tensor, and
# return the number of the first thing that is wrong; `add` fills what it allocates.
OPERATORS = """\
// tvm target: c -keys=cpu
#define TVM_EXPORTS
#include "tvm/runtime/c_runtime_api.h"
#include "tvm/runtime/c_backend_api.h"
static int32_t check(DLTensor* t, int32_t code, int32_t ndim) {
  int32_t elements = 1;
  for (int32_t i = 0; i < t->ndim; ++i) {
    elements *= (int32_t)t->shape[i];
  }
  if (code != 7) return 1;
  if (t->ndim != ndim) return 2;
  if (elements != 7) return 3;
  if (t->dtype.code != kDLInt || t->dtype.bits != 32 || t->dtype.lanes != 1) return 4;
  if (t->strides != NULL || t->byte_offset != 0) return 5;
  if (t->device.device_type != kDLCPU || t->device.device_id != 0) return 6;
  if (((uintptr_t)t->data) % 4) return 7;
  return 0;
}
TVM_DLL int32_t tvmgen_default_add(void* args, int32_t* arg_type_ids, int32_t num_args, \
void* out_ret_value, int32_t* out_ret_tcode, void* resource_handle) {
  DLTensor* a = (DLTensor*)(((TVMValue*)args)[0].v_handle);
  DLTensor* b = (DLTensor*)(((TVMValue*)args)[1].v_handle);
  DLTensor* out = (DLTensor*)(((TVMValue*)args)[2].v_handle);
  int32_t wrong = check(a, arg_type_ids[0], 1) + check(b, arg_type_ids[1], 1) + \
check(out, arg_type_ids[2], 1) + (num_args != 3);
  if (wrong) return wrong;
  void* sum = TVMBackendAllocWorkspace(1, 0, (uint64_t)28, 0, 32);
  if (sum == NULL) {
    return -1;
  }
  void* junk = TVMBackendAllocWorkspace(1, 0, (uint64_t)100, 0, 32);
  if (junk == NULL) {
    return -1;
  }
  for (int32_t i = 0; i < 100; ++i) {
    ((uint8_t*)junk)[i] = 0x5a;
  }
  for (int32_t i = 0; i < 7; ++i) {
    ((int32_t*)sum)[i] = ((int32_t*)a->data)[i] + ((int32_t*)b->data)[i];
  }
  for (int32_t i = 0; i < 7; ++i) {
    ((int32_t*)out->data)[i] = ((int32_t*)sum)[i];
  }
  if (TVMBackendFreeWorkspace(1, 0, junk) != 0) {
    return -1;
  }
  if (TVMBackendFreeWorkspace(1, 0, sum) != 0) {
    return -1;
  }
  return 0;
}
TVM_DLL int32_t tvmgen_default_flip(void* args, void* arg_type_ids, int32_t num_args, \
void* out_ret_value, void* out_ret_tcode, void* resource_handle) {
  DLTensor* a = (DLTensor*)(((TVMValue*)args)[0].v_handle);
  DLTensor* low = (DLTensor*)(((TVMValue*)args)[1].v_handle);
  DLTensor* high = (DLTensor*)(((TVMValue*)args)[2].v_handle);
  int32_t wrong = check(a, ((int32_t*)arg_type_ids)[0], 1) + (num_args != 3);
  if (wrong) return wrong;
  for (int32_t i = 0; i < 7; ++i) {
    ((int32_t*)low->data)[i] = ((int32_t*)a->data)[i] ^ 0x5555;
    ((int32_t*)high->data)[i] = ((int32_t*)a->data)[6 - i];
  }
  return 0;
}
TVM_DLL int32_t tvmgen_default_fail(void* args, int32_t* arg_type_ids, int32_t num_args, \
void* out_ret_value, int32_t* out_ret_tcode, void* resource_handle) {
  return 3;
}
"""

Entry = tuple[int, int]


@dataclass
class Builder:
    """Nodes in order; a node is named by its number, an entry by node and output."""

    nodes: list[dict[str, Any]] = field(default_factory=list)
    shapes: list[list[int]] = field(default_factory=list)
    parameters: dict[str, Values] = field(default_factory=dict)
    heads: list[Entry] = field(default_factory=list)
    rows: list[int] = field(default_factory=lambda: [0])

    def argument(self, name: str, contents: Values | None = None) -> Entry:
        if contents is not None:
            self.parameters[name] = contents
        return self._node({"op": "null", "name": name, "inputs": []}, [[LENGTH]])

    def call(
        self,
        function: str,
        *inputs: Entry,
        outputs: int = 1,
        flatten: bool = False,
        shape: Sequence[int] = (LENGTH,),
    ) -> Entry:
        attributes = {
            "func_name": function if function.startswith("__") else f"tvmgen_default_{function}",
            "flatten_data": str(int(flatten)),
            "num_inputs": str(len(inputs)),
            "num_outputs": str(outputs),
        }
        node: dict[str, Any] = {"op": "tvm_op", "name": f"n{len(self.nodes)}", "attrs": attributes}
        node["inputs"] = [[*entry, 0] for entry in inputs]
        return self._node(node, [list(shape)] * outputs)

    def _node(self, node: dict[str, Any], shapes: list[list[int]]) -> Entry:
        self.nodes.append(node)
        self.shapes += shapes
        self.rows.append(len(self.shapes))
        return len(self.nodes) - 1, 0

    def document(self) -> dict[str, Any]:
        count = len(self.shapes)
        return {
            "nodes": self.nodes,
            "arg_nodes": [n for n, node in enumerate(self.nodes) if node["op"] == "null"],
            "heads": [[*entry, 0] for entry in self.heads],
            "attrs": {
                "dltype": ["list_str", ["int32"] * count],
                "device_index": ["list_int", [1] * count],
                "storage_id": ["list_int", list(range(count))],
                "shape": ["list_shape", self.shapes],
            },
            "node_row_ptr": self.rows,
        }

    def files(self) -> Files:
        inputs = [n["name"] for n in self.nodes if n["op"] == "null"]
        inputs = [name for name in inputs if name not in self.parameters]
        outputs = ["output"] if len(self.heads) == 1 else []
        outputs = outputs or [f"output{n}" for n in range(len(self.heads))]
        size = {"dtype": "int32", "size": 4 * LENGTH}
        main = {
            "device": 1,
            "workspace_size_bytes": 0,
            "inputs": dict.fromkeys(inputs, size),
            "outputs": dict.fromkeys(outputs, size),
        }
        functions = {"main": [main], "operator_functions": []}
        entry = {
            "model_name": "default",
            "style": "full-model",
            "executors": ["graph"],
            "target": ["c -keys=cpu"],
            "memory": {"functions": functions, "sids": []},
        }
        metadata = {"version": 7, "modules": {"default": entry}}
        return {
            "metadata.json": json.dumps(metadata).encode(),
            "executor-config/graph/default.graph": json.dumps(self.document()).encode(),
            "parameters/default.params": parameter_file(self.parameters),
            "codegen/host/src/default_lib0.c": b";\n",
            "codegen/host/src/default_lib1.c": OPERATORS.encode(),
        }

    def answer(self, inputs: Mapping[str, Values]) -> bytes:
        """What the heads hold, by plain interpretation."""
        values: dict[Entry, Values] = {}
        for number, node in enumerate(self.nodes):
            if node["op"] == "null":
                known = {**inputs, **self.parameters}
                values[number, 0] = known[node["name"]]
                continue
            read = [values[entry[0], entry[1]] for entry in node["inputs"]]
            function = node["attrs"]["func_name"].removeprefix("tvmgen_default_")
            for index, value in enumerate(_COMPUTE[function](*read)):
                values[number, index] = value
        return b"".join(values[head].tobytes() for head in self.heads)


_COMPUTE: dict[str, Any] = {
    "add": lambda a, b: (a + b,),
    "flip": lambda a: (a ^ 0x5555, a[::-1].copy()),
    "__nop": lambda a: (a,),
    "__copy": lambda a: (a,),
}


def parameter_file(parameters: Mapping[str, Values]) -> bytes:
    """TVM's NDArray-dict format."""
    data = struct.pack("<QQQ", 0xF7E58D4F05049CB7, 0, len(parameters))
    for name in parameters:
        data += struct.pack("<Q", len(name.encode())) + name.encode()
    data += struct.pack("<Q", len(parameters))
    for value in parameters.values():
        data += struct.pack("<QQiiiBBH", 0xDD5E40F096B4A13F, 0, 1, 0, 1, 0, 32, 1)
        data += struct.pack("<qq", len(value), value.nbytes) + value.tobytes()
    return data
