# SPDX-License-Identifier: Apache-2.0
"""Model Library Format archive -> Model: one typed view whatever version wrote it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from west_utvm.errors import UtvmError
from west_utvm.mlf.archive import DAMAGED, read_files
from west_utvm.mlf.header import Header, parse_header
from west_utvm.mlf.metadata import Metadata, entries, parse_document, parse_entry
from west_utvm.mlf.ports import Port, input_ports, output_ports
from west_utvm.mlf.record import recorded_tensors
from west_utvm.tensor import Tensor

_HEADER_NAME = re.compile(r"codegen/host/include/tvmgen_([A-Za-z_]\w*)\.h", re.ASCII)
_SOURCE_NAME = re.compile(r"codegen/host/src/(\w+\.c)", re.ASCII)
_OBJECTS = (".o", ".obj", ".a", ".so")


@dataclass(frozen=True)
class Model:
    """One module of an archive.

    ``sources`` are its C files by their base names, ``objects`` the names of compiled ones.
    ``header`` is None unless the archive has the C interface, and then ``inputs`` and
    ``outputs`` are in the order of its structs. ``document`` is the whole metadata.json and
    ``entry`` the part of it that is this module's; ``files`` are all members of the archive.
    ``relax`` is the imported model as text, "" where the archive has none.

    Filled in by an adaptation, which turns a model without C interface into one with:
    ``has_allocator``, whether its sources define TVMBackendAllocWorkspace, and ``record``, what
    it adds to our record in the module's metadata.json.
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
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    relax: str = field(default="", repr=False)
    has_allocator: bool = False
    record: Mapping[str, Any] = field(default_factory=dict)

    @property
    def c_name(self) -> str:
        """What the module is called in the C interface."""
        return self.header.module if self.header else self.metadata.model_name

    @property
    def relay(self) -> str:
        """The model as Relay text, "" where the archive has none."""
        return _relay_text(self.files, self.metadata.model_name)

    @property
    def pools(self) -> dict[str, int]:
        """Bytes of each workspace pool that the caller brings, by its C name, in calling order."""
        return (
            {pool: self.header.pool_size(pool) for pool in self.header.pools} if self.header else {}
        )

    @property
    def workspace_size(self) -> int:
        """Bytes of workspace; the header's figure is the one the C code was written for."""
        from_header = self.header.workspace_size if self.header else None
        return self.metadata.workspace_size if from_header is None else from_header


def read_archive(path: Path, module: str | None = None) -> Model:
    """Read a model of the archive (or unpacked folder) at ``path``.

    ``module`` names one of several; None is for the only one.
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
    name = _chosen(list(modules), module, path)
    metadata = parse_entry(name, modules[name], document["version"], where)
    if len(modules) > 1:
        files = _own_files(files, name)
    return _model(path, files, metadata, document, modules[name])


def _chosen(names: list[str], module: str | None, path: Path) -> str:
    if module is None and len(names) == 1:
        return names[0]
    if module in names:
        return str(module)
    what = f"holds {len(names)} modules" if module is None else f"holds no module '{module}'"
    hint = f"choose one with --module: {', '.join(names[:20])}" if names else DAMAGED
    raise UtvmError(what, where=path, hint=hint)


def _own_files(files: dict[str, bytes], module: str) -> dict[str, bytes]:
    """Without the generated code of other modules. Names of sources are mangled since version 3,
    and several modules came with version 7 (_populate_codegen_dir, model_library_format.py)."""
    mangled = re.compile(rf"codegen/host/\w+/{re.escape(module)}_lib\d+\.\w+", re.ASCII)
    header = f"codegen/host/include/tvmgen_{module.lower()}.h"
    return {
        name: data
        for name, data in files.items()
        if not name.startswith("codegen/") or name == header or mangled.fullmatch(name)
    }


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
        inputs=_recorded(entry, "inputs", input_ports(metadata, header, relay, path))
        if header
        else (),
        outputs=_recorded(entry, "outputs", output_ports(metadata, header, relay, path))
        if header
        else (),
        sources=_sources(path, files),
        objects=tuple(n for n in files if n.startswith("codegen/host/") and n.endswith(_OBJECTS)),
        document=document,
        entry=entry,
        files=files,
        relax=files.get(f"src/{metadata.model_name}.relax", b"").decode("utf-8", errors="replace"),
    )


def _header(path: Path, files: dict[str, bytes], name: str) -> tuple[Header | None, str]:
    found = [(match[1], file) for file in files if (match := _HEADER_NAME.fullmatch(file))]
    if not found:
        return None, ""
    if len(found) > 1:
        raise UtvmError("has more than one tvmgen_*.h", where=path, hint=DAMAGED)
    [(module, file)] = found
    where = f"{path}: {file}"
    if module.lower() != name.lower():
        raise UtvmError(f"metadata.json calls the module '{name}'", where=where, hint=DAMAGED)
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


def _relay_text(files: Mapping[str, bytes], name: str) -> str:
    for file in (f"src/{name}.relay", "src/relay.txt", "relay.txt"):
        if file in files:
            return files[file].decode("utf-8", errors="replace")
    return ""


def _text(data: bytes, where: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise UtvmError("is not UTF-8 text", where=where, hint=DAMAGED) from None


def _recorded(entry: dict[str, Any], side: str, ports: tuple[Port, ...]) -> tuple[Port, ...]:
    """With the names and shapes that our own compiler recorded, where they suit the sizes."""
    recorded = recorded_tensors(entry, side)

    def tensor(port: Port) -> Tensor:
        given = recorded.get(port.c_name, port.tensor)
        suits = given.dtype == port.tensor.dtype and given.size == port.tensor.size
        return given if suits and all(dim > 0 for dim in given.shape) else port.tensor

    return tuple(replace(port, tensor=tensor(port)) for port in ports)
