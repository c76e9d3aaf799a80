# SPDX-License-Identifier: Apache-2.0
"""What a model may be called, so that its name is safe in C, Kconfig, CMake and on disk."""

from __future__ import annotations

import re
from pathlib import Path

from west_utvm.errors import UtvmError

# Long enough for any model, short enough for C's 63 significant characters with our affixes.
MAX_NAME = 32

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")

# `default`, a keyword too, is what tvmc calls a module that was given no name; it is only ever
# a part of our identifiers. The rest: C11 6.4.1, C23's new ones, and what C++ adds.
KEYWORDS = frozenset(
    """
    alignas alignof and asm auto bitand bitor bool break case catch char class compl concept
    const constexpr continue decltype delete do double else enum explicit export extern
    false float for friend goto if inline int long mutable namespace new noexcept not nullptr
    operator or private protected public register requires restrict return short signed sizeof
    static struct switch template this throw true try typedef typeof typename union unsigned
    using virtual void volatile wchar_t while xor
    """.split()
)

# Kconfig symbols of ours that a model called so would collide with (CONFIG_UTVM_<NAME>).
_RESERVED = re.compile(r"shared_workspace|runner(_.*)?")


def is_keyword(name: str) -> bool:
    """Whether C or C++ would not take ``name`` for an identifier."""
    return name in KEYWORDS or name == "default"


def check_name(name: str) -> str:
    """Return ``name``, as given with ``-n``; UtvmError unless it is an identifier of ours."""
    shown = name if len(name) <= MAX_NAME else name[:MAX_NAME] + "..."
    hint = "give another with -n, such as -n kws"
    if not _IDENTIFIER.fullmatch(name):
        what = f"the model name {shown!r} is not letters, digits and _ with a letter first"
        raise UtvmError(what, hint=hint)
    if len(name) > MAX_NAME:
        what = f"the model name {shown!r} is longer than {MAX_NAME} characters"
        raise UtvmError(what, hint=hint)
    if name in KEYWORDS:
        raise UtvmError(f"the model name {name!r} is a C or C++ keyword", hint=hint)
    if _RESERVED.fullmatch(name.lower()):
        raise UtvmError(f"the model name {name!r} is reserved", hint=hint)
    return name


def name_from_file(path: Path) -> str:
    """A model's name when none is given: that of its file, as far as it may be one."""
    name = re.sub(r"[^A-Za-z0-9_]+", "_", path.stem).strip("_").lower()
    return check_name(name[:MAX_NAME].rstrip("_") or "_")
