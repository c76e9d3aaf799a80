# SPDX-License-Identifier: Apache-2.0
"""Which archives a Zephyr module can be written from, and a sentence for each that cannot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from west_utvm.errors import UtvmError
from west_utvm.mlf import Model
from west_utvm.module.generated import KEY
from west_utvm.module.rewrite import includes

_AOT_C = "export with `tvmc compile -f mlf --executor=aot --executor-aot-interface-api=c"
_USE_AOT_C = f"{_AOT_C} --executor-aot-unpacked-api=1 --runtime=crt --target=c`"

# What the module brings of TVM's headers, and what C11 brings.
_HEADERS = frozenset(
    """
    dlpack/dlpack.h tvm/runtime/c_backend_api.h tvm/runtime/c_runtime_api.h
    assert.h complex.h ctype.h errno.h fenv.h float.h inttypes.h iso646.h limits.h locale.h math.h
    setjmp.h signal.h stdalign.h stdarg.h stdatomic.h stdbool.h stddef.h stdint.h stdio.h stdlib.h
    stdnoreturn.h string.h tgmath.h threads.h time.h uchar.h wchar.h wctype.h
    """.split()
)


def _target_kind(model: Model) -> set[str]:
    return {target.split(" ", 1)[0] for target in model.metadata.targets}


# In order: the first that holds is the reason given.
_REFUSALS: tuple[tuple[Callable[[Model], bool], str, str], ...] = (
    (
        lambda m: "files" in m.entry.get(KEY, {}),
        "is a module that west utvm-compile wrote, no archive",
        "give the archive that it was written from",
    ),
    (
        lambda m: m.metadata.style != "full-model",
        "is an operator-style archive, one operator and no model",
        "export the whole model",
    ),
    (
        lambda m: "ethos-u" in _target_kind(m),
        "is for a microNPU (target ethos-u), which needs a driver that this module has not",
        _USE_AOT_C,
    ),
    (
        lambda m: bool(m.objects) or "llvm" in _target_kind(m),
        "holds object files of target llvm, locked to one CPU, and C sources are supported",
        _USE_AOT_C,
    ),
    (
        lambda m: "graph" in m.metadata.executors,
        "is for the graph executor, which is not supported yet",
        _USE_AOT_C,
    ),
    (
        lambda m: "aot" not in m.metadata.executors,
        "is for an unknown executor",
        _USE_AOT_C,
    ),
    (
        lambda m: m.header is None,
        "has the packed interface, which is not supported yet",
        _USE_AOT_C,
    ),
    (
        lambda m: m.header is not None and m.header.has_devices,
        "needs device contexts, which are not supported yet",
        _USE_AOT_C,
    ),
    (
        lambda m: m.header is not None and m.header.has_io_pools,
        "keeps inputs and outputs in a workspace pool, which is not supported yet",
        "export without `--pass-config tir.usmp.use_workspace_io=1`",
    ),
    (
        lambda m: m.header is not None and m.header.has_constant_pools,
        "keeps its weights in a pool that the application fills, which is not supported",
        "export without `--constant-pools`",
    ),
    (
        lambda m: not (0 < len(m.inputs) < 256 and 0 < len(m.outputs) < 256),
        "has no input or no output, or more than 255 of them",
        "export a model that has both",
    ),
    (
        lambda m: not any(text.strip() for text in m.sources.values()),
        "has no C sources under codegen/host/src",
        _USE_AOT_C,
    ),
)


def check_supported(model: Model, path: Path) -> None:
    """Raise UtvmError with the reason if no Zephyr module can be written from ``model``."""
    for refuses, what, hint in _REFUSALS:
        if refuses(model):
            raise UtvmError(what, where=path, hint=hint)
    for file_name, text in model.sources.items():
        _check_includes(model, text, f"{path}: {file_name}")


def _check_includes(model: Model, text: str, where: str) -> None:
    own = f"tvmgen_{model.metadata.model_name}.h".lower()
    for header in sorted(name for name in includes(text) - _HEADERS if name.lower() != own):
        hint = "export with --target=c alone, without libraries such as CMSIS-NN"
        raise UtvmError(f"needs {header}, which is not supported", where=where, hint=hint)
