# SPDX-License-Identifier: Apache-2.0
"""What a build folder of ``west build`` says of itself."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from west_utvm.errors import UtvmError

_HINT = "build the application first with west build"


class RunsOn(enum.Enum):
    """What executes the firmware of a build."""

    HARDWARE = "hardware"
    QEMU = "QEMU"
    NATIVE = "this computer, through Zephyr's native simulator"


@dataclass(frozen=True)
class BuildDir:
    """One configured image. ``image`` differs from ``top`` with sysbuild.

    ``kconfig`` maps the symbols that ``.config`` sets, without ``CONFIG_`` and quotes.
    """

    top: Path
    image: Path
    kconfig: dict[str, str]

    @property
    def board(self) -> str:
        return self.kconfig.get("BOARD", "unknown")

    @property
    def runs_on(self) -> RunsOn:
        if self.kconfig.get("ARCH_POSIX") == "y":
            return RunsOn.NATIVE
        # Set by every board that QEMU emulates; there is no such symbol for real boards.
        if self.kconfig.get("QEMU_TARGET") == "y":
            return RunsOn.QEMU
        return RunsOn.HARDWARE

    @property
    def clock_note(self) -> str:
        """What to know of times measured here; empty where they are those of a board."""
        if self.runs_on is not RunsOn.QEMU:
            return ""
        if self.kconfig.get("QEMU_ICOUNT") == "y":
            nanoseconds = 1 << int(self.kconfig.get("QEMU_ICOUNT_SHIFT", "0"))
            return f"QEMU's clock is virtual: {nanoseconds} ns per instruction, whatever it does"
        return "QEMU's clock is this computer's: no measure of a board"

    @property
    def elf(self) -> Path:
        """The linked image, by what the build recorded and not by a fixed name."""
        name = self.kconfig.get("KERNEL_BIN_NAME", "zephyr")
        # The native simulator's zephyr.elf is an object that zephyr.exe is linked from.
        recorded = f"{name}.exe" if self.runs_on is RunsOn.NATIVE else _recorded_elf(self.image)
        for candidate in (recorded, f"{name}.elf"):
            path = self.image / "zephyr" / candidate
            if path.is_file():
                return path
        raise UtvmError("has no ELF file", where=self.image / "zephyr", hint=_HINT)


def is_build_dir(folder: Path) -> bool:
    """West's own test: a CMake cache that names a toolchain variant."""
    cache = folder / "CMakeCache.txt"
    return cache.is_file() and "ZEPHYR_TOOLCHAIN_VARIANT" in cache.read_text(errors="replace")


def read_build_dir(top: Path) -> BuildDir:
    """Read the build folder ``top``, its default domain with sysbuild."""
    if not (top / "CMakeCache.txt").is_file():
        raise UtvmError("is not a build folder", where=top, hint=_HINT)
    image = _default_domain(top)
    config = image / "zephyr" / ".config"
    if not config.is_file():
        raise UtvmError("has no zephyr/.config", where=image, hint=_HINT)
    return BuildDir(top, image, _parse_config(config.read_text(errors="replace")))


def _default_domain(top: Path) -> Path:
    path = top / "domains.yaml"
    if not path.is_file():
        return top
    document = _yaml(path)
    domains = document.get("domains")
    for domain in domains if isinstance(domains, list) else []:
        if isinstance(domain, dict) and domain.get("name") == document.get("default"):
            return Path(str(domain.get("build_dir")))
    raise UtvmError("names no default domain", where=path, hint=_HINT)


def _recorded_elf(image: Path) -> str:
    """What runners.yaml names; boards that no runner supports have no such file."""
    path = image / "zephyr" / "runners.yaml"
    config = _yaml(path).get("config") if path.is_file() else None
    return str(config.get("elf_file", "")) if isinstance(config, dict) else ""


def _yaml(path: Path) -> dict[str, Any]:
    import yaml

    try:
        document = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError):
        raise UtvmError("is not YAML", where=path, hint=_HINT) from None
    return document if isinstance(document, dict) else {}


def _parse_config(text: str) -> dict[str, str]:
    pairs = (line[len("CONFIG_") :].split("=", 1) for line in text.splitlines() if _is_set(line))
    return {pair[0]: pair[1].strip('"') for pair in pairs}


def _is_set(line: str) -> bool:
    return line.startswith("CONFIG_") and "=" in line
