# SPDX-License-Identifier: Apache-2.0
"""Generated C, compiled and run: warnings, sanitizers, results, symbols and workspaces."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.archives import (
    DIGITS,
    HEADER,
    LIB0,
    LIB1,
    Files,
    archive,
    edited,
    pack,
    refusal,
    unpack,
    with_main,
)
from tests.host_build import (
    CORTEX,
    HOST,
    SANITIZE,
    TVMC,
    compile_c,
    compile_module,
    global_symbols,
    link_program,
    module,
    need,
    run_tool,
    serve,
)
from west_utvm.mlf.ports import c_identifier
from west_utvm.module import load_model

IMAGES = [image.tobytes() for image in np.load(DIGITS / "input.npz")["image"]]
EXPECTED = np.load(DIGITS / "expected.npz")["scores"].astype(int)
LABELS = np.load(DIGITS / "labels.npz")["labels"]
SCORES_SIZE = 10

WORKSPACES = ("digits", "digits_aot_c_nousmp", "digits_aot_c_pools")
Build = Callable[[str], Path]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """The module ``kws`` of an archive of tests/data/mlf, written once."""

    @cache
    def built(name: str) -> Path:
        return module(archive(name), "kws", tmp_path_factory.mktemp(name))

    return built


def two_io_answer(data: bytes) -> bytes:
    """What two_io.tar computes: image times gain, and the sum of the image over its second axis."""
    image = np.frombuffer(data[:12], np.int8).reshape(1, 4, 3)
    gain = np.frombuffer(data[12:], np.float32)
    scaled = image.astype(np.float32) * gain
    return bytes(scaled.tobytes() + image.sum(axis=1, dtype=np.int32).tobytes())


TWO_IO = [
    (np.arange(12, dtype=np.int8) * 7 - 40 + i).tobytes() + struct.pack("<3f", 0.5, -i, 3e6)
    for i in range(9)
]


ZEPHYR = ["-D__ZEPHYR__=1"]
SHARED = ["-DCONFIG_UTVM_SHARED_WORKSPACE=1"]


def compilers() -> list[list[str]]:
    cross = [["arm-none-eabi-gcc", f"-mcpu={cpu}", "-mthumb"] for cpu in CORTEX]
    return [[cc] for cc in HOST] + cross


def label(value: list[str]) -> str:
    return value[1].removeprefix("-mcpu=") if len(value) > 1 else (value or ["default"])[0]


@pytest.mark.parametrize("compiler", compilers(), ids=label)
@pytest.mark.parametrize("name", [*WORKSPACES, "two_io"])
def test_no_warnings(compiler: list[str], name: str, build: Build, tmp_path: Path) -> None:
    """Ours with every warning there is, as a module of Zephyr, of the host and sharing; tvmc's
    own sources with those of -Wall and -Wextra that its CMakeLists.txt leaves on."""
    need(compiler[0])
    for source in (build(name) / "src").iterdir():
        ways = [[], ZEPHYR, SHARED] if "lib" not in source.name else [[]]
        for way in ways if "_errno" not in source.name or len(compiler) > 1 else []:
            compile_c(compiler, source, build(name), tmp_path, ["-O1", *way])


@pytest.mark.parametrize("name", [*WORKSPACES, "two_io"])
def test_headers_are_cplusplus_too(name: str, build: Build, tmp_path: Path) -> None:
    need("g++")
    text = "#include <tvmgen_kws.h>\n#include <utvm/model.h>\nstruct tvmgen_kws_inputs in;\n"
    (tmp_path / "x.cpp").write_text(text)
    include = f"-I{build(name) / 'include'}"
    strict = ["-std=c++11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    run_tool(["g++", *strict, include, "-fsyntax-only", tmp_path / "x.cpp"])


@pytest.fixture(scope="module")
def answers(build: Build, tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """What the digits sample answers to its 200 images."""
    out = tmp_path_factory.mktemp("answers")
    objects = compile_module(build("digits"), out, ["gcc"])
    program = link_program([build("digits")], objects, out, "gcc")
    return serve(program, [(0, image) for image in IMAGES], [SCORES_SIZE])


def test_digits_are_recognised(answers: list[bytes]) -> None:
    scores = np.array([np.frombuffer(answer, np.int8) for answer in answers], int)
    assert np.abs(scores - EXPECTED).max() <= 6  # of 256; see the README of the sample
    assert (scores.argmax(axis=1) == LABELS).sum() >= 199


@pytest.mark.parametrize("cc", HOST)
@pytest.mark.parametrize("name", WORKSPACES)
def test_right_under_sanitizers(
    cc: str, name: str, build: Build, answers: list[bytes], tmp_path: Path
) -> None:
    """Whoever plans the memory, the answers are the same, twice in a row, and all in bounds."""
    objects = compile_module(build(name), tmp_path, [cc], ["-O1", *SANITIZE])
    program = link_program([build(name)], objects, tmp_path, cc, SANITIZE)
    requests = [(0, image) for image in [*IMAGES, *IMAGES[:5]]]
    assert serve(program, requests, [SCORES_SIZE]) == [*answers, *answers[:5]]


@pytest.mark.parametrize("cc", HOST)
def test_order_of_inputs_and_outputs(cc: str, build: Build, tmp_path: Path) -> None:
    objects = compile_module(build("two_io"), tmp_path, [cc], ["-O1", *SANITIZE])
    program = link_program([build("two_io")], objects, tmp_path, cc, SANITIZE)
    expected = [two_io_answer(data) for data in TWO_IO]
    assert serve(program, [(0, data) for data in TWO_IO], [60]) == expected


@pytest.mark.parametrize("compiler", compilers(), ids=label)
@pytest.mark.parametrize("name", WORKSPACES)
def test_weights_are_read_only(
    compiler: list[str], name: str, build: Build, tmp_path: Path
) -> None:
    """Nothing with contents is writable: on a board it would take flash and RAM."""
    objects = compile_module(build(name), tmp_path, compiler, ["-O1", "-fno-pie"])
    symbols = [line.split() for line in run_tool(["nm", *objects]).splitlines() if line]
    assert [fields[-1] for fields in symbols if fields[-2:-1] in (["d"], ["D"])] == []
    assert [fields[-1] for fields in symbols if fields[-2:-1] == ["r"]]


def sections(path: Path) -> dict[str, str]:
    """The section of each symbol, by ``objdump -t``."""
    lines = [line.split() for line in run_tool(["objdump", "-t", path]).splitlines()]
    return {fields[-1]: fields[-3] for fields in lines if len(fields) > 4}


@pytest.mark.parametrize(
    ("flags", "section"),
    [
        ([], ".bss"),
        (ZEPHYR, ".noinit.utvm"),
        ([*ZEPHYR, "-DCONFIG_ARCH_POSIX=1"], ".bss"),
        ([*ZEPHYR, *SHARED], "*COM*"),
    ],
)
@pytest.mark.parametrize(
    ("name", "source", "symbol"),
    [
        ("digits", "kws_lib0.c", "global_workspace"),
        ("digits_aot_c_nousmp", "kws_workspace.c", "arena"),
        ("digits_aot_c_pools", "kws_model.c", "pool_sram"),
    ],
)
def test_where_the_workspace_lies(
    flags: list[str],
    section: str,
    name: str,
    source: str,
    symbol: str,
    build: Build,
    tmp_path: Path,
) -> None:
    path = compile_c(["gcc"], build(name) / "src" / source, build(name), tmp_path, flags)
    symbol = "utvm_shared_workspace_0" if section == "*COM*" else symbol
    assert sections(path)[symbol] == section


def test_descriptor_costs_nothing_where_it_is_not_used(build: Build, tmp_path: Path) -> None:
    """An application that calls the model itself has no buffers of ours in its RAM."""
    objects = compile_module(build("digits"), tmp_path, ["gcc"])
    run_tool(["ar", "rcs", tmp_path / "libkws.a", *objects])
    (tmp_path / "main.c").write_text(
        "#include <tvmgen_kws.h>\n"
        "int main(void)\n"
        "{\n"
        "\tstatic char image[TVMGEN_KWS_IMAGE_SIZE], scores[TVMGEN_KWS_SCORES_SIZE];\n"
        "\tstruct tvmgen_kws_inputs in = {image};\n"
        "\tstruct tvmgen_kws_outputs out = {scores};\n\n"
        "\treturn tvmgen_kws_run(&in, &out);\n"
        "}\n"
    )
    program = tmp_path / "program"
    include = f"-I{build('digits') / 'include'}"
    link = [f"-L{tmp_path}", "-lkws", "-lm"]
    run_tool(["gcc", *TVMC, include, tmp_path / "main.c", *link, "-o", program])
    run_tool([program])
    names = run_tool(["nm", program])
    assert "tvmgen_kws_run" in names and "utvm_model" not in names and "input_0" not in names


ARENA = """\
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <tvm/runtime/c_backend_api.h>

#define ALLOC(size) TVMBackendAllocWorkspace(1, 0, size, 0, 8)
#define FREE(block) TVMBackendFreeWorkspace(1, 0, block)

int main(void)
{
	uint8_t *all = ALLOC(SIZE), *first, *second;

	assert(all && (uintptr_t)all % 16 == 0);
	memset(all, 0x5a, SIZE);
	assert(!ALLOC(1));
	assert(FREE(all) == 0);
	assert(FREE(all) == -1);
	assert(!ALLOC(SIZE + 1));
	assert(!ALLOC(UINT64_MAX));
	assert(!ALLOC(UINT64_C(1) << 32));
	first = ALLOC(1);
	second = ALLOC(SIZE - 16);
	assert(first == all && second == all + 16);
	assert(!ALLOC(1));
	assert(FREE(all + SIZE) == -1);
	assert(FREE(second) == 0 && FREE(first) == 0);
	assert(ALLOC(SIZE) == all);
	return 0;
}
"""


@pytest.mark.parametrize("cc", HOST)
def test_arena(cc: str, build: Build, tmp_path: Path) -> None:
    need(cc)
    folder = build("digits_aot_c_nousmp")
    (tmp_path / "main.c").write_text(ARENA)
    include = [f"-I{folder / 'include'}", f"-I{folder / 'abi'}"]
    files = [tmp_path / "main.c", folder / "src" / "kws_workspace.c"]
    run_tool([cc, *TVMC, *SANITIZE, "-DSIZE=9152", *include, *files, "-o", tmp_path / "program"])
    run_tool([tmp_path / "program"])


def test_arena_has_room_for_allocations_of_odd_size(tmp_path: Path) -> None:
    """A model compiled for another alignment asks for sizes that the arena rounds up."""
    files = unpack(archive("digits_aot_c_nousmp"))
    for size, odd_size in ((2048, 2033), (96, 95)):
        assert files[LIB1].count(b"(uint64_t)%d," % size) == 1
        files = edited(files, LIB1, f"(uint64_t){size},", f"(uint64_t){odd_size},")
    files = with_main(files, lambda main: main.update(workspace_size_bytes=9136))
    files = edited(files, HEADER, "WORKSPACE_SIZE 9152", "WORKSPACE_SIZE 9136")
    odd = module(pack(files, tmp_path / "odd.tar"), "kws", tmp_path)
    assert "arena, 9152, 16" in (odd / "src" / "kws_workspace.c").read_text()
    even = module(archive("digits_aot_c_nousmp"), "even", tmp_path)
    assert "arena, 9152, 16" in (even / "src" / "even_workspace.c").read_text()


@pytest.mark.parametrize("name", [*WORKSPACES, "digits_named"])
def test_two_copies_in_one_program(name: str, answers: list[bytes], tmp_path: Path) -> None:
    """Every global symbol has its module's name, so the same model fits twice into a program."""
    folders = [module(archive(name), copy, tmp_path) for copy in ("kws", "Other_2")]
    objects = {f.name: compile_module(f, tmp_path / "o", ["gcc"]) for f in folders}
    for folder in folders:
        symbols = global_symbols(objects[folder.name])
        prefixes = (f"tvmgen_{folder.name}_", f"utvm_model_{folder.name}")
        assert [symbol for symbol in symbols if not symbol.startswith(prefixes)] == []
        assert f"tvmgen_{folder.name}_run" in symbols
        for path in (path for path in folder.rglob("*") if path.is_file()):
            text = path.read_text()
            assert "default" not in text and "digits" not in text, path
    everything = [path for paths in objects.values() for path in paths]
    program = link_program(folders, everything, tmp_path / "program", "gcc")
    requests = [(n, image) for image in IMAGES[:20] for n in (0, 1)]
    expected = [answer for answer in answers[:20] for _ in (0, 1)]
    assert serve(program, requests, [SCORES_SIZE] * 2) == expected


def test_module_named_with_capitals(answers: list[bytes], tmp_path: Path) -> None:
    """TVM writes the name of a module as given in the sources and in lower case in the header."""
    files = unpack(archive("digits"))
    files = {n.replace("src/default", "src/Default"): data for n, data in files.items()}
    for name in (LIB0, LIB1):
        name = name.replace("src/default", "src/Default")
        files[name] = files[name].replace(b"tvmgen_default_", b"tvmgen_Default_")
    files = edited(files, "metadata.json", '"default"', '"Default"')
    path = pack(files, tmp_path / "model.tar")
    for folder in (module(path, "default", tmp_path), module(path, "kws", tmp_path)):
        out = folder / "out"
        objects = compile_module(folder, out, ["gcc"])
        assert f"{folder.name}_lib0.o" in {path.name for path in objects}
        program = link_program([folder], objects, out, "gcc")
        assert serve(program, [(0, IMAGES[0])], [SCORES_SIZE]) == answers[:1]


def test_symbols_of_another_module_are_refused(tmp_path: Path) -> None:
    files = edited(unpack(archive("digits")), LIB1, "tvmgen_default_fused_cast", "tvmgen_kws_fused")
    path = pack(files, tmp_path / "model.tar")
    line = refusal(module, path, "kws", tmp_path)
    assert line.startswith("default_lib1.c: uses tvmgen_kws_fused")
    assert ", which is not of module 'default'; export the model to an archive of its own" in line
    assert not (tmp_path / "kws").exists()


HOSTILE = "\";\n*/ #error x\r\n'$(shell touch x)`id` ??/ %s%n \\ \u202e\u03bc;${CMAKE} @X@ /*"


def with_hostile_name(files: Files) -> Files:
    """The input is called so; TVM makes a C name of it and leaves it in the metadata."""
    c_name = c_identifier(HOSTILE)
    size = {"dtype": "int8", "size": 64}
    files = with_main(files, lambda main: main.update(inputs={HOSTILE: size}))
    files = edited(files, HEADER, "void* image;", f"void* {c_name};")
    files = edited(files, HEADER, "DEFAULT_IMAGE_SIZE", f"DEFAULT_{c_name.upper()}_SIZE")
    return edited(files, LIB0, "inputs->image", f"inputs->{c_name}")


def test_hostile_names_stay_text(answers: list[bytes], tmp_path: Path) -> None:
    path = pack(with_hostile_name(unpack(archive("digits"))), tmp_path / "model.tar")
    (tmp_path / "plain").mkdir()
    plain = module(archive("digits"), "kws", tmp_path / "plain")
    folder = module(path, "kws", tmp_path)
    for name in ("CMakeLists.txt", "Kconfig", "zephyr/module.yml"):
        assert (folder / name).read_bytes() == (plain / name).read_bytes()
    assert load_model(path).inputs[0].tensor.name == HOSTILE

    out = tmp_path / "out"
    ways: list[list[str]] = [[], ["-trigraphs"]]
    for flags in ways:
        objects = compile_module(folder, out, ["gcc"], ["-O1", *flags])
        (out / "name.c").write_text(
            "#include <stdio.h>\n#include <utvm/model.h>\n"
            "extern const struct utvm_model utvm_model_kws;\n"
            "int main(void) { return fputs(utvm_model_kws.inputs[0].name, stdout) < 0; }\n"
        )
        run_tool(
            ["gcc", f"-I{folder / 'include'}", out / "name.c", *objects, "-lm", "-o", out / "x"]
        )
        assert subprocess.run([out / "x"], capture_output=True).stdout == HOSTILE.encode()


def workspace_symbol(program: Path) -> list[int]:
    """The sizes of the symbols for the first shared workspace."""
    lines = run_tool(["nm", "-S", program]).splitlines()
    return [int(line.split()[1], 16) for line in lines if "utvm_shared_workspace_0" in line]


@pytest.mark.parametrize("cc", HOST)
@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["small first", "large first"])
@pytest.mark.parametrize("extra", [[], ["-flto"], ["-fno-common"], ["-fdata-sections"]], ids=label)
def test_shared_workspace(
    cc: str,
    order: tuple[int, int],
    extra: list[str],
    answers: list[bytes],
    tmp_path: Path,
) -> None:
    """Two models of 48 and 7712 bytes: one symbol of the larger size, in whichever order."""
    if extra == ["-flto"]:  # GCC warns of the different sizes, and then does it right
        need(*(["ld.lld"] if cc == "clang" else []))
        extra = ["-flto", "-fuse-ld=lld" if cc == "clang" else "-Wno-lto-type-mismatch"]
    folders = [
        module(archive("two_io"), "small", tmp_path),
        module(archive("digits"), "large", tmp_path),
    ]
    flags = ["-O1", *SHARED, *(flag for flag in extra if "ld" not in flag)]
    objects = [compile_module(f, tmp_path / "o", [cc], flags) for f in folders]
    in_order = [path for number in order for path in objects[number]]
    program = link_program(folders, in_order, tmp_path / "program", cc, extra)
    assert workspace_symbol(program) == [7712]
    requests = [(0, TWO_IO[0]), (1, IMAGES[0]), (0, TWO_IO[1]), (1, IMAGES[1])]
    expected = [two_io_answer(TWO_IO[0]), answers[0], two_io_answer(TWO_IO[1]), answers[1]]
    assert serve(program, requests, [60, SCORES_SIZE]) == expected


def test_shared_workspace_of_every_kind(answers: list[bytes], tmp_path: Path) -> None:
    """A pool of the model's own, an arena and a pool of the caller's are one symbol too."""
    folders = [module(archive(name), f"m{n}", tmp_path) for n, name in enumerate(WORKSPACES)]
    flags = ["-O1", *SHARED, *SANITIZE]
    objects = [path for f in folders for path in compile_module(f, tmp_path / "o", ["gcc"], flags)]
    program = link_program(folders, objects, tmp_path / "program", "gcc", SANITIZE)
    assert workspace_symbol(program) == [9152]
    requests = [(n, image) for image in IMAGES[:9] for n in range(3)]
    expected = [answer for answer in answers[:9] for _ in range(3)]
    assert serve(program, requests, [SCORES_SIZE] * 3) == expected
