# SPDX-License-Identifier: Apache-2.0
"""What is read from the files of a build folder, as Zephyr writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from west_utvm.errors import UtvmError
from west_utvm.workspace.build_dir import RunsOn, read_build_dir

QEMU = (
    'CONFIG_BOARD="mps2"\nCONFIG_QEMU_TARGET=y\nCONFIG_QEMU_ICOUNT=y\nCONFIG_QEMU_ICOUNT_SHIFT=7\n'
)
NATIVE = 'CONFIG_BOARD="native_sim"\nCONFIG_ARCH_POSIX=y\n'
NUCLEO = 'CONFIG_BOARD="nucleo_f746zg"\n# CONFIG_QEMU_TARGET is not set\n'


def build(folder: Path, config: str, **files: str) -> Path:
    (folder / "zephyr").mkdir(parents=True)
    (folder / "CMakeCache.txt").write_text("ZEPHYR_TOOLCHAIN_VARIANT:STRING=gnuarmemb\n")
    (folder / "zephyr" / ".config").write_text(f"#\n# Zephyr\n#\n{config}")
    for name, text in files.items():
        (folder / "zephyr" / name.replace("__", ".")).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("config", "runs_on", "note"),
    [
        (QEMU, RunsOn.QEMU, "QEMU's clock is virtual: 128 ns per instruction, whatever it does"),
        (QEMU.replace("ICOUNT=y", "ICOUNT=n"), RunsOn.QEMU, "this computer's: no measure"),
        (NATIVE, RunsOn.NATIVE, ""),
        (NUCLEO, RunsOn.HARDWARE, ""),
    ],
)
def test_what_runs_it_and_whose_clock_it_has(
    config: str, runs_on: RunsOn, note: str, tmp_path: Path
) -> None:
    found = read_build_dir(build(tmp_path / "b", config))
    assert found.runs_on is runs_on
    assert note in found.clock_note and bool(note) is bool(found.clock_note)


@pytest.mark.parametrize(
    ("config", "files", "elf"),
    [
        (NUCLEO, {"runners__yaml": "config:\n  elf_file: app.elf\n", "app__elf": ""}, "app.elf"),
        (QEMU, {"zephyr__elf": ""}, "zephyr.elf"),
        (QEMU + 'CONFIG_KERNEL_BIN_NAME="fw"\n', {"fw__elf": "", "zephyr__elf": ""}, "fw.elf"),
        (
            NATIVE,
            {
                "runners__yaml": "config:\n  elf_file: zephyr.elf\n",
                "zephyr__elf": "",
                "zephyr__exe": "",
            },
            "zephyr.exe",
        ),
    ],
)
def test_the_elf_is_the_one_that_was_linked(
    config: str, files: dict[str, str], elf: str, tmp_path: Path
) -> None:
    assert read_build_dir(build(tmp_path / "b", config, **files)).elf.name == elf


def test_with_sysbuild_it_is_the_default_domain(tmp_path: Path) -> None:
    image = build(tmp_path / "b" / "app", QEMU, zephyr__elf="")
    (tmp_path / "b" / "CMakeCache.txt").write_text("ZEPHYR_TOOLCHAIN_VARIANT:STRING=x\n")
    (tmp_path / "b" / "domains.yaml").write_text(
        "default: app\ndomains:\n"
        f"  - name: mcuboot\n    build_dir: {tmp_path / 'b' / 'mcuboot'}\n"
        f"  - name: app\n    build_dir: {image}\n"
    )
    found = read_build_dir(tmp_path / "b")
    assert (found.top, found.image) == (tmp_path / "b", image)
    assert found.elf == image / "zephyr" / "zephyr.elf"


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda top: (top / "CMakeCache.txt").unlink(), "is not a build folder"),
        (lambda top: (top / "zephyr" / ".config").unlink(), "has no zephyr/.config"),
        (lambda top: (top / "domains.yaml").write_text("[1"), "is not YAML"),
        (lambda top: (top / "domains.yaml").write_text("default: x\n"), "names no default domain"),
        (lambda top: (top / "domains.yaml").write_bytes(b"\xff\xfe"), "is not YAML"),
        (lambda top: None, "has no ELF file; build the application first"),
    ],
)
def test_folders_that_are_no_finished_build(spoil: object, complaint: str, tmp_path: Path) -> None:
    top = build(tmp_path / "b", QEMU)
    assert callable(spoil)
    spoil(top)
    with pytest.raises(UtvmError) as caught:
        _ = read_build_dir(top).elf
    assert complaint in str(caught.value)
