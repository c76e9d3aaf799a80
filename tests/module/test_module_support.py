# SPDX-License-Identifier: Apache-2.0
"""Archives that no module can be written from: each is told apart and told what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.archives import (
    HEADER,
    LIB0,
    LIB1,
    Files,
    archive,
    edited,
    entry_of,
    pack,
    refusal,
    unpack,
    with_document,
    with_main,
)
from west_utvm.module import load_model, write_module

FILES = unpack(archive("digits"))
POOLS = unpack(archive("digits_aot_c_pools"))
DAMAGED = "; the archive is damaged or was edited; export it again"
USE_AOT_C = (
    "; export with `tvmc compile -f mlf --executor=aot --executor-aot-interface-api=c "
    "--executor-aot-unpacked-api=1 --runtime=crt --target=c`"
)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (
            "digits_llvm",
            "codegen/host/lib/default_lib0.o: holds object files for ARM, cortex-m4, "
            f"soft-float ABI, and C sources are supported{USE_AOT_C}",
        ),
        (
            "tiny_operator",
            "is an operator-style archive, one operator and no model; export the whole model",
        ),
    ],
)
def test_kinds_of_archive(name: str, reason: str) -> None:
    path = archive(name)
    assert refusal(load_model, path) == f"{path}: {reason}"


def of_entry(**keys: object) -> Files:
    return with_document(FILES, lambda document: entry_of(document).update(keys))


def added_to_header(text: str) -> Files:
    return edited(
        FILES, HEADER, "int32_t tvmgen_default_run(", f"{text}\nint32_t tvmgen_default_run("
    )


def many_inputs(count: int) -> Files:
    sizes = {f"i{n}": {"dtype": "int8", "size": 1} for n in range(count)}
    fields = "".join(f"  void* i{n};\n" for n in range(count))
    files = edited(FILES, HEADER, "  void* image;\n", fields)
    return with_main(files, lambda main: main.update(inputs=sizes))


NO_WORKSPACE = with_main(
    unpack(archive("digits_aot_c_nousmp")), lambda main: main.update(workspace_size_bytes=0)
)
VERSION_1 = {
    "version": 1,
    "model_name": "default",
    "memory": [{"storage_id": 0, "size_bytes": 64, "input_binding": "image"}],
    "target": {"1": "c -keys=cpu"},
}


def of_version_1(executor: str) -> Files:
    """As before there was a C interface, and ahead-of-time code was always packed."""
    files = {name: data for name, data in FILES.items() if name != HEADER}
    document = {**VERSION_1, "runtimes": [executor]}
    return {**files, "metadata.json": json.dumps(document).encode()}


ALTERED: dict[str, tuple[Files, str]] = {
    "graph, version 1": (of_version_1("graph"), "has no graph JSON (executor-config/"),
    "packed, version 1": (
        of_version_1("aot"),
        "has no entry function of the packed interface in its sources; export with",
    ),
    "ethos-u": (
        of_entry(target=["c -keys=cpu", "ethos-u -x=1"]),
        "is for a microNPU (target ethos-u)",
    ),
    "llvm": (
        of_entry(target=["llvm -mcpu=cortex-m4"]),
        "is of target llvm, which makes object files, and C sources are supported",
    ),
    "another executor": (of_entry(executors=["vm"]), "is for an unknown executor"),
    "no executor": (of_entry(executors=[]), "is for an unknown executor"),
    "constant pools": (
        added_to_header("#define TVMGEN_DEFAULT_FLASH_CONSTANT_POOL_DATA \\\n 0x01"),
        "keeps its weights in a pool that the application fills, which is not supported",
    ),
    "no inputs": (many_inputs(0), "has no input or no output, or more than 255 of them"),
    "256 inputs": (many_inputs(256), "has no input or no output, or more than 255 of them"),
    "no sources": (
        {name: data for name, data in FILES.items() if name not in (LIB0, LIB1)},
        "has no C sources under codegen/host/src",
    ),
    "empty sources": ({**FILES, LIB0: b"", LIB1: b"\n"}, "has no C sources under codegen/host/src"),
    "CMSIS-DSP": (
        edited(FILES, LIB0, "#include", "#include <arm_math.h>\n#include"),
        "default_lib0.c: needs arm_math.h, which is not supported",
    ),
    "TVM's C runtime": (
        edited(FILES, LIB1, "#include", "#  include <tvm/runtime/crt/module.h>\n#include"),
        "default_lib1.c: needs tvm/runtime/crt/module.h, which is not supported",
    ),
    "a file of this machine": (
        edited(FILES, LIB0, "#include", '#include "/etc/passwd"\n#include'),
        "default_lib0.c: needs /etc/passwd, which is not supported",
    ),
    "header's workspace": (
        edited(FILES, HEADER, "WORKSPACE_SIZE 7712", "WORKSPACE_SIZE 7713"),
        "metadata.json: gives 7712 bytes of workspace, the header 7713",
    ),
    "metadata's workspace": (
        with_main(FILES, lambda main: main.update(workspace_size_bytes=16)),
        "metadata.json: gives 16 bytes of workspace, the header 7712",
    ),
    "workspace in C": (
        edited(FILES, LIB0, "global_workspace[7712]", "global_workspace[7696]"),
        "has 7696 bytes of workspace and states 7712",
    ),
    "size of a pool": (
        edited(POOLS, HEADER, "SRAM_WORKSPACE_POOL_SIZE 7712", "SRAM_WORKSPACE_POOL_SIZE 7"),
        "has 7 bytes of workspace and states 7712",
    ),
    "pool without size": (
        edited(POOLS, HEADER, "#define TVMGEN_DEFAULT_SRAM_WORKSPACE_POOL_SIZE 7712", ""),
        "has 0 bytes of workspace and states 7712",
    ),
    "workspace unknown": (
        edited(NO_WORKSPACE, HEADER, "#define TVMGEN_DEFAULT_WORKSPACE_SIZE 9152", ""),
        "does not tell how much workspace it needs; export it again with a newer TVM",
    ),
}


@pytest.mark.parametrize("case", ALTERED)
def test_altered(case: str, tmp_path: Path) -> None:
    files, reason = ALTERED[case]
    path = pack(files, tmp_path / "model.tar")
    line = refusal(load_model, path)
    assert reason in line
    assert list(tmp_path.iterdir()) == [path]


def test_module_is_no_archive(tmp_path: Path) -> None:
    write_module(load_model(archive("digits")), "kws", tmp_path / "kws", board=None)
    assert refusal(load_model, tmp_path / "kws") == (
        f"{tmp_path / 'kws'}: is a module that west utvm-compile wrote, no archive; "
        "give the archive that it was written from"
    )
