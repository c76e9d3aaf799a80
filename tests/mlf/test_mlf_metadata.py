# SPDX-License-Identifier: Apache-2.0
"""metadata.json that is malformed, or that contradicts the header beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.archives import (
    HEADER,
    Document,
    archive,
    document_of,
    edited,
    entry_of,
    pack,
    refusal,
    unpack,
    with_document,
    with_main,
)
from west_utvm.mlf import read_archive

FILES = unpack(archive("digits"))
DAMAGED = "; the archive is damaged or was edited; export it again"

NO_JSON = {
    "empty": b"",
    "text": b"version: 7",
    "unfinished": FILES["metadata.json"][:-2],
    "NaN": b'{"version": NaN}',
    "minus infinity": b'{"version": 7, "x": -Infinity}',
    "beyond a float": b'{"version": 7, "x": 1e999}',
    "huge integer": b'{"version": ' + b"7" * 9000 + b"}",
    "not UTF-8": b'{"version": 7, "x": "\xff"}',
    "nested beyond any stack": b"[" * 200_000,
    "nested deep": b'{"version": 7, "x": ' + b"[" * 40 + b"]" * 40 + b"}",
}


@pytest.mark.parametrize("case", NO_JSON)
def test_no_json(case: str, tmp_path: Path) -> None:
    path = pack({**FILES, "metadata.json": NO_JSON[case]}, tmp_path / "model.tar")
    line = refusal(read_archive, path)
    assert line.startswith(f"{path}: metadata.json: is not JSON (") and line.endswith(DAMAGED)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[]", "is not a JSON object"),
        ("7", "is not a JSON object"),
        ("null", "is not a JSON object"),
        ("{}", "'version' is missing"),
        ('{"version": "7"}', "'version' is str where int is expected"),
        ('{"version": 7.0}', "'version' is float where int is expected"),
        ('{"version": true}', "'version' is bool where int is expected"),
        ('{"version": null}', "'version' is NoneType where int is expected"),
        ('{"version": 0}', "is of version 0, and versions 1 to 7 are known"),
        ('{"version": -1}', "is of version -1, and versions 1 to 7 are known"),
        ('{"version": 8}', "is of version 8, and versions 1 to 7 are known"),
        ('{"version": 6}', "'model_name' is missing"),
        ('{"version": 7, "modules": []}', "'modules' is list where dict is expected"),
        ('{"version": 7, "modules": {"default": 1}}', "'default' is int where dict is expected"),
    ],
)
def test_no_document(text: str, reason: str, tmp_path: Path) -> None:
    path = pack({**FILES, "metadata.json": text.encode()}, tmp_path / "model.tar")
    assert refusal(read_archive, path).startswith(f"{path}: metadata.json: {reason}; ")


def test_no_module(tmp_path: Path) -> None:
    files = with_document(FILES, lambda document: document.update(modules={}))
    path = pack(files, tmp_path / "model.tar")
    assert refusal(read_archive, path) == f"{path}: holds 0 modules{DAMAGED}"


# Where the keys that are read stand in a module's entry, and a value of the wrong type for each.
PATHS: dict[str, tuple[tuple[str | int, ...], Any]] = {
    "executors": (("executors",), "aot"),
    "an executor": (("executors", 0), 1),
    "style": (("style",), None),
    "target": (("target",), True),
    "a target": (("target", 0), {}),
    "memory": (("memory",), "none"),
    "functions": (("memory", "functions"), []),
    "main": (("memory", "functions", "main"), {}),
    "a device": (("memory", "functions", "main", 0), "cpu"),
    "workspace": (("memory", "functions", "main", 0, "workspace_size_bytes"), 7712.0),
    "workspace, bool": (("memory", "functions", "main", 0, "workspace_size_bytes"), True),
    "inputs": (("memory", "functions", "main", 0, "inputs"), ["image"]),
    "outputs": (("memory", "functions", "main", 0, "outputs"), None),
    "an input": (("memory", "functions", "main", 0, "inputs", "image"), 64),
    "dtype": (("memory", "functions", "main", 0, "inputs", "image", "dtype"), 8),
    "size": (("memory", "functions", "main", 0, "outputs", "scores", "size"), "10"),
    "size, bool": (("memory", "functions", "main", 0, "outputs", "scores", "size"), True),
}


def at(document: Document, keys: tuple[str | int, ...]) -> tuple[Any, Any]:
    """The container of the value at ``keys``, and its key there."""
    container: Any = entry_of(document)
    for key in keys[:-1]:
        container = container[key]
    return container, keys[-1]


@pytest.mark.parametrize("case", PATHS)
def test_wrong_type(case: str, tmp_path: Path) -> None:
    keys, value = PATHS[case]

    def change(document: Document) -> None:
        container, key = at(document, keys)
        container[key] = value

    path = pack(with_document(FILES, change), tmp_path / "model.tar")
    shown = next(key for key in reversed(keys) if isinstance(key, str))
    line = refusal(read_archive, path)
    assert line.startswith(f"{path}: metadata.json: '{shown}' is {type(value).__name__} where ")
    assert line.endswith(f" is expected{DAMAGED}")


UNTOLD = "neither metadata.json nor the Relay text tells the size of 'scores'"
# What is said where a key is missing that not every version has.
MISSING = {
    "memory": UNTOLD,
    "outputs": UNTOLD,
    "an input": "metadata.json names [] and the header ['image']",
}
OPTIONAL = {"style", "inputs"}


@pytest.mark.parametrize(
    "case", [case for case, (keys, _) in PATHS.items() if isinstance(keys[-1], str)]
)
def test_missing_key(case: str, tmp_path: Path) -> None:
    keys, _ = PATHS[case]

    def change(document: Document) -> None:
        container, key = at(document, keys)
        del container[key]

    path = pack(with_document(FILES, change), tmp_path / "model.tar")
    if case in OPTIONAL:
        model = read_archive(path)
        assert model.metadata.style == "full-model"
        assert model.inputs[0].tensor.shape == (1, 8, 8, 1)
    else:
        reason = MISSING.get(case, f"metadata.json: '{keys[-1]}' is missing{DAMAGED}")
        assert reason in refusal(read_archive, path)


def image(**fields: object) -> Callable[[Document], None]:
    return lambda main: main["inputs"]["image"].update(fields)


def inputs(names: list[str]) -> Callable[[Document], None]:
    size = {"dtype": "int8", "size": 64}
    return lambda main: main.update(inputs=dict.fromkeys(names, size))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (image(size=65), "metadata.json gives 'image' 65 bytes and the header 64"),
        (image(size=0), "metadata.json: tensor 'image' of 0 bytes cannot hold elements of int8"),
        (image(size=-64), "metadata.json: 'size' is -64, not a 32-bit size"),
        (image(size=1 << 32), "metadata.json: 'size' is 4294967296, not a 32-bit size"),
        (
            image(size=66, dtype="float32"),
            "metadata.json: tensor 'image' of 66 bytes cannot hold elements of float32",
        ),
        (image(dtype="int4"), "metadata.json: tensor 'image' has the unsupported dtype 'int4'"),
        (
            lambda main: main.update(workspace_size_bytes=1 << 40),
            f"metadata.json: 'workspace_size_bytes' is {1 << 40}, not a 32-bit size",
        ),
        (inputs([]), "metadata.json names [] and the header ['image']"),
        (inputs(["picture"]), "metadata.json names ['picture'] and the header"),
        (inputs(["image", "x"]), "metadata.json names ['image', 'x'] and the header"),
        (inputs(["a\0b"]), "metadata.json: tensor 'a b' has a name that is not text"),
        (inputs(["a\ud800"]), "metadata.json: tensor 'a ' has a name that is not text"),
        (inputs(['";\n']), "metadata.json names ['\";\\n'] and the header"),
    ],
)
def test_contradictions(change: Callable[[Document], None], reason: str, tmp_path: Path) -> None:
    path = pack(with_main(FILES, change), tmp_path / "model.tar")
    assert refusal(read_archive, path).startswith(f"{path}: {reason}")


def test_two_inputs_of_one_c_name(tmp_path: Path) -> None:
    files = edited(with_main(FILES, inputs(["a.b", "a:b"])), HEADER, "void* image", "void* a_b")
    path = pack(files, tmp_path / "model.tar")
    assert refusal(read_archive, path).startswith(f"{path}: metadata.json names ['a.b', 'a:b'] and")


def test_name_of_the_module_is_that_of_the_header(tmp_path: Path) -> None:
    entry = entry_of(document_of(FILES))
    files = with_document(FILES, lambda document: document.update(modules={"kws": entry}))
    path = pack(files, tmp_path / "model.tar")
    assert refusal(read_archive, path) == (
        f"{path}: {HEADER}: metadata.json calls the module 'kws'{DAMAGED}"
    )


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("struct tvmgen_default_inputs {", "struct x {", "has no 'struct tvmgen_default_inputs'"),
        ("struct tvmgen_default_outputs {", "x {", "has no 'struct tvmgen_default_outputs'"),
        ("_run(", "_go(", "does not declare tvmgen_default_run"),
    ],
)
def test_no_header(old: str, new: str, reason: str, tmp_path: Path) -> None:
    path = pack(edited(FILES, HEADER, old, new), tmp_path / "model.tar")
    assert refusal(read_archive, path) == f"{path}: {HEADER}: {reason}{DAMAGED}"


def test_keys_of_others_are_left_alone(tmp_path: Path) -> None:
    """A later TVM may add keys; what they hold is not looked at."""
    extra = json.loads('{"x": [1.5, null, {"y": "\\ud800"}]}')
    files = with_document(FILES, lambda document: entry_of(document).update(extra))
    assert read_archive(pack(files, tmp_path / "model.tar")).metadata.model_name == "default"
