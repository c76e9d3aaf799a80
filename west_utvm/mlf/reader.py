# SPDX-License-Identifier: Apache-2.0
"""Model Library Format archive -> Model: one typed view whatever version wrote it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
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
)
from west_utvm.mlf.relay import TensorType, input_types, output_types
from west_utvm.tensor import DTYPE_SIZES, Tensor

_HINT = "the archive is damaged or was edited; export it again"
_HEADER_NAME = re.compile(r"codegen/host/include/tvmgen_([A-Za-z_]\w*)\.h")


@dataclass(frozen=True)
class Port:
    """An input or output: the model's tensor and its field in the C interface's struct."""

    tensor: Tensor
    c_name: str


@dataclass(frozen=True)
class Model:
    """One module of an archive.

    ``sources`` and ``objects`` are the files under ``codegen/host`` by their base names;
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
    objects: Mapping[str, bytes]
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
    header, header_text = _header(path, files)
    relay = _relay_text(files, metadata.model_name)
    return Model(
        metadata=metadata,
        header=header,
        header_text=header_text,
        inputs=_inputs(metadata, header, relay, path) if header else (),
        outputs=_outputs(metadata, header, relay, path) if header else (),
        sources={
            Path(name).name: _text(data, f"{path}: {name}")
            for name, data in files.items()
            if name.startswith("codegen/host/src/") and name.endswith(".c")
        },
        objects={
            Path(name).name: data
            for name, data in files.items()
            if name.startswith("codegen/host/") and name.endswith((".o", ".obj", ".a", ".so"))
        },
        document=document,
        entry=entry,
    )


def _header(path: Path, files: dict[str, bytes]) -> tuple[Header | None, str]:
    found = [(match[1], name) for name in files if (match := _HEADER_NAME.fullmatch(name))]
    if not found:
        return None, ""
    if len(found) > 1:
        raise UtvmError("has more than one tvmgen_*.h", where=path, hint=_HINT)
    [(module, name)] = found
    where = f"{path}: {name}"
    text = _text(files[name], where)
    return parse_header(text, module, where), text


def _relay_text(files: dict[str, bytes], name: str) -> str:
    for member in (f"src/{name}.relay", "src/relay.txt"):
        if member in files:
            return files[member].decode("utf-8", errors="replace")
    return ""


def _text(data: bytes, where: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise UtvmError("is not UTF-8 text", where=where, hint=_HINT) from None


def _inputs(metadata: Metadata, header: Header, relay: str, path: Path) -> tuple[Port, ...]:
    types = {c_identifier(name): (name, kind) for name, kind in input_types(relay).items()}
    sizes = metadata.inputs
    if sizes is None:
        sizes = tuple(_from_relay(types.get(name), name, path) for name in header.inputs)
    kinds = dict(types.values())
    return _ports("input", header.inputs, sizes, kinds, header, path)


def _outputs(metadata: Metadata, header: Header, relay: str, path: Path) -> tuple[Port, ...]:
    types = output_types(relay)
    if len(types) != len(header.outputs):
        types = []
    sizes = metadata.outputs
    if sizes is None:
        names = header.outputs
        known = dict(zip(names, types, strict=False))
        sizes = tuple(
            _from_relay((name, known[name]) if name in known else None, name, path)
            for name in names
        )
    kinds = dict(zip((size.name for size in sizes), types, strict=False))
    return _ports("output", header.outputs, sizes, kinds, header, path)


def _from_relay(found: tuple[str, TensorType] | None, c_name: str, path: Path) -> TensorSize:
    """An older archive's tensor, whose size only the Relay text tells."""
    if found is None or found[1][1] not in DTYPE_SIZES:
        what = f"neither metadata.json nor the Relay text tells the size of '{c_name}'"
        raise UtvmError(what, where=path, hint="export it again with a newer TVM, 0.10 to 0.18")
    name, (shape, dtype) = found
    return TensorSize(name, dtype, Tensor(name, dtype, shape).size)


def _ports(
    kind: str,
    c_names: tuple[str, ...],
    sizes: tuple[TensorSize, ...],
    types: dict[str, TensorType],
    header: Header,
    path: Path,
) -> tuple[Port, ...]:
    by_c_name = {c_identifier(size.name): size for size in sizes}
    if set(by_c_name) != set(c_names) or len(sizes) != len(c_names):
        what = (
            f"metadata.json names the {kind}s {sorted(by_c_name)} and the header {sorted(c_names)}"
        )
        raise UtvmError(what, where=path, hint=_HINT)
    for c_name in c_names:
        _check_size(by_c_name[c_name], header.tensor_size(c_name), path)
    return tuple(Port(_tensor(by_c_name[name], types), name) for name in c_names)


def _check_size(tensor: TensorSize, in_header: int | None, path: Path) -> None:
    if in_header is not None and in_header != tensor.size:
        what = f"metadata.json gives '{tensor.name}' {tensor.size} bytes and the header {in_header}"
        raise UtvmError(what, where=path, hint=_HINT)


def _tensor(size: TensorSize, types: dict[str, TensorType]) -> Tensor:
    flat = Tensor(size.name, size.dtype, (size.size // DTYPE_SIZES[size.dtype],))
    if size.name not in types:
        return flat
    shape, dtype = types[size.name]
    shaped = Tensor(size.name, size.dtype, shape)
    return shaped if dtype == size.dtype and shaped.size == size.size else flat


def c_identifier(name: str) -> str:
    """TVM's SanitizeName (src/relay/backend/name_transforms.cc): other characters become _."""
    return re.sub(r"[^A-Za-z0-9_]", "_", name)
