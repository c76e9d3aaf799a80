# SPDX-License-Identifier: Apache-2.0
"""The kernels' headers, any of which may meet any other in one C file."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import west_utvm.kernels
from west_utvm.lowering.program import ROUNDINGS

HEADERS = sorted((Path(west_utvm.kernels.__file__).parent / "c").glob("*.h"))
# Functions and macros with their bodies, structs with their fields; not what only refers to one.
DEFINITION = re.compile(
    r"^(?:UTVM_(?:INLINE|SHARED)\b[^;{]*?\b(utvm_\w+)\(|#define (\w+)|struct (\w+) \{)", re.M
)


def _family(path: Path) -> str:
    """Headers of which one file has only one: those for different modes of rounding."""
    return re.sub(rf"_({'|'.join(ROUNDINGS)})$", "", path.stem)


def test_no_name_is_defined_in_two_headers() -> None:
    families = defaultdict(set)
    for path in HEADERS:
        text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
        for found in DEFINITION.finditer(text):
            families[next(filter(None, found.groups()))].add(_family(path))
    twice = {name: sorted(where) for name, where in families.items() if len(where) > 1}
    assert len(families) > 100
    assert not twice
