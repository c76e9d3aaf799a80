# SPDX-License-Identifier: Apache-2.0
"""Model -> self-contained Zephyr module: the files, then the folder."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from west_utvm.errors import UtvmError
from west_utvm.mlf import Model, Port, read_archive
from west_utvm.mlf.record import recorded_option
from west_utvm.module import build_files, cmsis_nn, glue, rewrite
from west_utvm.module.adapt import adapt
from west_utvm.module.generated import FORMAT, KEY, GeneratedModule, read_module
from west_utvm.module.names import check_name
from west_utvm.module.runtime import without_runtime
from west_utvm.module.support import check_adapted, check_supported
from west_utvm.module.tree import holds_exactly, replace_folder

# The files of templates/abi, which are the same for every model but for @MODEL@.
_ABI = (
    "abi/dlpack/dlpack.h",
    "abi/tvm/runtime/c_runtime_api.h",
    "abi/tvm/runtime/c_backend_api.h",
    "abi/utvm_workspace.h",
)

# When it was exported, and where in the archive TVM's own C runtime is.
_NOT_KEPT = ("export_datetime", "external_dependencies")


@dataclass(frozen=True)
class Written:
    """What became of a compilation; ``changed`` is False if the folder held it already."""

    module: GeneratedModule
    changed: bool


def load_model(path: Path, module: str | None = None) -> Model:
    """Read an archive and make sure that a module can be written from it.

    ``module`` names one of several in the archive. The model has a C interface, whether the
    archive has one or not.
    """
    model = without_runtime(read_archive(path, module))
    check_supported(model, path)
    model = adapt(model, path)
    check_adapted(model, path)
    return model


def module_name(model: Model, name: str | None) -> str:
    """The name asked for with ``-n``, or the archive's own; UtvmError if it is not safe."""
    return check_name(model.c_name if name is None else name)


def write_module(
    model: Model, name: str, folder: Path, *, board: str | None, force: bool = False
) -> Written:
    """Write ``model`` as Zephyr module ``name`` into ``folder``, whole or not at all.

    A folder that ``utvm-compile`` did not write is never touched; one that was edited by
    hand since, or that holds another model, only with ``force``.
    """
    files = module_files(model, name, board)
    try:
        changed = not (folder.exists() and holds_exactly(folder, files))
        if changed:
            if folder.exists() and any(folder.iterdir()):
                _check_replaceable(folder, model, name, force)
            replace_folder(folder, files)
    except OSError as error:
        what = f"cannot be written ({error.strerror or error})"
        raise UtvmError(what, where=folder, hint="give another folder with -d") from None
    return Written(read_module(folder), changed)


def module_files(model: Model, name: str, board: str | None) -> dict[str, bytes]:
    """Every file of the module by its path in it; the same bytes for the same arguments."""
    pools = itertools.count()
    texts = _sources(model, name, pools)
    sources = [path for path in texts if path.endswith(".c")]
    texts[f"include/tvmgen_{name}.h"] = rewrite.rename_module(model.header_text, model.c_name, name)
    texts["include/utvm/model.h"] = (glue.TEMPLATES / "model.h").read_text()
    for path in _ABI:
        texts[path] = (glue.TEMPLATES / path).read_text().replace("@MODEL@", name)
    digest = _digest(texts)
    texts[f"src/{name}_model.c"] = glue.descriptor(model, name, digest, pools)
    sources.append(f"src/{name}_model.c")
    uses_math = any(map(rewrite.uses_math, model.sources.values()))
    if uses_math:
        texts[f"src/tvmgen_{name}_errno.c"] = (glue.TEMPLATES / "errno.c").read_text()
    symbols = cmsis_nn.symbols(model.sources.values())
    texts["CMakeLists.txt"] = build_files.cmake_lists(
        name,
        sources,
        uses_math=uses_math,
        uses_cmsis_nn=bool(symbols),
        optimize=recorded_option(model.entry, "optimize"),
    )
    texts["Kconfig"] = build_files.kconfig(
        name,
        workspace=model.workspace_size,
        cmsis_nn=symbols,
        uses_mve=any("__ARM_FEATURE_MVE" in text for text in model.sources.values()),
    )
    texts["zephyr/module.yml"] = build_files.module_yml(name)
    files = {path: text.encode() for path, text in sorted(texts.items())}
    files["metadata.json"] = _metadata(model, name, board, digest, files)
    return files


def _sources(model: Model, name: str, pools: Iterator[int]) -> dict[str, str]:
    old = model.c_name
    texts: dict[str, str] = {}
    for file_name, text in sorted(model.sources.items()):
        rewrite.check_symbol_prefix(text, old, file_name)
        text = rewrite.constants_to_rodata(rewrite.rename_module(text, old, name))
        text = rewrite.workspace_to_macro(text, pools)
        texts[_source_path(file_name, old, name, texts)] = text
    uses_calls = any(map(rewrite.uses_workspace_calls, model.sources.values()))
    if uses_calls and not model.has_allocator:
        padding = (rewrite.allocation_padding(t, glue.ALIGNMENT) for t in model.sources.values())
        size = model.workspace_size + sum(padding)
        texts[f"src/{name}_workspace.c"] = glue.arena(name, size, pools)
    return texts


def _source_path(file_name: str, old: str, name: str, taken: Container[str]) -> str:
    path = f"src/{rewrite.rename_source(file_name, old, name)}"
    if path in taken or path in (f"src/{name}_model.c", f"src/{name}_workspace.c"):
        what = f"would become {path}, which there is already"
        raise UtvmError(what, where=file_name, hint="export the model again")
    return path


def _digest(texts: Mapping[str, str]) -> bytes:
    digest = hashlib.sha256()
    for path, text in sorted(texts.items()):
        digest.update(f"{path}\0{len(text)}\0{text}".encode())
    return digest.digest()


def _metadata(
    model: Model, name: str, board: str | None, digest: bytes, files: Mapping[str, bytes]
) -> bytes:
    """The archive's own metadata under the new name, with our record of the module."""
    kept = {key: value for key, value in model.entry.items() if key not in _NOT_KEPT}
    entry = json.loads(rewrite.rename_module(json.dumps(kept), model.c_name, name))
    entry["model_name"] = name
    entry[KEY] = {
        # What our own compiler says of the model, if it wrote the archive.
        **entry.get(KEY, {}),
        "format": FORMAT,
        "name": name,
        "board": board,
        "inputs": [_port(port) for port in model.inputs],
        "outputs": [_port(port) for port in model.outputs],
        "workspace_size": model.workspace_size,
        "digest": digest.hex(),
        "files": {path: hashlib.sha256(data).hexdigest() for path, data in files.items()},
        **model.record,
    }
    version = model.metadata.version
    document = (
        {"modules": {name: entry}, "version": version} if "modules" in model.document else entry
    )
    return (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()


def _port(port: Port) -> dict[str, Any]:
    tensor = port.tensor
    return {
        "name": tensor.name,
        "c_name": port.c_name,
        "dtype": tensor.dtype,
        "shape": list(tensor.shape),
        "size": tensor.size,
    }


def _check_replaceable(folder: Path, model: Model, name: str, force: bool) -> None:
    try:
        existing = read_module(folder)
    except UtvmError:
        what = "exists and was not written by west utvm-compile"
        raise UtvmError(what, where=folder, hint="give another folder with -d") from None
    if force:
        return
    _check_same_model(existing, model, name)
    if edited := existing.edited_files():
        hint = "save your changes elsewhere, then give --force to lose them here"
        raise UtvmError(f"was edited by hand ({edited[0]})", where=folder, hint=hint)


def _check_same_model(existing: GeneratedModule, model: Model, name: str) -> None:
    """A new version of a model replaces the old one; another model that is called the same does
    not, as archives made without --module-name are all called ``default``."""
    tensors = tuple(tuple(port.tensor for port in ports) for ports in (model.inputs, model.outputs))
    if existing.name != name or (existing.inputs, existing.outputs) != tensors:
        what = f"holds another model, '{existing.name}' with other inputs or outputs"
        hint = "give this one a name of its own with -n, or --force to replace that one"
        raise UtvmError(what, where=existing.folder, hint=hint)
