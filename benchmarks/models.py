# SPDX-License-Identifier: Apache-2.0
"""Models: where they are, their C for a CPU, an input, and what must come out."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.machines import Machine
from benchmarks.rig import NAME, Port, Sources, build_host, execute
from west_utvm.errors import UtvmError

if TYPE_CHECKING:
    from west_utvm.compiler import Compiled
    from west_utvm.kernels.options import Optimize
    from west_utvm.tensor import Tensor

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
FOLDER = SHARED / "models" / "mlperf-tiny"
# Of one output, relative and absolute: two C libraries' math.h differ in the last digits.
_FLOAT_TOLERANCE = 1e-5


@dataclass(frozen=True)
class Expected:
    """Outputs of the model for ``data``, the bytes of its inputs; ``by`` computed them."""

    data: bytes
    outputs: tuple[bytes, ...]
    by: str


def find_models(names: Sequence[str]) -> list[Path]:
    """Paths of models: files by their path, those of MLPerf Tiny by the stem of their name.

    None named: all of MLPerf Tiny.
    """
    known = {path.stem: path for path in sorted(FOLDER.glob("*.tflite"))}
    if not names and not known:
        raise UtvmError("has no models", where=FOLDER, hint="name files with --models")
    found = [_find(name, known) for name in names] if names else list(known.values())
    for number, path in enumerate(found):
        if path.stem in (other.stem for other in found[:number]):
            raise UtvmError("is named like another model", where=path, hint="figures go by names")
    return found


def _find(name: str, known: dict[str, Path]) -> Path:
    path = known.get(name, Path(name))
    if not path.is_file():
        listed = ", ".join(known) or f"none in {FOLDER}"
        raise UtvmError("is neither a file nor a known model", where=name, hint=f"known: {listed}")
    return path


def compile_for(
    path: Path,
    machine: Machine,
    optimize: Optimize,
    *,
    io_in_workspace: bool = False,
    without: Sequence[str] = (),
) -> Compiled:
    """The model's C with the kernels for the CPU of ``machine``."""
    from west_utvm.compiler import compile_model

    return compile_model(
        path,
        name=NAME,
        target="c" if machine.port == "riscv.c" else f"c -mcpu={machine.cpu}",
        optimize=optimize,
        io_in_workspace=io_in_workspace,
        without=without,
    )


def sources_of(compiled: Compiled) -> Sources:
    inputs, outputs = (
        tuple(Port(port.c_name, port.tensor.size) for port in side)
        for side in (compiled.model.inputs, compiled.model.outputs)
    )
    return Sources(compiled.files, inputs, outputs)


def expected(path: Path, compiled: Compiled) -> Expected:
    """From TensorFlow Lite Micro where it is installed and takes the model, else our C here."""
    tensors = [port.tensor for port in compiled.model.inputs]
    inputs = [_random(tensor, seed) for seed, tensor in enumerate(tensors)]
    found = _tflite_micro(path, compiled, inputs)
    if found is not None:
        return Expected(b"".join(inputs), found, "tflite-micro")
    with tempfile.TemporaryDirectory() as folder:
        sources = sources_of(compiled)
        program = build_host(sources, Path(folder))
        result = execute([program], Path(folder), b"".join(inputs), sources)
    return Expected(b"".join(inputs), result.outputs, "the same C on this computer")


def check(compiled: Compiled, want: Expected, got: Sequence[bytes]) -> None:
    """UtvmError unless the outputs are the same: integers to the last bit."""
    import numpy as np

    for port, a, b in zip(compiled.model.outputs, got, want.outputs, strict=True):
        if port.tensor.dtype.startswith("float"):
            x, y = (np.frombuffer(data, port.tensor.dtype) for data in (a, b))
            same = np.allclose(x, y, rtol=_FLOAT_TOLERANCE, atol=_FLOAT_TOLERANCE)
        else:
            same = a == b
        if not same:
            raise UtvmError(f"differs from what {want.by} computes", where=f"output {port.c_name}")


def _random(tensor: Tensor, seed: int) -> bytes:
    """Integers over their full range, floats normal; the same for the same model."""
    import numpy as np

    random = np.random.default_rng(seed)
    if tensor.dtype.startswith("float"):
        return random.normal(0, 1, tensor.shape).astype(tensor.dtype).tobytes()
    limits = np.iinfo(tensor.dtype)
    values = random.integers(limits.min, limits.max, tensor.shape, endpoint=True)
    return values.astype(tensor.dtype).tobytes()


def _tflite_micro(
    path: Path, compiled: Compiled, inputs: Sequence[bytes]
) -> tuple[bytes, ...] | None:
    import numpy as np

    try:
        from tflite_micro.python.tflite_micro import runtime
    except ImportError:
        return None
    model = path.read_bytes()
    if model[4:8] != b"TFL3":
        return None
    try:
        arena = 10 * len(model) + (4 << 20)
        interpreter = runtime.Interpreter.from_bytes(model, arena_size=arena)
        for number, (port, data) in enumerate(zip(compiled.model.inputs, inputs, strict=True)):
            value = np.frombuffer(data, port.tensor.dtype).reshape(port.tensor.shape)
            interpreter.set_input(value, number)
        interpreter.invoke()
    except (RuntimeError, ValueError):
        return None
    found = (interpreter.get_output(number) for number in range(len(compiled.model.outputs)))
    return tuple(np.asarray(value).tobytes() for value in found)
