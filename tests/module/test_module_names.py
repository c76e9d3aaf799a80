# SPDX-License-Identifier: Apache-2.0
"""Names of models: refused where C, Kconfig, CMake or a file system would stumble over them."""

from __future__ import annotations

import pytest

from tests.archives import archive, refusal
from west_utvm.module import load_model, module_name
from west_utvm.module.names import check_name

FORM = "is not letters, digits and _ with a letter first"
HINT = "; give another with -n, such as -n kws"


ASCII = ["", "1kws", "_kws", "k-ws", "k.ws", "k ws", "k;ws", "$(x)", "${x}", 'k"ws', "k'ws", "k`ws"]
UNSEEN = ["kws\n", "kws\r", "k\tws", "k\0ws", "../kws", "k/ws", "k\\ws"]
# A sharp s, an Arabic digit, the Kelvin sign, a combining accent, a Cyrillic k.
UNICODE = ["kw\u00df", "kws\u0663", "\u212aws", "kws\u0301", "\u043aws"]


@pytest.mark.parametrize("name", ASCII + UNSEEN + UNICODE)
def test_not_an_identifier(name: str) -> None:
    line = refusal(check_name, name)
    assert line.startswith("the model name ") and line.endswith(f"{FORM}{HINT}")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("k" * 33, f"the model name '{'k' * 32}...' is longer than 32 characters"),
        ("k" * 10_000, f"the model name '{'k' * 32}...' is longer than 32 characters"),
        ("int", "the model name 'int' is a C or C++ keyword"),
        ("new", "the model name 'new' is a C or C++ keyword"),
        ("shared_workspace", "the model name 'shared_workspace' is reserved"),
        ("Shared_Workspace", "the model name 'Shared_Workspace' is reserved"),
        ("runner", "the model name 'runner' is reserved"),
        ("RUNNER_BOOT_FRAMES", "the model name 'RUNNER_BOOT_FRAMES' is reserved"),
    ],
)
def test_refused(name: str, reason: str) -> None:
    assert refusal(check_name, name) == f"{reason}{HINT}"


@pytest.mark.parametrize("name", ["kws", "k", "K2_", "default", "k" * 32, "runners", "Int"])
def test_accepted(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    ("source", "asked", "name"),
    [("digits", None, "default"), ("digits_named", None, "digits"), ("digits_named", "kws", "kws")],
)
def test_archives_own_name(source: str, asked: str | None, name: str) -> None:
    assert module_name(load_model(archive(source)), asked) == name
