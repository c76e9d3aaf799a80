# SPDX-License-Identifier: Apache-2.0
"""Where a project's models come from: what ``-m`` can mean."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from west_utvm.compiler import compile_model
from west_utvm.errors import UtvmError
from west_utvm.importer.formats import is_model_file
from west_utvm.mlf import Model
from west_utvm.module import (
    GeneratedModule,
    load_model,
    module_files,
    module_name,
    read_module,
    write_module,
)
from west_utvm.module.names import check_name, name_from_file

# Asked for only where there is a model to compile: the answer may take a while.
TargetOf = Callable[[], str]
_NAMED = re.compile(r"([A-Za-z]\w*)=(.+)", re.ASCII | re.DOTALL)


@dataclass(frozen=True)
class Source:
    """A model that can be written into a project.

    ``write(folder, board)`` makes ``folder`` hold its module; it raises UtvmError where that would
    lose an edit by hand.
    """

    name: str
    write: Callable[[Path, str | None], None]


def _any_cpu() -> str:
    return "c"


def parse_source(spec: str, modules: Path | None, target: TargetOf = _any_cpu) -> Source:
    """``FILE``, ``NAME=FILE``, or ``NAME`` of a module in the folder ``modules``.

    ``target`` tells the TVM target string for what is still to be compiled.
    """
    if modules and (modules / spec / "metadata.json").is_file() and Path(spec).name == spec:
        return _compiled_source(modules / spec)
    named = None if Path(spec).exists() else _NAMED.fullmatch(spec)
    if named:
        return archive_source(Path(named[2]), named[1], target)
    if not Path(spec).exists():
        what = "is neither an archive nor a model compiled in this workspace"
        hint = "give -m ARCHIVE, -m NAME=ARCHIVE, or compile it with west utvm-compile"
        raise UtvmError(what, where=spec, hint=hint)
    return archive_source(Path(spec), None, target)


def archive_source(path: Path, name: str | None, target: TargetOf = _any_cpu) -> Source:
    """A ``.tflite`` or ``.onnx`` model, or that of a Model Library Format archive.

    It goes under ``name`` if one is given; of several in an archive that chooses one.
    """
    model = _load(path, name, target)
    chosen = module_name(model, name)
    module_files(model, chosen, None)  # whatever is wrong with it comes out now

    def write(folder: Path, board: str | None) -> None:
        write_module(model, chosen, folder, board=board)

    return Source(chosen, write)


def _load(path: Path, name: str | None, target: TargetOf) -> Model:
    if is_model_file(path):
        own = name_from_file(path) if name is None else check_name(name)
        return compile_model(path, name=own, target=target()).model
    try:
        return load_model(path)
    except UtvmError:
        if name is None:
            raise
        with suppress(UtvmError):
            return load_model(path, name)
        raise


def _compiled_source(folder: Path) -> Source:
    module = read_module(folder)
    if edited := module.edited_files():
        hint = "compile it again with west utvm-compile --force, or edit the project's copy"
        raise UtvmError(f"was edited by hand ({edited[0]})", where=folder, hint=hint)
    if module.name != folder.name:
        what = f"holds model '{module.name}' under another name"
        raise UtvmError(what, where=folder, hint="compile it again with west utvm-compile")

    def write(target: Path, board: str | None) -> None:
        if target.exists():
            _check_replaceable(target, module)
            shutil.rmtree(target)
        shutil.copytree(folder, target)
        _set_board(target, board)

    return Source(module.name, write)


def _check_replaceable(target: Path, module: GeneratedModule) -> None:
    existing = read_module(target)
    if edited := existing.edited_files():
        hint = "save your changes elsewhere and delete the folder"
        raise UtvmError(f"was edited by hand ({edited[0]})", where=target, hint=hint)
    if (existing.inputs, existing.outputs) != (module.inputs, module.outputs):
        what = f"holds another model, '{existing.name}' with other inputs or outputs"
        raise UtvmError(what, where=target, hint="delete the folder to have this one instead")


def _set_board(folder: Path, board: str | None) -> None:
    """The copy is for the project's board, wherever the module was compiled for."""
    path = folder / "metadata.json"
    document = json.loads(path.read_bytes())
    entry = next(iter(document["modules"].values())) if "modules" in document else document
    entry["west_utvm"]["board"] = board
    path.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n")
