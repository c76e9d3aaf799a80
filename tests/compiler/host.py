# SPDX-License-Identifier: Apache-2.0
"""Builds the C that the compiler wrote and runs it: here with sanitizers, and on a Cortex-M."""

from __future__ import annotations

import re
import struct
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ..bare_metal.boards import (
    BARE_METAL,
    HOST_PORT,
    PORT_STATUS,
    SANITIZERS,
    WARNINGS,
    command,
    compile_c,
)
from ..bare_metal.boards import build as build_board
from .reference import Run, Signature, Tensor
from .tflite_graph import Array

BENCH = Path(__file__).parent / "bench"
# What the harness says with its exit status.
STATUS = {3: "run returned an error", 4: "the model wrote to an input", **PORT_STATUS}


@dataclass(frozen=True)
class Program:
    """An executable with one model in it."""

    executable: Path
    signature: Signature
    command: tuple[str, ...]

    def run(self, inputs: Sequence[Sequence[Array]]) -> list[Run]:
        """Outputs of every sample; ``written[i]`` is empty where operator i was not traced."""
        folder = self.executable.parent
        stream = _stream(inputs)
        (folder / "input.bin").write_bytes(stream)
        done = subprocess.run(
            self.command, input=stream, cwd=folder, capture_output=True, timeout=300, check=False
        )
        said = done.stderr.decode(errors="replace")[-3000:]
        reason = STATUS.get(done.returncode, f"exit status {done.returncode}")
        assert done.returncode == 0, f"{reason}\n{said}"
        out = folder / "output.bin"
        records = list(_records(out.read_bytes() if out.exists() else done.stdout))
        return list(_runs(records, self.signature, len(inputs)))


def build_host(
    files: Mapping[str, str],
    name: str,
    signature: Signature,
    folder: Path,
    *flags: str,
    sanitize: bool = True,
) -> Program:
    """With warnings as errors; ``-DUTVM_TRACE`` in ``flags`` for a trace."""
    sources = _write(files, name, signature, folder)
    target = folder / "model"
    checks = ("-O1", *SANITIZERS) if sanitize else ("-O2",)
    compile_c(
        "gcc",
        *checks,
        *WARNINGS,
        *flags,
        *sources,
        BENCH / "main.c",
        HOST_PORT,
        *_includes(folder),
        "-lm",
        "-o",
        target,
    )
    return Program(target, signature, (str(target),))


def build_arm(
    files: Mapping[str, str],
    name: str,
    signature: Signature,
    folder: Path,
    *flags: str,
    cpu: str = "cortex-m3",
) -> Program:
    """Bare metal for the board with this CPU, run by QEMU."""
    sources = _write(files, name, signature, folder)
    target = folder / "model.elf"
    arguments = ("-O2", *WARNINGS, *flags, *sources, BENCH / "main.c", *_includes(folder))
    build_board(cpu, target, arguments)
    return Program(target, signature, command(cpu, target))


def _includes(folder: Path) -> tuple[str | Path, ...]:
    return ("-I", folder, "-I", folder / "include", "-I", BENCH, "-I", BARE_METAL)


def _write(files: Mapping[str, str], name: str, signature: Signature, folder: Path) -> list[Path]:
    """Write the compiler's files and the harness's header; the sources to compile."""
    for relative, text in files.items():
        path = folder / relative
        assert path.resolve().is_relative_to(folder.resolve()), relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    header = files[f"include/tvmgen_{name}.h"]
    (folder / "harness.h").write_text(_harness(header, name, signature))
    return [folder / relative for relative in sorted(files) if relative.endswith(".c")]


def _harness(header: str, name: str, signature: Signature) -> str:
    """Members of the structs are in the order of the model's inputs and outputs."""
    lines = [f'#include "tvmgen_{name}.h"', f"#define MODEL_RUN tvmgen_{name}_run"]
    for kind, tensors in (("inputs", signature.inputs), ("outputs", signature.outputs)):
        members = struct_members(header, f"tvmgen_{name}_{kind}")
        rows = zip(members, tensors, strict=True)
        table = " ".join(f"X({member}, {_size(tensor)}U)" for member, tensor in rows)
        lines.append(f"#define MODEL_{kind.upper()}(X) {table}")
        lines.append(f"#define MODEL_STRUCT_{kind.upper()} tvmgen_{name}_{kind}")
        lines.append(f"#define MODEL_MAP_{kind.upper()} tvmgen_{name}_map_{kind}")
    pool = f"TVMGEN_{name.upper()}_SRAM_WORKSPACE_POOL_SIZE"
    if pool in header:
        lines.append(f"#define MODEL_STRUCT_POOLS tvmgen_{name}_workspace_pools")
        lines.append(f"#define MODEL_POOL_SIZE {pool}")
    return "\n".join([*lines, ""])


def struct_members(header: str, name: str) -> list[str]:
    plain = re.sub(r"/\*.*?\*/|//[^\n]*", " ", header, flags=re.S)
    found = re.search(rf"struct\s+{re.escape(name)}\s*\{{(.*?)\}}", plain, re.S)
    assert found, f"no struct {name} in the header"
    return re.findall(r"void\s*\*\s*(\w+)\s*;", found[1])


def _size(tensor: Tensor) -> int:
    return int(np.prod(tensor.shape)) * tensor.dtype.itemsize


def _stream(inputs: Sequence[Sequence[Array]]) -> bytes:
    parts = [struct.pack("<I", len(inputs))]
    parts += [np.ascontiguousarray(value).tobytes() for sample in inputs for value in sample]
    return b"".join(parts)


def _records(stream: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset < len(stream):
        what, size = struct.unpack_from("<iI", stream, offset)
        yield what, stream[offset + 8 : offset + 8 + size]
        offset += 8 + size


def _runs(records: list[tuple[int, bytes]], what: Signature, samples: int) -> Iterator[Run]:
    position = 0
    for _ in range(samples):
        written: list[list[Array]] = [[] for _ in what.written]
        outputs: list[Array] = []
        while len(outputs) < len(what.outputs):
            index, data = records[position]
            position += 1
            if index < 0:
                outputs.append(_array(data, what.outputs[-1 - index]))
            else:
                tensor = what.written[index][len(written[index])]
                written[index].append(_array(data, tensor))
        yield Run(outputs, written)
    assert position == len(records), "the program wrote more than it was asked for"


def _array(data: bytes, tensor: Tensor) -> Array:
    assert len(data) == _size(tensor), f"{tensor}: {len(data)} bytes"
    return np.frombuffer(data, tensor.dtype).reshape(tensor.shape)


def check(got: Sequence[Array], want: Sequence[Array], where: str = "") -> None:
    """Fail unless all are equal to the last bit."""
    __tracebackhide__ = True
    wrong = differences(got, want)
    if wrong:
        pytest.fail(f"{where}{wrong}")


def differences(got: Sequence[Array], want: Sequence[Array]) -> str:
    """Empty if all are equal to the last bit; else where they first differ, and by how much."""
    for number, (a, b) in enumerate(zip(got, want, strict=True)):
        if a.shape != b.shape:
            return f"tensor {number}: shape {a.shape}, not {b.shape}"
        if a.tobytes() != b.tobytes():
            return f"tensor {number}: {_first(a, b)}"
    return ""


def _first(a: Array, b: Array) -> str:
    where = np.argwhere(a != b)
    if not len(where):
        return "equal but for the sign of zero or for NaN"
    at: Any = tuple(where[0])
    spread = np.abs(a.astype(np.float64) - b.astype(np.float64)).max()
    place = tuple(int(index) for index in at)
    return f"{len(where)} of {a.size} differ by up to {spread:g}: {a[at]}, not {b[at]}, at {place}"
