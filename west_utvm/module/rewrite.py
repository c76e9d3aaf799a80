# SPDX-License-Identifier: Apache-2.0
"""What is changed in the C text that tvmc wrote, each change a small function.

tvmc prefixes every global symbol with ``tvmgen_<module>`` and every macro with
``TVMGEN_<MODULE>``; archives written without ``--module-name`` are all called ``default``.
A module's name is in lower case in the header and as it was given in the sources.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from west_utvm.errors import UtvmError

# Math functions of C11 7.12 that tvmc's C code generator emits calls of.
_MATH = """
    acos acosh asin asinh atan atan2 atanh ceil copysign cos cosh erf exp exp2 exp10 fabs floor
    fma fmax fmin fmod hypot ldexp lgamma log log10 log1p log2 nearbyint nextafter pow rint round
    sin sinh sqrt tan tanh tgamma trunc
    """.split()
_MATH_CALL = re.compile(rf"\b(?:{'|'.join(_MATH)})f?\s*\(")

_CONSTANT_POOL = re.compile(
    r'(__attribute__\(\(section\("\.rodata\.tvm"\), \)\)\s+static )(struct \w+ \{)'
)
_WORKSPACE = re.compile(
    r'__attribute__\(\(section\("\.bss\.noinit\.tvm"\), aligned\((\d{1,4})\)\)\)\s+'
    r"static uint8_t (\w+)\[(\d{1,10})\];",
    re.ASCII,
)
_ALLOCATION = re.compile(r"\bTVMBackendAllocWorkspace\([^;()]*\(uint64_t\)(\d{1,10})\b")
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"\n]*)[>"]', re.MULTILINE)


def rename_module(text: str, old: str, new: str) -> str:
    """Replace module ``old`` by ``new`` in symbols, macros, header names and comments."""
    any_case = f"(?i:{old})"
    text = re.sub(rf"(?<!\w)tvmgen_{any_case}(?=_|\.h\b)", f"tvmgen_{new}", text, flags=re.ASCII)
    text = re.sub(rf"(?<!\w)TVMGEN_{old.upper()}(?=_)", f"TVMGEN_{new.upper()}", text)
    return re.sub(rf'TVM module "{any_case}"', f'TVM module "{new}"', text)


def constants_to_rodata(text: str) -> str:
    """Make a constant pool ``const``.

    tvmc puts a writable struct in a section called ``.rodata.tvm``: the section is then
    marked writable, and on some linker scripts the weights end up in RAM.
    """
    return _CONSTANT_POOL.sub(r"\1const \2", text)


def workspace_to_macro(text: str, pools: Iterator[int]) -> str:
    """Declare internal workspace pools through UTVM_WORKSPACE of ``utvm_workspace.h``.

    ``pools`` numbers the pools of a model: those of the same number are shared between models.
    """
    text, count = _WORKSPACE.subn(
        lambda m: f"UTVM_WORKSPACE({m[2]}, {m[3]}, {m[1]}, {next(pools)});", text
    )
    return f'#include "utvm_workspace.h"\n{text}' if count else text


def workspace_bytes(text: str) -> int:
    """The sum of the internal workspace pools that ``text`` declares, in bytes."""
    return sum(int(size) for _, _, size in _WORKSPACE.findall(text))


def allocation_padding(text: str, alignment: int) -> int:
    """Bytes that rounding every allocation up adds to the workspace that TVM worked out.

    Zero where the model was compiled with this alignment or a coarser one, as by default.
    """
    return sum(-int(size) % alignment for size in _ALLOCATION.findall(text))


def includes(text: str) -> set[str]:
    """The files that C text includes."""
    return set(_INCLUDE.findall(text))


def uses_math(text: str) -> bool:
    return _MATH_CALL.search(text) is not None


def uses_workspace_calls(text: str) -> bool:
    return "TVMBackendAllocWorkspace" in text


def rename_source(file_name: str, old: str, new: str) -> str:
    """The file name of a source in module ``new``: unique per model, for maps and sizes."""
    stem = re.sub(rf"^(?i:{old})(?=_)", new, file_name)
    return stem if stem.startswith(f"{new}_") else f"{new}_{stem}"


def check_symbol_prefix(text: str, module: str, where: str) -> None:
    """Raise unless every ``tvmgen_`` symbol is of ``module``: others would clash."""
    for found in sorted(set(re.findall(r"\btvmgen_\w+", text, re.ASCII))):
        if not f"{found}_".lower().startswith(f"tvmgen_{module}_".lower()):
            what = f"uses {found}, which is not of module '{module}'"
            raise UtvmError(what, where=where, hint="export the model to an archive of its own")
