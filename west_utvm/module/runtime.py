# SPDX-License-Identifier: Apache-2.0
"""What is for TVM's C runtime alone, and has no use in a module that needs none."""

from __future__ import annotations

import re
from dataclasses import replace

from west_utvm.mlf import Model
from west_utvm.module.rewrite import includes

# `<module>_get_c_metadata`, for a host that drives the model: a second copy of all constants.
# TVM writes it into a source of its own (CreateMetadataModule, src/target/metadata_module.cc).
_METADATA = "tvm/runtime/metadata_types.h"

# The registry of functions by name, with --runtime-crt-system-lib=1, ahead of the rest of its
# source (CSourceCrtMetadataModuleNode::CreateFuncRegistry, src/target/source/source_module.cc).
_REGISTRY = re.compile(
    r"#include <tvm/runtime/crt/module\.h>\n.*?TVMSystemLibEntryPoint\(void\) \{[^{}]*\}\n",
    re.DOTALL,
)


def without_runtime(model: Model) -> Model:
    """``model`` without the sources, and parts of them, that only TVM's C runtime calls."""
    sources = {
        name: _REGISTRY.sub("", text, count=1)
        for name, text in model.sources.items()
        if _METADATA not in includes(text)
    }
    return replace(model, sources=sources)
