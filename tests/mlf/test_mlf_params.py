# SPDX-License-Identifier: Apache-2.0
"""Parameter files: what tvmc wrote, every dtype, and every way to be damaged."""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Sequence

import pytest

from tests.archives import archive, refusal, unpack
from west_utvm.errors import UtvmError
from west_utvm.mlf.params import Parameter, read_params
from west_utvm.tensor import DTYPE_SIZES

DIGITS = unpack(archive("digits_graph"))["parameters/default.params"]
LIST = 0xF7E58D4F05049CB7
ARRAY = 0xDD5E40F096B4A13F


def array(
    data: bytes,
    shape: Sequence[int],
    *,
    code: int = 0,
    bits: int = 8,
    lanes: int = 1,
    device: int = 1,
    device_id: int = 0,
    magic: int = ARRAY,
    ndim: int | None = None,
    size: int | None = None,
) -> bytes:
    """One array as TVM saves it, which may say of itself what is not true."""
    head = struct.pack("<QQ", magic, 0)
    head += struct.pack("<iii", device, device_id, len(shape) if ndim is None else ndim)
    head += struct.pack("<BBH", code, bits, lanes)
    head += struct.pack(f"<{len(shape)}q", *shape)
    return head + struct.pack("<q", len(data) if size is None else size) + data


def params(*named: tuple[bytes, bytes], magic: int = LIST, count: int | None = None) -> bytes:
    names = b"".join(struct.pack("<Q", len(name)) + name for name, _ in named)
    data = struct.pack("<QQQ", magic, 0, len(named)) + names
    data += struct.pack("<Q", len(named) if count is None else count)
    return data + b"".join(item for _, item in named)


def test_real_file() -> None:
    found = read_params(DIGITS, "x")
    assert sorted(found, key=lambda name: int(name[1:])) == [f"p{n}" for n in range(24)]
    assert found["p0"] == Parameter("int16", (), struct.pack("<h", -128))
    assert (found["p1"].dtype, found["p1"].shape) == ("int16", (3, 3, 1, 12))
    assert all(len(p.data) == math.prod(p.shape) * DTYPE_SIZES[p.dtype] for p in found.values())


def test_empty_file_of_linked_parameters() -> None:
    assert (
        read_params(unpack(archive("digits_graph_linked"))["parameters/default.params"], "") == {}
    )


@pytest.mark.parametrize("dtype", DTYPE_SIZES)
def test_dtypes(dtype: str) -> None:
    code = {"i": 0, "u": 1, "f": 2, "b": 1}[dtype[0]]
    bits = 1 if dtype == "bool" else int(dtype.lstrip("uintfloa"))
    data = bytes(range(6 * DTYPE_SIZES[dtype]))
    saved = params((b"w", array(data, (2, 3), code=code, bits=bits)))
    assert read_params(saved, "x") == {"w": Parameter(dtype, (2, 3), data)}


GOOD = array(b"abcdef", (2, 3))
DAMAGED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "ends at byte 0, in the middle of a parameter"),
    "no list": (params(magic=1), "is no list of parameters (0x0000000000000001 is not 0xf7e58d"),
    "no array": (params((b"w", array(b"a", (1,), magic=2))), "is no array for 'w' (0x000000000000"),
    "names without end": (
        struct.pack("<QQQ", LIST, 0, 1 << 60),
        "claims 1152921504606846976 param",
    ),
    "name too long": (struct.pack("<QQQQ", LIST, 0, 1, 1 << 40) + b"a" * 8, "ends at byte 40"),
    "name no text": (params((b"\xff", GOOD)), "has a parameter's name that is not UTF-8"),
    "twice": (params((b"w", GOOD), (b"w", GOOD)), "has two parameters of one name"),
    "fewer arrays": (params((b"w", GOOD), count=0), "has 1 names and 0 arrays"),
    "more arrays": (params((b"w", GOOD), count=2), "claims 2 parameters"),
    "bytes behind": (params((b"w", GOOD)) + b"x", "has 1 bytes after its end"),
    "GPU": (params((b"w", array(b"a", (1,), device=2))), "parameter 'w' is of device 2, and not"),
    "second CPU": (params((b"w", array(b"a", (1,), device_id=1))), "is of device 1, and not"),
    "bfloat16": (
        params((b"w", array(b"ab", (1,), code=4, bits=16))),
        "unsupported dtype 'bfloat16'",
    ),
    "int4": (params((b"w", array(b"a", (2,), bits=4))), "unsupported dtype 'int4'"),
    "vectors": (params((b"w", array(b"abcd", (1,), lanes=4))), "unsupported dtype 'int8x4'"),
    "unknown type": (params((b"w", array(b"a", (1,), code=9))), "unsupported dtype 'type 9 of 8'"),
    "negative ndim": (params((b"w", array(b"a", (), ndim=-1))), "has -1 dimensions"),
    "huge ndim": (params((b"w", array(b"a", (), ndim=1 << 30))), "has 1073741824 dimensions"),
    "no elements": (params((b"w", array(b"", (2, 0)))), "has 0 bytes, which int8 [2, 0] has not"),
    "negative shape": (params((b"w", array(b"a", (-1, -1)))), "which int8 [-1, -1] has not"),
    "huge shape": (params((b"w", array(b"a", (1 << 40, 1 << 40)))), "has 1 bytes, which int8"),
    "size of another": (params((b"w", array(b"abc", (2,)))), "has 3 bytes, which int8 [2] has not"),
    "negative size": (params((b"w", array(b"", (1,), size=-1))), "has -1 bytes, which int8 [1]"),
    "data cut off": (params((b"w", array(b"a", (9,), size=9))), "in the middle of a parameter"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged(case: str) -> None:
    data, reason = DAMAGED[case]
    line = refusal(read_params, data, "model.tar: p.params")
    assert line.startswith("model.tar: p.params: ") and reason in line
    assert line.endswith("; the archive is damaged or was edited; export it again")


def test_truncated_anywhere() -> None:
    for length in {*range(0, 2500), *range(2500, len(DIGITS), 97), len(DIGITS) - 1}:
        assert "model" in refusal(read_params, DIGITS[:length], "model")


def test_flipped_bits() -> None:
    """A thousand damaged files: an error, or parameters of the same names' number and sizes."""
    chance = random.Random(7)
    errors = 0
    for _ in range(1000):
        data = bytearray(DIGITS[:3000])
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        try:
            found = read_params(bytes(data) + DIGITS[3000:], "model")
        except UtvmError as error:
            errors += 1
            assert str(error).isprintable()
        else:
            assert len(found) == 24
            for parameter in found.values():
                size = math.prod(parameter.shape) * DTYPE_SIZES[parameter.dtype]
                assert len(parameter.data) == size
    assert errors > 100
