# SPDX-License-Identifier: Apache-2.0
"""Shares of models, against what nm says of their object files before they are linked."""

from __future__ import annotations

import re
import tarfile
from collections import Counter
from pathlib import Path

import pytest

from tests.elf.conftest import MODELS, Link, Objects
from tests.elf.toolchain import (
    FIRMWARE,
    Built,
    build_model,
    compile_arm,
    compile_host,
    link_arm,
    own_sizes,
    run,
)
from west_utvm.elf import ModelShare, measure

ARCHIVES = Path(__file__).parents[1] / "data" / "mlf"


def models_of(elf: Path) -> dict[str, ModelShare]:
    shares = measure(elf).shares
    assert shares is not None
    return {model.name: model for model in shares.models}


def parts(share: ModelShare) -> dict[str, int]:
    return {part: getattr(share, part) for part in ("code", "weights", "workspace")}


@pytest.mark.parametrize("layout", ["flash", "ram", "tcm"])
def test_shares_are_what_nm_says(link: Link, objects: Objects, layout: str) -> None:
    models = models_of(link(layout).elf)
    assert set(models) == set(MODELS)
    for name, share in models.items():
        expected = own_sizes(objects[name])
        assert parts(share) == expected
        stored, everything = expected["code"] + expected["weights"], sum(expected.values())
        in_flash = layout != "ram"
        assert share.flash == (stored if in_flash else 0)
        assert share.ram == (expected["workspace"] if in_flash else everything)
        assert share.statics_known


def test_no_byte_has_two_owners(firmware: Built) -> None:
    report = measure(firmware.elf)
    assert report.shares is not None
    sizes: Counter[str] = Counter()
    for usage in report.shares.symbols:
        sizes[usage.section.section.name] += usage.size
    for section in report.image.sections:
        assert sizes[section.name] <= section.size
    assert sizes["end"] == 4
    assert sizes["noinit"] == 1000 + sum(workspace for _, workspace in MODELS.values())


def test_thumb_functions_are_where_they_are(firmware: Built) -> None:
    symbols = measure(firmware.elf).image.symbols
    assert symbols
    functions = [s for s in symbols if s.kind == "function"]
    assert functions and all(s.address % 2 == 0 for s in functions)
    assert not [s.name for s in symbols if s.name.startswith("$")]


def test_stripped(firmware: Built, tmp_path: Path) -> None:
    stripped = tmp_path / "stripped.elf"
    firmware.tool("strip", "-o", stripped)
    report = measure(stripped)
    assert report.shares is None
    assert report.image.berkeley() == measure(firmware.elf).image.berkeley()


def test_link_time_optimization_is_admitted(tmp_path: Path) -> None:
    def build(source: Path, folder: Path, *flags: str) -> Path:
        return compile_arm(source, folder, "-flto", *flags)

    objects = [
        compile_arm(FIRMWARE / "main.c", tmp_path),
        *build_model(tmp_path, "kws", 9, 9, build),
    ]
    flags = ("-flto", "-O1", "-Wl,-u,tvmgen_kws_run")
    built = link_arm(objects, "flash", tmp_path / "zephyr.elf", *flags)
    assert not models_of(built.elf)["kws"].statics_known


def test_symbols_that_were_made_local_after_linking(tmp_path: Path) -> None:
    """As Zephyr's native simulator does with all symbols of the image."""

    def build(source: Path, folder: Path, *flags: str) -> Path:
        return compile_host(source, folder, "-fvisibility=hidden", "-fno-pie", *flags)

    source, whole, elf = tmp_path / "other.c", tmp_path / "whole.o", tmp_path / "zephyr.exe"
    source.write_text(
        "int stranger(int x) { return x * 3; }\n"
        '__attribute__((visibility("default"))) int main(void) { return 0; }\n'
    )
    model = build_model(tmp_path, "kws", 1000, 4096, build)
    run(["gcc", "-r", "-nostdlib", build(source, tmp_path), *model, "-o", whole])
    run(["objcopy", "--localize-hidden", whole])
    run(["gcc", "-no-pie", whole, "-o", elf])
    assert re.search(r"LOCAL +HIDDEN .* tvmgen_kws_run", run(["readelf", "-sW", elf]))
    assert parts(models_of(elf)["kws"]) == own_sizes(model, prefix="")


def test_shared_workspace_is_no_models(tmp_path: Path, objects: Objects) -> None:
    source = tmp_path / "shared.c"
    source.write_text(
        'char a[5000] __asm__("utvm_shared_workspace_a") __attribute__((common));\n'
        'char b[300] __asm__("utvm_shared_workspace") __attribute__((common));\n'
        "char utvm_shared_workspaces[7];\n"
        "int tvmgen_kwsx_helper(int x) { return x * 3; }\n"
    )
    extra = compile_arm(source, tmp_path)
    built = link_arm([*objects["main"], *objects["kws"], extra], "flash", tmp_path / "zephyr.elf")
    report = measure(built.elf)
    assert report.shares is not None
    assert report.shares.shared_workspace == 5300
    assert parts(report.shares.models[0]) == own_sizes(objects["kws"])
    assert ("shared workspace", 5300) in [(c.name, c.size) for c in report.largest("ram", 9)]


@pytest.mark.parametrize(
    "name", ["digits_named.tar.gz", "digits_aot_c_pools.tar.gz", "kws_aot_c.tar"]
)
def test_real_archives(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    path = ARCHIVES / name
    if not path.exists():
        path = request.getfixturevalue("shared") / "mlf" / name
    with tarfile.open(path) as archive:
        archive.extractall(tmp_path)  # ours: Python before 3.11.4 has no filter
    headers = tmp_path / "tvm" / "runtime"
    headers.mkdir(parents=True)
    for header in ("c_runtime_api.h", "c_backend_api.h"):
        (headers / header).write_text("#include <stddef.h>\n#include <stdint.h>\n#define TVM_DLL\n")
    include = (f"-I{tmp_path}", f"-I{tmp_path / 'codegen' / 'host' / 'include'}")
    sources = sorted((tmp_path / "codegen" / "host" / "src").glob("*.c"))
    objects = [compile_arm(source, tmp_path, *include) for source in sources]
    main = compile_arm(FIRMWARE / "main.c", tmp_path)
    no_libm = "-Wl,--unresolved-symbols=ignore-all"
    built = link_arm([main, *objects], "tcm", tmp_path / "zephyr.elf", no_libm)
    (model,) = models_of(built.elf).values()
    assert parts(model) == own_sizes(objects)
    assert model.weights > 1000
