# SPDX-License-Identifier: Apache-2.0
"""Model Library Format archive -> Model: one typed view whatever version wrote it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from west_utvm.errors import UtvmError
from west_utvm.mlf.archive import read_files
from west_utvm.mlf.header import Header, parse_header
from west_utvm.mlf.metadata import (
    Metadata,
    TensorSize,
    entries,
    parse_document,
    parse_entry,
    tensor_size,
)
from west_utvm.mlf.names import c_identifier
from west_utvm.mlf.record import recorded_tensors
from west_utvm.mlf.relay import TensorType, input_types, output_types
from west_utvm.tensor import DTYPE_SIZES, Tensor

_HINT = "the archive is damaged or was edited; export it again"
_HEADER_NAME = re.compile(r"codegen/host/include/tvmgen_([A-Za-z_]\w*)\.h", re.ASCII)
_SOURCE_NAME = re.compile(r"codegen/host/src/(\w+\.c)", re.ASCII)
_OBJECTS = (".o", ".obj", ".a", ".so")
_NUMBERED = re.compile(r"output(\d{0,3})")

# A tensor's name in Relay and its type there, by its C name.
_Types = Mapping[str, tuple[str, TensorType]]


@dataclass(frozen=True)
class Port:
    """An input or output: the model's tensor and its field in the C interface's struct."""

    tensor: Tensor
    c_name: str


@dataclass(frozen=True)
class Model:
    """One module of an archive.

    ``sources`` are its C files by their base names, ``objects`` the names of compiled ones.
    ``header`` is None unless the archive has the C interface, and then ``inputs`` and
    ``outputs`` are in the order of its structs. ``document`` is the whole metadata.json and
    ``entry`` the part of it that is this module's.
    """

    metadata: Metadata
    header: Header | None
    header_text: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    sources: Mapping[str, str]
    objects: tuple[str, ...]
    document: dict[str, Any]
    entry: dict[str, Any]

    @property
    def workspace_size(self) -> int:
        """Bytes of workspace; the header's figure is the one the C code was written for."""
        from_header = self.header.workspace_size if self.header else None
        return self.metadata.workspace_size if from_header is None else from_header


def read_archive(path: Path) -> Model:
    """Read the one model of the archive (or unpacked folder) at ``path``.

    Raises UtvmError naming the archive and the member at fault, also where metadata and
    header contradict each other.
    """
    files = read_files(path)
    if "metadata.json" not in files:
        hint = "give a tar that `tvmc compile -f mlf` wrote, or the folder it was unpacked to"
        raise UtvmError("has no metadata.json at its top", where=path, hint=hint)
    where = f"{path}: metadata.json"
    document = parse_document(files["metadata.json"], where)
    modules = entries(document, where)
    if len(modules) != 1:
        what = f"holds {len(modules)} modules, and one is supported"
        raise UtvmError(what, where=path, hint="export each model to an archive of its own")
    [(name, entry)] = modules.items()
    metadata = parse_entry(name, entry, document["version"], where)
    return _model(path, files, metadata, document, entry)


def _model(
    path: Path,
    files: dict[str, bytes],
    metadata: Metadata,
    document: dict[str, Any],
    entry: dict[str, Any],
) -> Model:
    header, header_text = _header(path, files, metadata.model_name)
    relay = _relay_text(files, metadata.model_name)
    return Model(
        metadata=metadata,
        header=header,
        header_text=header_text,
        inputs=_recorded(entry, "inputs", _inputs(metadata, header, relay, path)) if header else (),
        outputs=(
            _recorded(entry, "outputs", _outputs(metadata, header, relay, path)) if header else ()
        ),
        sources=_sources(path, files),
        objects=tuple(n for n in files if n.startswith("codegen/host/") and n.endswith(_OBJECTS)),
        document=document,
        entry=entry,
    )


def _header(path: Path, files: dict[str, bytes], name: str) -> tuple[Header | None, str]:
    found = [(match[1], file) for file in files if (match := _HEADER_NAME.fullmatch(file))]
    if not found:
        return None, ""
    if len(found) > 1:
        raise UtvmError("has more than one tvmgen_*.h", where=path, hint=_HINT)
    [(module, file)] = found
    where = f"{path}: {file}"
    if module.lower() != name.lower():
        raise UtvmError(f"metadata.json calls the module '{name}'", where=where, hint=_HINT)
    text = _text(files[file], where)
    return parse_header(text, module, where), text


def _sources(path: Path, files: dict[str, bytes]) -> dict[str, str]:
    """A source's name becomes part of CMakeLists.txt, so none but TVM's own form is taken."""
    sources = {}
    for file in sorted(files):
        if not file.startswith("codegen/host/src/"):
            continue
        match = _SOURCE_NAME.fullmatch(file)
        if match is None:
            what = "is no C source by its name, and no others are supported"
            raise UtvmError(what, where=f"{path}: {file}", hint="export with --target=c alone")
        sources[match[1]] = _text(files[file], f"{path}: {file}")
    return sources


def _relay_text(files: dict[str, bytes], name: str) -> str:
    for file in (f"src/{name}.relay", "src/relay.txt", "relay.txt"):
        if file in files:
            return files[file].decode("utf-8", errors="replace")
    return ""


def _text(data: bytes, where: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise UtvmError("is not UTF-8 text", where=where, hint=_HINT) from None


def _recorded(entry: dict[str, Any], side: str, ports: tuple[Port, ...]) -> tuple[Port, ...]:
    """With the names and shapes that our own compiler recorded, where they suit the sizes."""
    recorded = recorded_tensors(entry, side)

    def tensor(port: Port) -> Tensor:
        given = recorded.get(port.c_name, port.tensor)
        suits = given.dtype == port.tensor.dtype and given.size == port.tensor.size
        return given if suits and all(dim > 0 for dim in given.shape) else port.tensor

    return tuple(replace(port, tensor=tensor(port)) for port in ports)


def _inputs(metadata: Metadata, header: Header, relay: str, path: Path) -> tuple[Port, ...]:
    printed = {c_identifier(name): (name, kind) for name, kind in input_types(relay).items()}
    with_v = {name: printed[f"v{name}"] for name in header.inputs if f"v{name}" in printed}
    types = {**with_v, **printed}
    return _ports("input", header.inputs, metadata.inputs, types, header, path)


def _outputs(metadata: Metadata, header: Header, relay: str, path: Path) -> tuple[Port, ...]:
    names, stated, kinds = header.outputs, metadata.outputs, output_types(relay)
    types = dict(zip(names, zip(names, kinds, strict=False), strict=False))
    if len(kinds) != len(names):
        types = {}
    if stated and all(_NUMBERED.fullmatch(size.name) for size in stated):
        stated = _named_as(names, stated)
    return _ports("output", names, stated, types, header, path)


def _named_as(names: tuple[str, ...], numbered: tuple[TensorSize, ...]) -> tuple[TensorSize, ...]:
    """TVM 0.11 numbers the outputs in the metadata and names them in the header."""
    in_order = sorted(numbered, key=lambda size: int(size.name.removeprefix("output") or 0))
    if len(names) != len(numbered) or {size.name for size in numbered} == set(names):
        return numbered
    return tuple(replace(size, name=name) for size, name in zip(in_order, names, strict=True))


def _ports(
    kind: str,
    c_names: tuple[str, ...],
    stated: tuple[TensorSize, ...] | None,
    types: _Types,
    header: Header,
    path: Path,
) -> tuple[Port, ...]:
    if stated is None:
        stated = tuple(_from_relay(types.get(name), name, path) for name in c_names)
    sizes = {c_identifier(size.name): size for size in stated}
    if sorted(map(c_identifier, (size.name for size in stated))) != sorted(c_names):
        what = f"metadata.json names the {kind}s {sorted(sizes)} and the header {sorted(c_names)}"
        raise UtvmError(what, where=path, hint=_HINT)
    for c_name in c_names:
        _check_size(sizes[c_name], header.tensor_size(c_name), path)
    return tuple(Port(_tensor(sizes[name], types.get(name)), name) for name in c_names)


def _from_relay(found: tuple[str, TensorType] | None, c_name: str, path: Path) -> TensorSize:
    """An older archive's tensor, whose size only the Relay text tells."""
    if found is None or found[1][1] not in DTYPE_SIZES:
        what = f"neither metadata.json nor the Relay text tells the size of '{c_name}'"
        raise UtvmError(what, where=path, hint="export it again with a newer TVM, 0.11 to 0.18")
    name, (shape, dtype) = found
    if c_identifier(name) != c_name:
        name = c_name
    return tensor_size(name, dtype, Tensor(name, dtype, shape).size, f"{path}: Relay text")


def _check_size(tensor: TensorSize, in_header: int | None, path: Path) -> None:
    if in_header is not None and in_header != tensor.size:
        what = f"metadata.json gives '{tensor.name}' {tensor.size} bytes and the header {in_header}"
        raise UtvmError(what, where=path, hint=_HINT)


def _tensor(size: TensorSize, found: tuple[str, TensorType] | None) -> Tensor:
    """With Relay's shape where that agrees with the size, else one-dimensional."""
    if found is not None:
        shape, dtype = found[1]
        shaped = Tensor(size.name, size.dtype, shape)
        if dtype == size.dtype and shaped.size == size.size:
            return shaped
    return Tensor(size.name, size.dtype, (size.size // DTYPE_SIZES[size.dtype],))
