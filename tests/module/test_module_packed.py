# SPDX-License-Identifier: Apache-2.0
"""Archives with the packed interface become modules with the C interface, and compute the same."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.archives import (
    DIGITS,
    LIB0,
    Files,
    archive,
    as_version,
    edited,
    pack,
    refusal,
    unpack,
    with_document,
    with_main,
    with_types,
)
from tests.host_build import (
    CORTEX,
    HOST,
    SANITIZE,
    compile_c,
    compile_module,
    global_symbols,
    link_program,
    module,
    need,
    run_tool,
    serve,
)
from west_utvm.mlf import Model
from west_utvm.module import load_model

LIB2 = "codegen/host/src/default_lib2.c"
PACKED = unpack(archive("digits_aot_packed"))
UNPACKED = unpack(archive("digits_aot_unpacked_packed"))
TWO_IO = unpack(archive("two_io_packed"))
IMAGES = [image.tobytes() for image in np.load(DIGITS / "input.npz")["image"][:50]]
PAIRS = [
    (np.arange(12, dtype=np.int8) * 7 - 40 + i).tobytes() + struct.pack("<3f", 0.5, -i, 3e6)
    for i in range(9)
]
EDGES = [bytes([value]) * 490 for value in (0, 1, 127, 128, 255)]
NOISE = np.random.default_rng(20).integers(0, 256, (50, 490), np.uint8)

# The same model with the C interface, some inputs of it, and bytes of its outputs.
REFERENCE = {
    "digits_aot_packed": ("digits", IMAGES, 10),
    "digits_aot_unpacked_packed": ("digits", IMAGES, 10),
    "two_io_packed": ("two_io", PAIRS, 60),
    "two_io_unpacked_packed": ("two_io", PAIRS, 60),
}


def answers(
    folders: Sequence[Path],
    inputs: Sequence[bytes],
    size: int,
    cc: str = "gcc",
    flags: Sequence[str] = ("-O0", *SANITIZE),
) -> list[list[bytes]]:
    """What each of the modules, all in one program, answers to each of the inputs."""
    out = folders[0].parent / "objects"
    objects = [path for folder in folders for path in compile_module(folder, out, [cc], flags)]
    program = link_program(folders, objects, out, cc, flags)
    requests = [(number, data) for data in inputs for number in range(len(folders))]
    found = serve(program, requests, [size] * len(folders))
    return [found[number :: len(folders)] for number in range(len(folders))]


@pytest.mark.parametrize("cc", HOST)
@pytest.mark.parametrize("name", REFERENCE)
def test_same_answers_as_the_c_interface(cc: str, name: str, tmp_path: Path) -> None:
    """Under sanitizers, and with every useless read: what is beyond the arguments is there."""
    reference, inputs, size = REFERENCE[name]
    folders = [module(archive(reference), "c", tmp_path), module(archive(name), "kws", tmp_path)]
    expected, found = answers(folders, inputs, size, cc)
    assert found == expected and len(set(expected)) == len(inputs)


@pytest.mark.parametrize(("cc", "flags"), [("gcc", ["-O3"]), ("clang", ["-O1", *SANITIZE])])
def test_kws(cc: str, flags: list[str], shared: Path, tmp_path: Path) -> None:
    folders = [
        module(shared / "mlf" / f"{name}.tar", name, tmp_path)
        for name in ("kws_aot_c", "kws_aot_packed")
    ]
    inputs = [row.tobytes() for row in NOISE] + EDGES
    expected, found = answers(folders, inputs, 12, cc, flags)
    assert found == expected and len(set(expected)) > 10


def test_models_of_all_kinds_share_a_program_and_a_workspace(tmp_path: Path) -> None:
    folders = [
        module(archive(kind), name, tmp_path)
        for name, kind in {
            "c": "two_io",
            "packed": "two_io_packed",
            "Other_2": "two_io_packed",
            "unpacked": "two_io_unpacked_packed",
        }.items()
    ]
    flags = ["-O2", "-DCONFIG_UTVM_SHARED_WORKSPACE=1"]
    expected, *others = answers(folders, PAIRS, 60, "gcc", flags)
    assert others == [expected] * 3


@pytest.mark.parametrize("cpu", CORTEX)
@pytest.mark.parametrize("name", REFERENCE)
def test_no_warnings_where_int32_is_long(cpu: str, name: str, tmp_path: Path) -> None:
    """GCC 14 makes errors of pointers to other types. The host's compilers are in other tests."""
    need("arm-none-eabi-gcc")
    folder = module(archive(name), "kws", tmp_path)
    compile_module(
        folder, tmp_path / "o", ["arm-none-eabi-gcc", f"-mcpu={cpu}", "-mthumb"], ["-O2"]
    )


@pytest.mark.parametrize("cc", HOST)
def test_glue_is_c_with_no_warnings_for_zephyr(cc: str, tmp_path: Path) -> None:
    need(cc)
    folder = module(archive("two_io_packed"), "kws", tmp_path)
    flags = ["-O2", "-D__ZEPHYR__=1"]
    compile_c([cc], folder / "src" / "kws_packed.c", folder, tmp_path, flags)


def test_symbols_and_sizes(tmp_path: Path) -> None:
    """No second copy of the constants, no registry, and nothing that clashes."""
    folder = module(archive("two_io_packed"), "kws", tmp_path)
    symbols = global_symbols(compile_module(folder, tmp_path / "o", ["gcc"]))
    prefixes = ("tvmgen_kws_", "utvm_model_kws")
    assert [symbol for symbol in symbols if not symbol.startswith(prefixes)] == []
    assert {"tvmgen_kws_run", "tvmgen_kws_run_packed"} <= symbols.keys()
    assert "tvmgen_kws_get_c_metadata" not in symbols
    for path in (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".o"):
        assert "default_" not in re.sub("serving_default[_/]", "", path.read_text()), path

    folder = module(archive("digits_aot_packed"), "digits", tmp_path)
    objects = compile_module(folder, tmp_path / "d", ["gcc"], ["-O1", "-fno-pie"])
    sizes = [line.split() for line in run_tool(["size", *objects]).splitlines()[1:]]
    assert sum(int(text) for text, *_ in sizes) < 40_000  # 10.7 kB of constants, once
    assert [data for _, data, *_ in sizes if data != "0"] == []


def test_header_is_of_the_form_of_tvm_s() -> None:
    """As tvmc writes it for the same model, but for spaces at the ends of lines."""
    theirs, ours = (load_model(archive(n)).header_text for n in ("digits", "digits_aot_packed"))
    assert ours == re.sub(r" +$", "", theirs, flags=re.MULTILINE)


def ports(model: Model) -> list[tuple[str, str, str, tuple[int, ...]]]:
    return [
        (p.c_name, p.tensor.name, p.tensor.dtype, p.tensor.shape)
        for p in (*model.inputs, *model.outputs)
    ]


@pytest.mark.parametrize("files", [PACKED, UNPACKED], ids=["packed", "unpacked"])
@pytest.mark.parametrize("version", range(1, 8))
def test_versions(version: int, files: Files, tmp_path: Path) -> None:
    """Before version 7 no size of an input or output is told but by the Relay text."""
    typed = with_types(files, "Tensor[(1, 10), int8]")
    path = pack(as_version(typed, version), tmp_path / "model.tar")
    model = load_model(path)
    assert ports(model) == [
        ("image", "image", "int8", (1, 8, 8, 1)),
        ("scores", "scores", "int8", (1, 10)),
    ]
    assert model.workspace_size == 7712
    folder = module(path, "kws", tmp_path)
    out = tmp_path / "o"
    program = link_program([folder], compile_module(folder, out, ["gcc"]), out, "gcc")
    expected = np.load(DIGITS / "expected.npz")["scores"][0].astype(int)
    scores = np.frombuffer(serve(program, [(0, IMAGES[0])], [10])[0], np.int8)
    assert np.abs(scores - expected).max() <= 6


def test_input_whose_name_begins_with_no_letter(tmp_path: Path) -> None:
    """Relay prints it with a v in front, and an older archive tells of it in Relay alone."""
    files = with_types(PACKED, "Tensor[(1, 10), int8]")
    files = as_version({name: data.replace(b"image", b"_image") for name, data in files.items()}, 6)
    files = edited(files, "src/relay.txt", "%_image", "%v_image")
    model = load_model(pack(files, tmp_path / "model.tar"))
    assert ports(model)[0] == ("_image", "_image", "int8", (1, 8, 8, 1))


def test_size_that_nothing_tells(tmp_path: Path) -> None:
    path = pack(as_version(PACKED, 6), tmp_path / "model.tar")
    assert "neither metadata.json nor the Relay text tells the size of 'scores'" in refusal(
        load_model, path
    )


def as_tvm_0_8(files: Files) -> Files:
    """The entry function passes its arguments on; main has another name, and no pools."""
    head = '#include "tvm/runtime/c_runtime_api.h"\n'
    packed = "(void* args, void* type_code, int num_args, void* out_value, "
    packed += "void* out_type_code, void* resource_handle)"
    names = "(args, type_code, num_args, out_value, out_type_code, resource_handle)"
    text = (
        f"{head}TVM_DLL int32_t tvmgen_default_run_model{packed};\n"
        f"int32_t tvmgen_default_run{packed} {{\n"
        f"return tvmgen_default_run_model{names};\n}}\n"
        ";"
    )
    main = files[LIB2].decode().replace("tvmgen_default___tvm_main__", "tvmgen_default_run_model")
    return {**files, LIB0: text.encode(), LIB2: main.encode()}


def test_entry_that_passes_its_arguments_on(tmp_path: Path) -> None:
    """As in TVM 0.8, which planned no memory. Of a main that wants a pool it is told."""
    files = as_tvm_0_8(unpack(archive("two_io_packed")))
    line = refusal(load_model, pack(files, tmp_path / "model.tar"))
    assert "StatefulPartitionedCall_0, global_workspace_0_var are its inputs and outputs" in line

    text = re.sub(r".*\bglobal_workspace_0_var(_code)? = .*\n", "", files[LIB2].decode())
    text = text.replace("((DLTensor*)global_workspace_0_var)", "((DLTensor*)&unplanned)")
    pool = "static uint8_t pool[64];\nstatic DLTensor unplanned = {.data = pool};\n"
    head, main, rest = text.partition("#include <stdbool.h>\n")
    files = {**files, LIB2: (head + main + pool + rest).encode()}
    planned = pack(files, tmp_path / "model.tar")
    folders = [module(archive("two_io"), "c", tmp_path), module(planned, "kws", tmp_path)]
    expected, found = answers(folders, PAIRS, 60)
    assert found == expected


REFUSED: dict[str, tuple[Files, str]] = {
    "pool of the caller": (
        edited(PACKED, LIB0, "tensors[3] = global_workspace_tvm_value;\n", ""),
        "passes 3 of the 4 arguments of tvmgen_default___tvm_main__; pools and devices need the C",
    ),
    "pool of the caller, unpacked": (
        edited(UNPACKED, LIB0, ",&global_workspace)", ")"),
        "passes 3 of the 4 arguments of tvmgen_default___tvm_main__; pools and devices need the C",
    ),
    "no entry": (
        edited(PACKED, LIB0, "int32_t tvmgen_default_run(", "int32_t tvmgen_default_walk("),
        "has no entry function of the packed interface in its sources; export with",
    ),
    "no main": (
        edited(PACKED, LIB2, "___tvm_main__(", "___tvm_other__("),
        "has no definition of tvmgen_default___tvm_main__ in its sources",
    ),
    "no call": (
        edited(PACKED, LIB0, "return tvmgen_default___tvm_main__", "return 0;"),
        "tvmgen_default_run calls no main function",
    ),
    "names": (
        edited(TWO_IO, LIB2, "void* gain_Gr____e___ = ", "void* other = "),
        "does not tell which of serving_default_left_image_0, other, StatefulPartitionedCall_1, "
        "StatefulPartitionedCall_0 are its inputs and outputs",
    ),
    "an output among the inputs": (
        {
            **TWO_IO,
            LIB2: TWO_IO[LIB2]
            .replace(b"gain_Gr____e___", b"StatefulPartitionedCall")
            .replace(b"StatefulPartitionedCall_1", b"gain_Gr____e___")
            .replace(b"void* StatefulPartitionedCall =", b"void* StatefulPartitionedCall_1 ="),
        },
        "serving_default_left_image_0, StatefulPartitionedCall_1, gain_Gr____e___, "
        "StatefulPartitionedCall_0 are its inputs and outputs",
    ),
    "names of outputs": (
        edited(TWO_IO, "metadata.json", '"StatefulPartitionedCall:1"', '"other"'),
        "StatefulPartitionedCall_0 are its inputs and outputs",
    ),
    "name of the module": (
        with_document(PACKED, lambda d: d["modules"].update({"a b": d["modules"].pop("default")})),
        "has no entry function",
    ),
    "name of a source": (
        {**PACKED, "codegen/host/src/default_packed.c": b"/* */\n"},
        "holds a default_packed.c already",
    ),
    "workspace": (
        with_main(PACKED, lambda main: main.update(workspace_size_bytes=16)),
        "has 7712 bytes of workspace and states 16",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str, tmp_path: Path) -> None:
    files, reason = REFUSED[case]
    assert reason in refusal(load_model, pack(files, tmp_path / "model.tar"))


def test_one_input_and_output_need_no_names(tmp_path: Path) -> None:
    """C may have them by other names, as where a name is a keyword of C."""
    files = edited(PACKED, "metadata.json", '"image"', '"int"')
    files = edited(files, "metadata.json", '"scores"', '"3/4"')
    model = load_model(pack(files, tmp_path / "model.tar"))
    assert [name for name, *_ in ports(model)] == ["int_", "v3_4"]
    folder = module(tmp_path / "model.tar", "kws", tmp_path)
    compile_module(folder, tmp_path / "o", ["gcc"])


def test_outputs_without_names(tmp_path: Path) -> None:
    """They are numbered in the metadata, and otherwise in C."""
    text = TWO_IO[LIB2].decode().replace("StatefulPartitionedCall_1", "output")
    text = text.replace("StatefulPartitionedCall_0", "output2")
    files = {**TWO_IO, LIB2: text.encode()}
    files = edited(files, "metadata.json", '"StatefulPartitionedCall:1"', '"output0"')
    files = edited(files, "metadata.json", '"StatefulPartitionedCall:0"', '"output1"')
    model = load_model(pack(files, tmp_path / "model.tar"))
    assert [(name, dtype) for name, _, dtype, _ in ports(model)[2:]] == [
        ("output0", "float32"),
        ("output1", "int32"),
    ]
