# SPDX-License-Identifier: Apache-2.0
"""Which archives a Zephyr module can be written from, and a sentence for each that cannot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from west_utvm.errors import UtvmError
from west_utvm.mlf import Model
from west_utvm.mlf.archive import DAMAGED
from west_utvm.mlf.objects import describe_object
from west_utvm.module import cmsis_nn
from west_utvm.module.generated import KEY
from west_utvm.module.io_pools import places
from west_utvm.module.rewrite import includes, uses_workspace_calls, workspace_bytes

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
        lambda m: "llvm" in _target_kind(m),
        "is of target llvm, which makes object files, and C sources are supported",
        _USE_AOT_C,
    ),
    (
        lambda m: not {"aot", "graph"} & set(m.metadata.executors),
        "is for an unknown executor",
        _USE_AOT_C,
    ),
    (
        lambda m: m.header is not None and m.header.has_constant_pools,
        "keeps its weights in a pool that the application fills, which is not supported",
        "export without `--constant-pools`",
    ),
    (
        lambda m: not any(text.strip() for text in m.sources.values()),
        "has no C sources under codegen/host/src",
        _USE_AOT_C,
    ),
)


def check_supported(model: Model, path: Path) -> None:
    """Raise UtvmError with the reason if no Zephyr module can be written from ``model``."""
    _check_objects(model, path)
    for refuses, what, hint in _REFUSALS:
        if refuses(model):
            raise UtvmError(what, where=path, hint=hint)


def check_adapted(model: Model, path: Path) -> None:
    """The same for a model that has a C interface, its own or of an adaptation's making."""
    if not (0 < len(model.inputs) < 256 and 0 < len(model.outputs) < 256):
        what = "has no input or no output, or more than 255 of them"
        raise UtvmError(what, where=path, hint="export a model that has both")
    for file_name, text in model.sources.items():
        _check_includes(model, text, f"{path}: {file_name}")
    _check_workspace(model, path)
    places(model, path)


def _check_objects(model: Model, path: Path) -> None:
    """Refuse object files whatever CPU they are for: functions of target llvm are called by
    name through a registry, which is TVM's C runtime and not part of an archive's code."""
    if model.objects:
        name = model.objects[0]
        kind = describe_object(model.files[name])
        what = f"holds object files for {kind}, and C sources are supported"
        raise UtvmError(what, where=f"{path}: {name}", hint=_USE_AOT_C)


def _check_includes(model: Model, text: str, where: str) -> None:
    own = f"tvmgen_{model.c_name}.h".lower()
    for header in sorted(includes(text) - _HEADERS):
        if header.lower() != own and not cmsis_nn.is_header(header):
            hint = "export with --target=c, or --target=cmsis-nn,c"
            raise UtvmError(f"needs {header}, which is not supported", where=where, hint=hint)


def _check_workspace(model: Model, path: Path) -> None:
    """The pools that there are and the figures in header and metadata must be the same."""
    stated = model.workspace_size
    if stated != (model.metadata.workspace_size or stated):
        what = f"gives {model.metadata.workspace_size} bytes of workspace, the header {stated}"
        raise UtvmError(what, where=f"{path}: metadata.json", hint=DAMAGED)
    own = sum(map(workspace_bytes, model.sources.values()))
    total = own + sum(model.pools.values())
    if (own or model.pools) and total != stated:
        what = f"has {total} bytes of workspace and states {stated}"
        raise UtvmError(what, where=path, hint=DAMAGED)
    uses_calls = any(map(uses_workspace_calls, model.sources.values()))
    if uses_calls and not stated and not model.has_allocator:
        what = "does not tell how much workspace it needs"
        raise UtvmError(what, where=path, hint="export it again with a newer TVM, 0.11 to 0.18")
