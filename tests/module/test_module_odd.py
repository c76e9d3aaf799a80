# SPDX-License-Identifier: Apache-2.0
"""Rarer forms of archive: I/O in pools, devices, several modules, libraries, object files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.archives import (
    DIGITS,
    HEADER,
    LIB0,
    Files,
    archive,
    edited,
    pack,
    refusal,
    unpack,
    with_main,
)
from tests.cmsis_nn import with_cmsis_nn
from tests.host_build import (
    CORTEX,
    HOST,
    SANITIZE,
    compile_c,
    compile_module,
    link_program,
    module,
    need,
    run_tool,
    serve,
)
from west_utvm.mlf import read_archive
from west_utvm.mlf.objects import describe_object
from west_utvm.module import cmsis_nn, load_model, module_name

FILES = unpack(archive("digits"))
IO_POOLS = unpack(archive("digits_aot_c_io_pools"))
MODULES = archive("two_modules")
IMAGES = [image.tobytes() for image in np.load(DIGITS / "input.npz")["image"][:50]]


def answer(folder: Path, inputs: list[bytes], size: int, cc: str = "gcc") -> list[bytes]:
    out = folder.parent / f"{folder.name}.o"
    objects = compile_module(folder, out, [cc], ["-O1", *SANITIZE])
    program = link_program([folder], objects, out, cc, SANITIZE)
    return serve(program, [(0, data) for data in inputs], [size])


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """What the digits sample answers to each of ``IMAGES``."""
    return answer(module(archive("digits"), "kws", tmp_path_factory.mktemp("digits")), IMAGES, 10)


# Inputs and outputs in workspace pools


@pytest.mark.parametrize("cc", HOST)
def test_io_in_pools(cc: str, expected: list[bytes], tmp_path: Path) -> None:
    folder = module(archive("digits_aot_c_io_pools"), "kws", tmp_path)
    assert answer(folder, IMAGES, 10, cc) == expected
    descriptor = (folder / "src" / "kws_model.c").read_text()
    assert ".data = &pool_sram[7472],\n\t\t.size = 64," in descriptor
    assert "input_0" not in descriptor and "output_0" not in descriptor


@pytest.mark.parametrize("cpu", CORTEX)
def test_io_in_pools_without_warnings(cpu: str, tmp_path: Path) -> None:
    need("arm-none-eabi-gcc")
    folder = module(archive("digits_aot_c_io_pools"), "kws", tmp_path)
    compiler = ["arm-none-eabi-gcc", f"-mcpu={cpu}", "-mthumb"]
    for way in ("-D__ZEPHYR__=1", "-DCONFIG_UTVM_SHARED_WORKSPACE=1"):
        compile_c(compiler, folder / "src" / "kws_model.c", folder, tmp_path, ["-O1", way])


PLACE = "((uint8_t*)workspace_pools->sram)[7472]"


@pytest.mark.parametrize(
    "place",
    [
        "((uint8_t*)workspace_pools->sram)[7649]",
        "((uint8_t*)workspace_pools->sram)[4294967295]",
        "((uint8_t*)workspace_pools->dtcm)[0]",
        "((uint8_t*)workspace_pools->sram)[-64]",
        "((uint8_t*)workspace_pools->sram) + 7472",
    ],
)
def test_places_outside_of_pools(place: str, tmp_path: Path) -> None:
    files = edited(IO_POOLS, LIB0, PLACE, place)
    line = refusal(load_model, pack(files, tmp_path / "model.tar"))
    assert "'image' has no place in a workspace pool, or one that does not fit; the arch" in line


def test_place_that_is_not_aligned(tmp_path: Path) -> None:
    files = edited(IO_POOLS, LIB0, PLACE, PLACE.replace("7472", "7474"))
    assert load_model(pack(files, tmp_path / "bytes.tar"))
    files = with_main(files, lambda main: main["inputs"]["image"].update(dtype="int32"))
    line = refusal(load_model, pack(files, tmp_path / "words.tar"))
    assert "'image' has no place in a workspace pool, or one that does not fit" in line


# Devices. No archive of these compiles for a CPU alone: the header and entry are given what
# TVM's InterfaceCNode::EmitRunFunction and GenerateCInterfaceEntrypoint write.


def with_devices(files: Files) -> Files:
    """A model whose main function must be given the context of one device, which is null."""
    struct = "struct tvmgen_default_devices {\n  void* accelerator;\n};\n\n"
    run = "int32_t tvmgen_default_run("
    files = edited(files, HEADER, run, f"{struct}{run}")
    files = edited(
        files,
        HEADER,
        "  struct tvmgen_default_outputs* outputs\n",
        "  struct tvmgen_default_outputs* outputs,\n  struct tvmgen_default_devices* devices\n",
    )
    return edited(
        files,
        LIB0,
        "struct tvmgen_default_outputs* outputs) {",
        "struct tvmgen_default_outputs* outputs,struct tvmgen_default_devices* devices) {"
        "if (devices->accelerator != 0) return -1;",
    )


@pytest.mark.parametrize("cc", HOST)
def test_devices(cc: str, expected: list[bytes], tmp_path: Path) -> None:
    path = pack(with_devices(FILES), tmp_path / "model.tar")
    assert answer(module(path, "kws", tmp_path), IMAGES, 10, cc) == expected


def test_devices_and_pools(expected: list[bytes], tmp_path: Path) -> None:
    """Devices come after pools."""
    files = unpack(archive("digits_aot_c_pools"))
    pools = "struct tvmgen_default_workspace_pools* workspace_pools"
    devices = f"{pools},\n  struct tvmgen_default_devices* devices"
    struct = "struct tvmgen_default_devices {\n  void* accelerator;\n};\n"
    files = edited(files, HEADER, f"  {pools}\n", f"  {devices}\n")
    run = "int32_t tvmgen_default_run("
    files = edited(files, HEADER, run, f"{struct}{run}")
    files = edited(files, LIB0, f"{pools})", f"{devices})")
    path = pack(files, tmp_path / "model.tar")
    assert answer(module(path, "kws", tmp_path), IMAGES[:5], 10) == expected[:5]


# Several modules


def test_several_modules(tmp_path: Path) -> None:
    x = [bytes([0, 1, 127, 128]), bytes([255, 7, 42, 200])]
    numbers = [np.frombuffer(data, np.int8).astype(np.int32) for data in x]
    for name, values in (
        ("plus_seven", [n + 7 for n in numbers]),
        ("Times_three", [n * 3 for n in numbers]),
    ):
        folder = tmp_path / name.lower()
        model = load_model(MODULES, name)
        assert module_name(model, None) == name.lower()
        assert module(MODULES, name.lower(), tmp_path, name) == folder
        assert answer(folder, x, 16) == [v.tobytes() for v in values]
        assert {path.name for path in (folder / "src").glob("*lib*")} <= {
            f"{name.lower()}_lib{number}.c" for number in range(3)
        }


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (None, "holds 2 modules; choose one with --module: Times_three, plus_seven"),
        ("default", "holds no module 'default'; choose one with --module: Times_three, plus_s"),
        ("times_three", "holds no module 'times_three'; choose one with"),
    ],
)
def test_which_of_several_modules(name: str | None, reason: str) -> None:
    assert refusal(load_model, MODULES, name).startswith(f"{MODULES}: {reason}")


def test_the_only_module_has_a_name_too() -> None:
    assert load_model(archive("digits"), "default") == load_model(archive("digits"))
    assert "holds no module 'kws'; choose one with --module: default" in refusal(
        load_model, archive("digits"), "kws"
    )


def test_names_of_modules_that_begin_alike(tmp_path: Path) -> None:
    """``a_lib1_lib0.c`` is of module ``a_lib1``, not of ``a``."""
    files = unpack(MODULES)
    text = files["metadata.json"].decode().replace("Times_three", "plus_seven_lib1")
    files = {
        name.replace("Times_three", "plus_seven_lib1"): data.replace(
            b"Times_three", b"plus_seven_lib1"
        )
        for name, data in {**files, "metadata.json": text.encode()}.items()
    }
    path = pack(files, tmp_path / "model.tar")
    for name, count in (("plus_seven", 2), ("plus_seven_lib1", 3)):
        assert list(read_archive(path, name).sources) == [f"{name}_lib{n}.c" for n in range(count)]


# What is for TVM's C runtime alone


def test_registry_of_functions_is_left_out(expected: list[bytes], tmp_path: Path) -> None:
    """With ``--runtime-crt-system-lib=1``: as in two_io_packed, before the same source."""
    text = unpack(archive("two_io_packed"))[LIB0].decode()
    registry, found, _ = text.partition('#include "tvm/runtime/c_runtime_api.h"')
    assert found and "TVMSystemLibEntryPoint" in registry
    files = {**FILES, LIB0: registry.encode() + FILES[LIB0]}
    folder = module(pack(files, tmp_path / "model.tar"), "kws", tmp_path)
    assert answer(folder, IMAGES[:5], 10) == expected[:5]
    plain = module(archive("digits"), "kws", tmp_path / "plain")
    for name in ("src/kws_lib0.c", "src/kws_model.c", "CMakeLists.txt"):
        assert (folder / name).read_bytes() == (plain / name).read_bytes()


def test_registry_that_does_not_end(tmp_path: Path) -> None:
    registry = b"#include <tvm/runtime/crt/module.h>\n"
    files = {**FILES, LIB0: registry + FILES[LIB0]}
    line = refusal(load_model, pack(files, tmp_path / "model.tar"))
    assert "default_lib0.c: needs tvm/runtime/crt/module.h, which is not supported" in line


# CMSIS-NN. Builds are in tests/zephyr.


def test_cmsis_nn_is_switched_on(tmp_path: Path) -> None:
    path = pack(with_cmsis_nn(FILES), tmp_path / "model.tar")
    folder = module(path, "kws", tmp_path)
    symbols = "\timply CMSIS_NN\n\timply CMSIS_NN_POOLING\n\timply CMSIS_NN_NNSUPPORT\n"
    assert f"\tdepends on CPU_CORTEX_M\n{symbols}\thelp" in (folder / "Kconfig").read_text()
    assert "CMSIS" not in (module(archive("digits"), "plain", tmp_path) / "Kconfig").read_text()


@pytest.mark.parametrize(
    ("function", "part"),
    [
        ("arm_convolve_wrapper_s8", "CONVOLUTION"),
        ("arm_depthwise_conv_wrapper_s16", "CONVOLUTION"),
        ("arm_fully_connected_s8", "FULLYCONNECTED"),
        ("arm_avgpool_s8", "POOLING"),
        ("arm_max_pool_s16", "POOLING"),
        ("arm_softmax_s8", "SOFTMAX"),
        ("arm_elementwise_add_s8", "BASICMATH"),
        ("arm_elementwise_mul_s16", "BASICMATH"),
    ],
)
def test_every_function_that_tvm_calls(function: str, part: str) -> None:
    """Those of TVM 0.16's src/relay/backend/contrib/cmsisnn/relay_to_tir.cc."""
    called = f"#include <arm_nnfunctions.h>\nstatus = {function}(&context);"
    symbols = ["CMSIS_NN", f"CMSIS_NN_{part}", "CMSIS_NN_NNSUPPORT"]
    assert cmsis_nn.symbols([called, "int x;"]) == symbols
    assert cmsis_nn.symbols([f"status = {function}(&context);"]) == []


def test_cmsis_nn_is_not_for_the_host(tmp_path: Path) -> None:
    need("cmake")
    folder = module(pack(with_cmsis_nn(FILES), tmp_path / "model.tar"), "kws", tmp_path)
    (tmp_path / "CMakeLists.txt").write_text(
        f"cmake_minimum_required(VERSION 3.20)\nproject(x C)\nadd_subdirectory({folder.name})\n"
    )
    command = ["cmake", "-S", str(tmp_path), "-B", str(tmp_path / "build")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0
    said = " ".join(done.stderr.split())
    assert "Model kws calls CMSIS-NN, which Zephyr has for Cortex-M: give a board" in said


# Object files


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (["arm-none-eabi-gcc", "-mcpu=cortex-m4"], "ARM, 7E-M, soft-float ABI"),
        (
            ["arm-none-eabi-gcc", "-mcpu=cortex-m33", "-mfpu=fpv5-sp-d16", "-mfloat-abi=hard"],
            "ARM, 8-M.MAIN, hard-float ABI",
        ),
        (["clang", "--target=riscv32"], "RISC-V"),
        (["clang", "--target=x86_64"], "x64"),
    ],
)
def test_object_files_are_described(command: list[str], kind: str, tmp_path: Path) -> None:
    need(command[0])
    (tmp_path / "x.c").write_text("float f(float x) { return x * 2; }\n")
    run_tool([*command, "-c", tmp_path / "x.c", "-o", tmp_path / "x.o"])
    data = (tmp_path / "x.o").read_bytes()
    assert describe_object(data) == kind
    for end in range(0, len(data), 17):  # whatever is left of it
        assert describe_object(data[:end])


def test_object_files_are_refused_early(tmp_path: Path) -> None:
    files = {**FILES, "codegen/host/lib/default_lib2.o": b"\x7fELF"}
    path = pack(files, tmp_path / "model.tar")
    assert refusal(load_model, path).startswith(
        f"{path}: codegen/host/lib/default_lib2.o: holds object files for an unknown CPU "
        "(damaged or no ELF), and C sources are supported; export with"
    )
