# SPDX-License-Identifier: Apache-2.0
"""``parameters/<module>.params``: weights by name, in TVM's NDArray-dict format.

All numbers are little-endian. ``list magic u64, reserved u64``, then the names: ``count u64``
and for each ``length u64, bytes``; then the arrays: ``count u64`` and for each ``magic u64,
reserved u64, device type i32, device id i32, ndim i32, dtype code u8, bits u8, lanes u16,
shape i64[ndim], size in bytes i64, data`` (TVM's SaveParams, src/runtime/file_utils.cc, and
SaveDLTensor, include/tvm/runtime/ndarray.h; unchanged from v0.8 to v0.18). The data is
contiguous and row-major: the format has no strides.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from west_utvm.errors import UtvmError
from west_utvm.mlf.archive import DAMAGED
from west_utvm.tensor import DTYPE_SIZES

_LIST_MAGIC = 0xF7E58D4F05049CB7
_ARRAY_MAGIC = 0xDD5E40F096B4A13F
_CPU = 1  # kDLCPU
_MAX_DIMENSIONS = 16

# DLPack's type code and bits; a bool is an unsigned integer of one bit, in a byte.
_DTYPES = {
    **{(0, bits): f"int{bits}" for bits in (8, 16, 32, 64)},
    **{(1, bits): f"uint{bits}" for bits in (8, 16, 32, 64)},
    **{(2, bits): f"float{bits}" for bits in (16, 32, 64)},
    (1, 1): "bool",
}
_CODES = {0: "int", 1: "uint", 2: "float", 3: "handle", 4: "bfloat", 5: "complex"}


@dataclass(frozen=True)
class Parameter:
    """``data`` is row-major and little-endian, of exactly the size of dtype times shape."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes


# What tvmc wrote where the weights are in the C sources: a list of nothing.
EMPTY = struct.pack("<QQQQ", _LIST_MAGIC, 0, 0, 0)


def read_params(data: bytes, where: str) -> dict[str, Parameter]:
    """The parameters of a file by name; UtvmError naming ``where`` if it is not of the format."""
    reader = _Reader(data, where)
    reader.expect(_LIST_MAGIC, "list of parameters")
    names = [reader.name() for _ in range(reader.count(8))]
    count = reader.count(32)
    if count != len(names):
        raise reader.error(f"has {len(names)} names and {count} arrays")
    if len(set(names)) != count:
        raise reader.error("has two parameters of one name")
    parameters = {name: _array(reader, name) for name in names}
    if reader.at != len(data):
        raise reader.error(f"has {len(data) - reader.at} bytes after its end")
    return parameters


class _Reader:
    def __init__(self, data: bytes, where: str) -> None:
        self.data = data
        self.where = where
        self.at = 0

    def error(self, what: str) -> UtvmError:
        return UtvmError(what, where=self.where, hint=DAMAGED)

    def take(self, size: int) -> bytes:
        if size > len(self.data) - self.at:
            raise self.error(f"ends at byte {len(self.data)}, in the middle of a parameter")
        self.at += size
        return self.data[self.at - size : self.at]

    def unpack(self, form: str) -> tuple[int, ...]:
        return struct.unpack(f"<{form}", self.take(struct.calcsize(f"<{form}")))

    def expect(self, magic: int, what: str) -> None:
        found, _reserved = self.unpack("QQ")
        if found != magic:
            raise self.error(f"is no {what} (0x{found:016x} is not 0x{magic:016x})")

    def count(self, smallest: int) -> int:
        """How many items follow, each of ``smallest`` bytes or more."""
        [count] = self.unpack("Q")
        if count > (len(self.data) - self.at) // smallest:
            raise self.error(f"claims {count} parameters, more than it has room for")
        return count

    def name(self) -> str:
        [length] = self.unpack("Q")
        try:
            return self.take(length).decode("utf-8")
        except UnicodeDecodeError:
            raise self.error("has a parameter's name that is not UTF-8") from None


def _array(reader: _Reader, name: str) -> Parameter:
    reader.expect(_ARRAY_MAGIC, f"array for '{name}'")
    device, device_id, ndim, code, bits, lanes = reader.unpack("iiiBBH")
    if (device, device_id) != (_CPU, 0):
        raise reader.error(f"parameter '{name}' is of device {device}, and not of the CPU")
    if not 0 <= ndim <= _MAX_DIMENSIONS:
        raise reader.error(f"parameter '{name}' has {ndim} dimensions")
    dtype = _DTYPES.get((code, bits))
    if dtype is None or lanes != 1:
        shown = f"{_CODES.get(code, f'type {code} of ')}{bits}" + f"x{lanes}" * (lanes != 1)
        raise reader.error(f"parameter '{name}' has the unsupported dtype '{shown}'")
    shape = reader.unpack(f"{ndim}q")
    [size] = reader.unpack("q")
    if any(dim <= 0 for dim in shape) or math.prod(shape) * DTYPE_SIZES[dtype] != size:
        what = f"parameter '{name}' has {size} bytes, which {dtype} {list(shape)} has not"
        raise reader.error(what)
    return Parameter(dtype, shape, reader.take(size))
