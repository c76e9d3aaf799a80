# SPDX-License-Identifier: Apache-2.0
"""Tensors in and out as numpy arrays: npz files, fill modes, samples.

A sample is one value for every input. An array may hold one sample, in the tensor's own
shape, or N of them: N times the shape, or the shape with N in place of a leading 1.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from west_utvm.errors import UtvmError
from west_utvm.tensor import Tensor

Array = npt.NDArray[np.generic]

FILL_MODES = ("zeros", "ones", "random")
# More than any test set sent over a serial line; below what could exhaust memory.
_MAX_BYTES = 1 << 30


def load_npz(path: Path) -> dict[str, Array]:
    """The arrays of an ``.npz`` file by name; UtvmError for anything that is not one."""
    hint = "write it with numpy.savez, without Python objects"
    try:
        return _read_npz(path)
    except UtvmError:
        raise
    except FileNotFoundError:
        raise UtvmError("no such file", where=path) from None
    except Exception as error:
        # zipfile and numpy's parser answer damage with whatever exception is nearest.
        raise UtvmError(f"is not an npz file ({error})", where=path, hint=hint) from None


def _read_npz(path: Path) -> dict[str, Array]:
    with zipfile.ZipFile(path) as archive:
        if sum(info.file_size for info in archive.infolist()) > _MAX_BYTES:
            raise UtvmError(f"holds more than {_MAX_BYTES} bytes", where=path)
        if not all(name.endswith(".npy") for name in archive.namelist()):
            raise ValueError("it holds something else than arrays")
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


class Samples:
    """The inputs of ``count`` inferences; ``batched`` if the arrays had a dimension for them."""

    def __init__(self, arrays: Sequence[Array], count: int, batched: bool) -> None:
        self._arrays = arrays
        self.count = count
        self.batched = batched

    def __iter__(self) -> Iterator[list[bytes]]:
        """Each sample as the bytes of its inputs, little endian, row-major."""
        for index in range(self.count):
            yield [array[index].tobytes() for array in self._arrays]


def make_samples(
    tensors: Sequence[Tensor], given: Mapping[str, Array], where: str, *, fill: str, seed: int
) -> Samples:
    """Samples for ``tensors`` from the arrays ``given``; what is not given is filled.

    ``fill`` is one of FILL_MODES, ``seed`` that of ``random``. UtvmError names an array whose
    name, dtype or shape the model does not have.
    """
    _check_names(given, tensors, where)
    stacks = {t.name: _stack(given[t.name], t, where) for t in tensors if t.name in given}
    counts = {name: len(stack) for name, (stack, batched) in stacks.items() if batched}
    if len(set(counts.values())) > 1:
        raise UtvmError(f"arrays hold different numbers of samples {counts}", where=where)
    count = next(iter(counts.values()), 1)
    generator = np.random.default_rng(seed)
    arrays = []
    for tensor in tensors:
        if tensor.name in stacks:
            stack, batched = stacks[tensor.name]
            arrays.append(stack if batched else np.repeat(stack, count, axis=0))
        else:
            arrays.append(_filled(tensor, count, fill, generator))
    return Samples(arrays, count, bool(counts))


def join_outputs(
    tensors: Sequence[Tensor], results: Sequence[Sequence[bytes]], *, batched: bool
) -> dict[str, Array]:
    """The outputs of all samples by tensor name, stacked if the inputs were."""
    joined = {}
    for index, tensor in enumerate(tensors):
        data = b"".join(result[index] for result in results)
        array = np.frombuffer(data, dtype=_little_endian(tensor.dtype))
        shape = _batch_shape(tensor, len(results)) if batched else tensor.shape
        joined[tensor.name] = array.reshape(shape)
    return joined


def save_npz(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write ``arrays``, whole or not at all; the same bytes for the same arrays."""
    part = path.with_name(f".{path.name}.part")
    try:
        # Not numpy.savez, whose keyword arguments forbid some names.
        with zipfile.ZipFile(part, "w") as archive:
            for name, array in arrays.items():
                with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w") as stream:
                    np.lib.format.write_array(stream, np.asarray(array), allow_pickle=False)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UtvmError(f"cannot be written ({error.strerror})", where=path) from None


def _check_names(given: Mapping[str, Array], tensors: Sequence[Tensor], where: str) -> None:
    known = [tensor.name for tensor in tensors]
    for name in given:
        if name not in known:
            hint = f"name the arrays {', '.join(known)}"
            raise UtvmError(f"has an array '{name}' that the model has not", where=where, hint=hint)


def _stack(array: Array, tensor: Tensor, where: str) -> tuple[Array, bool]:
    """``array`` with samples along axis 0, and whether it had that axis itself."""
    if array.dtype != np.dtype(tensor.dtype):
        what = f"array '{tensor.name}' is {array.dtype} and the model takes {tensor.dtype}"
        raise UtvmError(what, where=where, hint="quantize or cast it first")
    stack = np.ascontiguousarray(array, dtype=_little_endian(tensor.dtype))
    if array.shape == tensor.shape:
        return stack.reshape(1, *tensor.shape), False
    count = array.size // max(1, math.prod(tensor.shape))
    if count > 0 and _is_batch(array.shape, tensor, count):
        return stack.reshape(count, *tensor.shape), True
    shown = "x".join(map(str, array.shape)) or "scalar"
    wanted = "x".join(map(str, tensor.shape))
    what = f"array '{tensor.name}' is {shown} and the model takes {wanted}, or N of them"
    raise UtvmError(what, where=where)


def _is_batch(shape: tuple[int, ...], tensor: Tensor, count: int) -> bool:
    if shape in (_batch_shape(tensor, count), (count, *tensor.shape)):
        return True
    # Where the archive tells a size and no shape, any shape of that size is the model's.
    flat = len(tensor.shape) == 1
    return flat and (math.prod(shape[1:]) == tensor.shape[0] and shape[0] == count)


def _batch_shape(tensor: Tensor, count: int) -> tuple[int, ...]:
    rest = tensor.shape[1:] if tensor.shape[0] == 1 and len(tensor.shape) > 1 else tensor.shape
    return (count, *rest)


def _filled(tensor: Tensor, count: int, fill: str, generator: np.random.Generator) -> Array:
    shape = (count, *tensor.shape)
    dtype = np.dtype(tensor.dtype)
    if fill != "random":
        return np.full(shape, {"zeros": 0, "ones": 1}[fill], dtype=_little_endian(tensor.dtype))
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return generator.integers(info.min, info.max, shape, dtype, endpoint=True)
    if dtype.kind == "b":
        return generator.integers(0, 2, shape).astype(dtype)
    return generator.standard_normal(shape).astype(dtype)


def _little_endian(dtype: str) -> np.dtype[np.generic]:
    return np.dtype(dtype).newbyteorder("<")
