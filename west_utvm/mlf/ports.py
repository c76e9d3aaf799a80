# SPDX-License-Identifier: Apache-2.0
"""A model's inputs and outputs, from the three places of an archive that tell of them.

The header has their C names in calling order and, since TVM 0.11, sizes. The metadata has,
since TVM 0.11 too, their names, sizes and dtypes, sorted by name. Relay has the shapes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from west_utvm.errors import UtvmError
from west_utvm.mlf.archive import DAMAGED
from west_utvm.mlf.header import Header
from west_utvm.mlf.metadata import Metadata, TensorSize, tensor_size
from west_utvm.mlf.relay import TensorType, input_types, output_types
from west_utvm.tensor import DTYPE_SIZES, Tensor

_NUMBERED = re.compile(r"output(\d{0,3})", re.ASCII)


@dataclass(frozen=True)
class Port:
    """An input or output: the model's tensor and its field in the C interface's struct."""

    tensor: Tensor
    c_name: str


def input_ports(metadata: Metadata, header: Header, relay: str, where: object) -> tuple[Port, ...]:
    """UtvmError where header and metadata disagree or a size is told nowhere."""
    printed = {c_identifier(name): kind for name, kind in input_types(relay).items()}
    # Relay puts a v in front of a name that begins with no letter.
    kinds = {name: printed.get(name, printed.get(f"v{name}")) for name in header.inputs}
    return _ports(header, metadata.inputs, kinds, where)


def output_ports(metadata: Metadata, header: Header, relay: str, where: object) -> tuple[Port, ...]:
    """UtvmError where header and metadata disagree or a size is told nowhere."""
    names, found = header.outputs, output_types(relay)
    kinds = dict(
        zip(names, found if len(found) == len(names) else [None] * len(names), strict=True)
    )
    return _ports(header, _named_as(names, metadata.outputs), kinds, where)


def c_identifier(name: str) -> str:
    """TVM's SanitizeName (src/runtime/name_transforms.cc): other bytes of UTF-8 become _."""
    return re.sub(r"[^A-Za-z0-9_]", "_", name.encode().decode("latin-1"))


def _named_as(
    names: tuple[str, ...], stated: tuple[TensorSize, ...] | None
) -> tuple[TensorSize, ...] | None:
    """TVM 0.11 numbers the outputs in the metadata and names them in the header."""
    numbers = [_NUMBERED.fullmatch(size.name) for size in stated or ()]
    if not stated or not all(numbers) or len(stated) != len(names):
        return stated
    in_order = sorted(stated, key=lambda size: int(size.name.removeprefix("output") or 0))
    return tuple(replace(size, name=name) for size, name in zip(in_order, names, strict=True))


def _ports(
    header: Header,
    stated: tuple[TensorSize, ...] | None,
    kinds: Mapping[str, TensorType | None],
    where: object,
) -> tuple[Port, ...]:
    """The ports of the C names that are the keys of ``kinds``, in their order."""
    if stated is None:
        stated = tuple(_from_relay(name, kind, where) for name, kind in kinds.items())
    sizes = {c_identifier(size.name): size for size in stated}
    if sizes.keys() != kinds.keys() or len(sizes) != len(stated):
        names = [size.name for size in stated]
        what = f"metadata.json names {names} and the header {list(kinds)}"
        raise UtvmError(what, where=where, hint=DAMAGED)
    for c_name, size in sizes.items():
        _check_size(size, header.tensor_size(c_name), where)
    return tuple(Port(_tensor(sizes[name], kind), name) for name, kind in kinds.items())


def _from_relay(c_name: str, kind: TensorType | None, where: object) -> TensorSize:
    """An older archive's tensor, which goes by its C name."""
    if kind is None or kind[1] not in DTYPE_SIZES:
        what = f"neither metadata.json nor the Relay text tells the size of '{c_name}'"
        raise UtvmError(what, where=where, hint="export it again with a newer TVM, 0.11 to 0.18")
    shape, dtype = kind
    return tensor_size(c_name, dtype, Tensor(c_name, dtype, shape).size, f"{where}: Relay text")


def _check_size(stated: TensorSize, in_header: int | None, where: object) -> None:
    if in_header not in (None, stated.size):
        what = f"metadata.json gives '{stated.name}' {stated.size} bytes and the header {in_header}"
        raise UtvmError(what, where=where, hint=DAMAGED)


def _tensor(stated: TensorSize, kind: TensorType | None) -> Tensor:
    """With Relay's shape where that agrees with the size, else one-dimensional."""
    if kind is not None and kind[1] == stated.dtype:
        shaped = Tensor(stated.name, stated.dtype, kind[0])
        if shaped.size == stated.size:
            return shaped
    return Tensor(stated.name, stated.dtype, (stated.size // DTYPE_SIZES[stated.dtype],))
