# SPDX-License-Identifier: Apache-2.0
"""Graph-executor archives become C that computes what the ahead-of-time ones compute."""

from __future__ import annotations

import json
import random
import re
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.archives import (
    DIGITS,
    LIB1,
    Files,
    archive,
    as_version,
    edited,
    pack,
    refusal,
    unpack,
    with_main,
)
from tests.graphs import LENGTH, OPERATORS, Builder, Values, parameter_file
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
from west_utvm.errors import UtvmError
from west_utvm.module import load_model, module_files, read_module
from west_utvm.module.c_data import constant
from west_utvm.module.generated import KEY

IMAGES = [image.tobytes() for image in np.load(DIGITS / "input.npz")["image"]][:60]
GRAPH = "executor-config/graph/default.graph"
PARAMS = "parameters/default.params"
GRAPHS = ("digits_graph", "digits_graph_linked")
SHARING = "-DCONFIG_UTVM_SHARED_WORKSPACE=1"


def answers_of(
    folder: Path, out: Path, requests: list[bytes], size: int, cc: str = "gcc", *extra: str
) -> list[bytes]:
    flags = ["-O1", *extra]
    program = link_program([folder], compile_module(folder, out, [cc], flags), out, cc, extra)
    return serve(program, [(0, data) for data in requests], [size])


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """What the ahead-of-time archive of the digits sample answers."""
    out = tmp_path_factory.mktemp("aot")
    return answers_of(module(archive("digits"), "aot", out), out / "o", IMAGES, 10)


@pytest.mark.parametrize("cc", HOST)
@pytest.mark.parametrize("name", GRAPHS)
def test_digits(cc: str, name: str, expected: list[bytes], tmp_path: Path) -> None:
    folder = module(archive(name), "kws", tmp_path)
    found = answers_of(folder, tmp_path / "o", [*IMAGES, *IMAGES[:3]], 10, cc, *SANITIZE)
    assert found == [*expected, *expected[:3]]


def test_kws(shared: Path, tmp_path: Path) -> None:
    chance = np.random.default_rng(5)
    requests = [chance.integers(-128, 128, 490, np.int8).tobytes() for _ in range(50)]
    requests += [bytes([value]) * 490 for value in (0, 127, 128, 255)]
    found = []
    for name in ("kws_aot_c", "kws_graph", "kws_graph_linked"):
        folder = module(shared / "mlf" / f"{name}.tar", name, tmp_path)
        extra = SANITIZE if "graph" in name else []
        found.append(answers_of(folder, tmp_path / "o" / name, requests, 12, "gcc", *extra))
    assert found[0] == found[1] == found[2]
    # 16 kB less than tvmc's own plan for the ahead-of-time executor, 104192.
    graph = read_module(tmp_path / "kws_graph")
    assert graph.workspace_size == 88192
    assert graph.graph == {"planned_bytes": 88694, "storage_bytes_of_graph_executor": 159142}


@pytest.mark.parametrize("compiler", [[cc] for cc in HOST] + [["arm-none-eabi-gcc"]] * 2)
def test_no_warnings_and_all_const(compiler: list[str], tmp_path: Path) -> None:
    need(compiler[0])
    folder = module(archive("digits_graph"), "kws", tmp_path)
    cpus = [[f"-mcpu={cpu}", "-mthumb"] for cpu in CORTEX] if "arm" in compiler[0] else [[]]
    for cpu in cpus:
        flags = ["-O2", "-fno-pie", "-Wunused-variable", "-Wunused-parameter", "-Wcast-align"]
        source = folder / "src" / "kws_graph.c"
        path = compile_c([*compiler, *cpu], source, folder, tmp_path, flags)
        lines = [line.split() for line in run_tool(["nm", path]).splitlines()]
        letters = {fields[-1]: fields[-2] for fields in lines}
        assert letters["parameter_1"] == letters["tensor_2"] == "r"
        assert letters["workspace"] == "b"
        assert not {"d", "D", "C"} & set(letters.values())


def test_what_is_written() -> None:
    model = load_model(archive("digits_graph"))
    files = module_files(model, "kws", None)
    text = files["src/kws_graph.c"].decode()
    assert [p.c_name for p in model.inputs + model.outputs] == ["image", "scores"]
    assert [p.tensor.shape for p in model.inputs + model.outputs] == [(1, 8, 8, 1), (1, 10)]
    assert "src/kws_workspace.c" not in files and "src/kws_lib0.c" not in files
    assert "default" not in text
    # Kernels are called directly, and nothing of a runtime is there.
    assert not re.search(r"malloc|json|TVMFuncCall|float \*", text)
    record = json.loads(files["metadata.json"])["modules"]["kws"][KEY]
    assert record["graph"]["planned_bytes"] == record["workspace_size"] + 64 + 10
    assert record["graph"]["storage_bytes_of_graph_executor"] > record["graph"]["planned_bytes"]
    assert module_files(load_model(archive("digits_graph")), "kws", None) == files


def test_workspace_is_no_larger_than_that_of_tvm() -> None:
    ahead = load_model(archive("digits_aot_c_nousmp")).workspace_size
    assert all(load_model(archive(name)).workspace_size <= ahead for name in GRAPHS)


@pytest.mark.parametrize("flag", [[], [SHARING]])
def test_two_in_one_program(flag: list[str], expected: list[bytes], tmp_path: Path) -> None:
    names = {"kws": "digits_graph", "Other_2": "digits_graph_linked", "aot": "digits"}
    folders = [module(archive(source), name, tmp_path) for name, source in names.items()]
    objects = {f: compile_module(f, tmp_path / "o", ["gcc"], ["-O1", *flag]) for f in folders}
    for folder in folders:
        own = (f"tvmgen_{folder.name}_", f"utvm_model_{folder.name}", "utvm_shared_workspace_0")
        assert [s for s in global_symbols(objects[folder]) if not s.startswith(own)] == []
    everything = [path for paths in objects.values() for path in paths]
    program = link_program(folders, everything, tmp_path / "program", "gcc")
    requests = [(n, image) for image in IMAGES[:9] for n in (0, 1, 2)]
    assert serve(program, requests, [10] * 3) == [e for e in expected[:9] for _ in range(3)]
    shared = [line for line in run_tool(["nm", program]).split("\n") if "utvm_shared" in line]
    assert len(shared) == len(flag)


@pytest.mark.parametrize("version", [6, 5, 4, 2, 1])
def test_older_versions(version: int, expected: list[bytes], tmp_path: Path) -> None:
    files = as_version(unpack(archive("digits_graph")), version)
    if version < 3:  # operators had no prefix
        for name in [name for name in files if name.endswith((".c", "graph.json"))]:
            files[name] = files[name].replace(b"tvmgen_default_fused", b"fused")
    path = pack(files, tmp_path / "old.tar")
    folder = module(path, "kws", tmp_path)
    assert answers_of(folder, tmp_path / "o", IMAGES[:3], 10) == expected[:3]
    assert {s[:11] for s in global_symbols((tmp_path / "o").glob("*.o"))} == {
        "tvmgen_kws_",
        "utvm_model_",
    }
    assert [port.tensor.name for port in load_model(path).inputs] == ["image"]
    assert [port.tensor.name for port in load_model(path).outputs] == ["scores"]


def numbers(seed: int) -> Values:
    return np.random.default_rng(seed).integers(-1000, 1000, LENGTH, np.int32)


def input_is_output() -> Builder:
    graph = Builder()
    x = graph.argument("x")
    graph.heads = [x, graph.call("add", x, x)]
    return graph


def parameter_is_output() -> Builder:
    graph = Builder()
    x, w = graph.argument("x"), graph.argument("w", numbers(1))
    graph.heads = [w, graph.call("add", x, w)]
    return graph


def one_output_twice() -> Builder:
    graph = Builder()
    x = graph.argument("x")
    y = graph.call("add", x, x)
    graph.heads = [y, y, graph.call("__nop", y)]
    return graph


def output_is_read_again() -> Builder:
    graph = Builder()
    x = graph.argument("x")
    y = graph.call("add", x, x)
    graph.heads = [y, graph.call("add", graph.call("add", y, x), y)]
    return graph


def reshapes_and_copies() -> Builder:
    graph = Builder()
    x = graph.argument("x")
    a = graph.call("__nop", x, shape=(1, LENGTH))
    b = graph.call("add", a, graph.call("__copy", a, shape=(LENGTH, 1)), flatten=True)
    c = graph.call("__nop", graph.call("__nop", b, shape=(LENGTH, 1)), shape=(1, LENGTH))
    later = graph.call("add", b, x)
    graph.heads = [graph.call("add", c, later, flatten=True), graph.call("__nop", a)]
    return graph


def only_reshapes() -> Builder:
    graph = Builder()
    graph.heads = [graph.call("__nop", graph.argument("x"), shape=(1, LENGTH))]
    return graph


def unused() -> Builder:
    graph = Builder()
    x, _ = graph.argument("x"), graph.argument("y")
    graph.argument("w", numbers(2))
    low, _ = graph.call("flip", x, outputs=2)
    graph.call("add", x, x)
    graph.heads = [(low, 1)]
    return graph


def names_that_are_no_c() -> Builder:
    graph = Builder()
    names = ["default", "3d/\u03bc", "workspace", "int", "*/ #error", "OUTPUT", "a b", "a.b"]
    entries = [graph.argument(name) for name in names]
    w = graph.argument("*/ w", numbers(3))
    for entry in entries:
        w = graph.call("add", w, entry)
    graph.heads = [w]
    return graph


def any_graph(seed: int) -> Builder:
    """Up to 20 calls on whatever there is, and up to 4 outputs of whatever there is."""
    chance = random.Random(seed)
    graph = Builder()
    entries = [graph.argument(f"x{n}") for n in range(chance.randint(1, 3))]
    entries += [graph.argument(f"w{n}", numbers(n)) for n in range(chance.randint(0, 2))]
    for _ in range(chance.randint(1, 20)):
        kind = chance.choice(("add", "add", "flip", "__nop", "__copy"))
        inputs = [chance.choice(entries[-5:]) for _ in range(1 + (kind == "add"))]
        if kind == "flip":
            node, _ = graph.call(kind, *inputs, outputs=2)
            entries += [(node, 0), (node, 1)]
        else:
            entries.append(graph.call(kind, *inputs))
    graph.heads = [chance.choice(entries) for _ in range(chance.randint(1, 4))]
    return graph


HANDMADE: tuple[Callable[[], Builder], ...] = (
    input_is_output,
    parameter_is_output,
    one_output_twice,
    output_is_read_again,
    reshapes_and_copies,
    only_reshapes,
    unused,
    names_that_are_no_c,
)


@pytest.mark.parametrize("cc", HOST)
def test_graphs_of_every_form(cc: str, tmp_path: Path) -> None:
    """Each a model of its own in one program, called in turn twice, under sanitizers."""
    graphs = [make() for make in HANDMADE] + [any_graph(seed) for seed in range(12)]
    folders, objects, requests, answers = [], [], [], []
    for number, graph in enumerate(graphs):
        path = pack(graph.files(), tmp_path / "model.tar")
        folders.append(module(path, f"m{number}", tmp_path))
        objects += compile_module(folders[-1], tmp_path / "o", [cc], ["-O1", *SANITIZE])
        names = [n["name"] for n in graph.nodes if n["op"] == "null"]
        names = [name for name in names if name not in graph.parameters]
        for again in (10, 20):
            inputs = {name: numbers(again + n) for n, name in enumerate(names)}
            requests.append((number, b"".join(value.tobytes() for value in inputs.values())))
            answers.append(graph.answer(inputs))
    program = link_program(folders, objects, tmp_path / "program", cc, SANITIZE)
    sizes = [4 * LENGTH * len(graph.heads) for graph in graphs]
    assert serve(program, requests[::2] + requests[1::2], sizes) == answers[::2] + answers[1::2]


def test_code_of_a_failing_operator(tmp_path: Path) -> None:
    graph = Builder()
    graph.heads = [graph.call("fail", graph.argument("x"))]
    folder = module(pack(graph.files(), tmp_path / "model.tar"), "kws", tmp_path)
    with pytest.raises(AssertionError, match="the model returned an error"):
        answers_of(folder, tmp_path / "o", [bytes(4 * LENGTH)], 4 * LENGTH)


CONSTANTS: dict[str, tuple[str, list[Any]]] = {
    "bool": ("B", [0, 1]),
    "int8": ("b", [-128, 0, 127]),
    "uint8": ("B", [0, 255] * 40),
    "int16": ("h", [-(1 << 15), 32767]),
    "uint16": ("H", [65535]),
    "float16": ("e", [0.1, float("inf"), -0.0]),
    "int32": ("i", [-(1 << 31), (1 << 31) - 1]),
    "uint32": ("I", [(1 << 32) - 1]),
    "float32": ("f", [0.1, -0.0, 1e-45, 3.4028234663852886e38, float("inf"), float("-inf")]),
    "int64": ("q", [-(1 << 63), (1 << 63) - 1, -1]),
    "uint64": ("Q", [(1 << 64) - 1, 0, 1]),
    "float64": ("d", [0.1, 5e-324, float("-inf"), float("nan")]),
}


@pytest.mark.parametrize("cc", HOST)
def test_constants_are_exact(cc: str, tmp_path: Path) -> None:
    need(cc)
    data = {t: struct.pack(f"<{len(v)}{code}", *v) for t, (code, v) in CONSTANTS.items()}
    text = "#include <stdint.h>\n#include <stdio.h>\n"
    text += "".join(constant(f"{t}_data", t, value, 16) for t, value in data.items())
    writes = "".join(f"\tfwrite({t}_data, 1, sizeof({t}_data), stdout);\n" for t in data)
    (tmp_path / "main.c").write_text(f"{text}\nint main(void)\n{{\n{writes}\treturn 0;\n}}\n")
    strict = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
    run_tool([cc, *strict, tmp_path / "main.c", "-o", tmp_path / "x"])
    assert run_tool_bytes(tmp_path / "x") == b"".join(data.values())


def run_tool_bytes(program: Path) -> bytes:
    return subprocess.run([program], capture_output=True, check=True).stdout


FILES = unpack(archive("digits_graph"))
NO_HEADS = re.sub(rb'"heads": .*?\]\s*\]', b'"heads": []', FILES[GRAPH], count=1, flags=re.DOTALL)
SUBTRACT = "tvmgen_default_fused_cast_subtract"
EMPTY = parameter_file({})
CONTRADICTIONS: dict[str, tuple[Callable[[], Files], str]] = {
    "no graph": (lambda: {n: d for n, d in FILES.items() if n != GRAPH}, "has no graph JSON (exec"),
    "linked by TVM 0.8": (
        lambda: edited(FILES, LIB1, "#include <math.h>", "int32_t _lookup_linked_param(void);"),
        "has its parameters linked in the way of TVM 0.8, which is not supported",
    ),
    "no parameters": (lambda: {n: d for n, d in FILES.items() if n != PARAMS}, "has no parameters"),
    "parameters of another": (lambda: {**FILES, PARAMS: EMPTY}, "has the input 'p0' of 2 bytes of"),
    "shape of a parameter": (
        lambda: edited(FILES, GRAPH, "[3, 3, 1, 12]", "[3, 3, 12, 1]"),
        "parameter 'p1' is int16 [3, 3, 1, 12] and int16 [3, 3, 12, 1] in the graph",
    ),
    "missing function": (
        lambda: edited(FILES, LIB1, f"int32_t {SUBTRACT}(", "int32_t other("),
        f"calls {SUBTRACT}, which no source of the archive defines",
    ),
    "too few tensors": (
        lambda: edited(FILES, LIB1, "(((TVMValue*)args)[2].v_h", "(((TVMValue*)args)[9].v_h"),
        f"calls {SUBTRACT} with 3 tensors, too few",
    ),
    "one function for two shapes": (
        lambda: edited(FILES, GRAPH, "clip_cast_subtract_2", "clip_cast_subtract_1"),
        "_1 with tensors of different shapes",
    ),
    "allocation of any size": (
        lambda: edited(FILES, LIB1, "(uint64_t)2400", "(uint64_t)dev_id"),
        "_1 allocates workspace in a way that is not TVM's",
    ),
    "name of the output": (
        lambda: with_main(FILES, lambda m: m.update(outputs={"o": {"dtype": "int8", "size": 11}})),
        "has the output 'o' of 10 bytes of int8 in one of graph and metadata",
    ),
    "no heads": (
        lambda: {**FILES, GRAPH: NO_HEADS},
        "has the output 'scores'",
    ),
    "a source of our name": (
        lambda: {**FILES, "codegen/host/src/default_graph.c": b"int x;"},
        "holds a default_graph.c already",
    ),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_contradictions(case: str, tmp_path: Path) -> None:
    make, reason = CONTRADICTIONS[case]
    path = pack(make(), tmp_path / "model.tar")
    line = refusal(load_model, path)
    assert line.startswith(str(path)) and reason in line
    assert list(tmp_path.iterdir()) == [path]


def test_missing_parameter_of_an_old_archive(tmp_path: Path) -> None:
    files = {**as_version(FILES, 5), PARAMS: EMPTY}
    line = refusal(load_model, pack(files, tmp_path / "model.tar"))
    assert "has no contents for the parameter 'p0'" in line


def test_damaged_archives(tmp_path: Path) -> None:
    """A thousand with a byte of graph or parameters changed: an error of ours, or a module whose
    inputs and outputs are as before and whose tensors lie inside the workspace."""
    chance = random.Random(9)
    graph = Builder()
    x, w = graph.argument("x"), graph.argument("w", numbers(1))
    y = graph.call("add", x, w)
    graph.heads = [graph.call("add", graph.call("__nop", y), graph.call("add", y, w))]
    files = graph.files()
    path = tmp_path / "model.tar"
    written = 0
    for number in range(1000):
        name = (GRAPH, PARAMS)[number % 2]
        data = bytearray(files[name])
        data[chance.randrange(len(data))] = chance.randrange(256)
        pack({**files, name: bytes(data)}, path)
        try:
            model = load_model(path)
        except UtvmError as error:
            assert str(error).isprintable()
            continue
        written += 1
        text = model.sources["default_graph.c"]
        size = int((re.search(r"workspace\[(\d+)\];", text) or [0, 0])[1])
        offsets = [int(at) for at in re.findall(r"&workspace\[(\d+)\]", text)]
        assert all(0 <= at < size for at in offsets)
        assert [p.tensor.size for p in model.inputs + model.outputs] == [4 * LENGTH] * 2
    assert 100 < written < 900


def test_large_parameters_are_written_fast(tmp_path: Path) -> None:
    graph = Builder()
    graph.heads = [graph.call("add", graph.argument("x"), graph.argument("w", numbers(1)))]
    files = graph.files()
    big = np.zeros(2 << 20, np.int32)
    document = json.loads(files[GRAPH])
    document["attrs"]["shape"][1][1] = [len(big)]
    files = {**files, GRAPH: json.dumps(document).encode(), PARAMS: parameter_file({"w": big})}
    files[LIB1] = OPERATORS.encode()
    path = pack(files, tmp_path / "model.tar")
    start = time.monotonic()
    module(path, "kws", tmp_path)
    assert time.monotonic() - start < 8
