# SPDX-License-Identifier: Apache-2.0
"""Builds small executables with the real compilers, and asks binutils about them."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

FIRMWARE = Path(__file__).parent / "firmware"
ARM = "arm-none-eabi-"
Compile = Callable[..., Path]
_MEMORY_ROW = re.compile(r" *(\w+): +(\d+) ([KMG]?B) ")
_UNITS = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}


@dataclass(frozen=True)
class Built:
    """An executable; ``used`` is ld's own table, as ``west build`` prints it."""

    elf: Path
    prefix: str
    used: dict[str, int] = field(default_factory=dict)

    def tool(self, name: str, *arguments: str | Path) -> str:
        return run([f"{self.prefix}{name}", *arguments, self.elf])

    def size(self) -> tuple[int, int, int]:
        """text, data and bss in Berkeley format."""
        text, data, bss = self.tool("size").splitlines()[1].split()[:3]
        return int(text), int(data), int(bss)

    def binary_size(self) -> int:
        """The size of the flash image that objcopy makes of it, as Zephyr's build does."""
        binary = self.elf.with_suffix(".bin")
        run([f"{self.prefix}objcopy", "-O", "binary", self.elf, binary])
        return binary.stat().st_size


def run(command: Sequence[str | Path], cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def require(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")


def compile_arm(source: Path, folder: Path, *flags: str) -> Path:
    """Compile to an object in ``folder``, whose file symbol is the name of ``source``."""
    options = ("-mcpu=cortex-m3", "-mthumb", "-O1", "-g", "-ffreestanding")
    return _compile(f"{ARM}gcc", source, folder, *options, *flags)


def compile_host(source: Path, folder: Path, *flags: str) -> Path:
    return _compile("gcc", source, folder, *flags)


def _compile(compiler: str, source: Path, folder: Path, *flags: str) -> Path:
    require(compiler)
    target = folder / f"{source.stem}.o"
    run([compiler, *flags, "-I", FIRMWARE, "-c", source, "-o", target])
    return target


def link_arm(objects: Sequence[Path], layout: str, elf: Path, *flags: str) -> Built:
    require(f"{ARM}gcc")
    options = ["-mcpu=cortex-m3", "-mthumb", "-nostdlib", *flags]
    script = ("-L", FIRMWARE, "-T", FIRMWARE / f"{layout}.ld", "-lgcc")
    wanted = f"-Wl,-Map={elf.with_suffix('.map')},--print-memory-usage,--no-warn-rwx-segments"
    printed = run([f"{ARM}gcc", *options, *objects, *script, wanted, "-o", elf])
    rows = _MEMORY_ROW.findall(printed)
    return Built(elf, ARM, {name: int(size) * _UNITS[unit] for name, size, unit in rows})


def build_model(
    folder: Path, name: str, weights: int, workspace: int, build: Compile = compile_arm
) -> list[Path]:
    """The objects of a small model, under the file names that its module has."""
    flags = [f"-DMODEL={name}", f"-DWEIGHTS={weights}", f"-DWORKSPACE={workspace}"]
    objects = []
    for part in ("lib0", "lib1", "model"):
        source = folder / f"{name}_{part}.c"
        shutil.copy(FIRMWARE / f"{part}.c", source)
        objects.append(build(source, folder, *flags))
    return objects


def own_sizes(objects: Sequence[Path], prefix: str = ARM) -> dict[str, int]:
    """Code, weights and workspace of object files, from ``nm``, aliases counted once."""
    parts = {"t": "code", "r": "weights", "d": "weights", "b": "workspace"}
    seen = {
        (path, kind.lower(), address): int(size, 16)
        for path in objects
        for address, size, kind in re.findall(
            r"^([0-9a-f]+) ([0-9a-f]+) ([tTrRdDbB]) ", run([f"{prefix}nm", "-S", path]), re.M
        )
    }
    sums = dict.fromkeys(parts.values(), 0)
    for (_, kind, _), size in seen.items():
        sums[parts[kind]] += size
    return sums
