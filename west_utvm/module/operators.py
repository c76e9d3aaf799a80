# SPDX-License-Identifier: Apache-2.0
"""The operators' functions in C that tvmc wrote: which there are, and what they need."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

# CodeGenCHost (TVM's src/target/source/codegen_c_host.cc); pointers to type codes are void*
# before v0.10.
_DEFINITION = re.compile(
    r"\bint32_t (\w+)\(void\* ?\w+, (void|int32_t)\* ?\w+, int32_t \w+, void\* ?\w+, "
    r"(void|int32_t)\* ?\w+, void\* ?\w+\) \{(.*?)\n\}",
    re.ASCII | re.DOTALL,
)
_ARGUMENT = re.compile(r"\bargs\)?\[(\d{1,3})\]", re.ASCII)
_CALL = re.compile(r"\bTVMBackend(Alloc|Free)Workspace\(")
_ALLOCATION = re.compile(
    r"(\w+) = (?:\([^()]*\))?TVMBackendAllocWorkspace\([^;()]*\(uint64_t\)(\d{1,10}),"
    r"|TVMBackendFreeWorkspace\([^;()]*, (\w+)\)",
    re.ASCII,
)


@dataclass(frozen=True)
class Operator:
    """A packed function: ``num_args`` is how many arguments it looks at, and the types are what
    its pointers to type codes point to. ``need`` is the most that it has of
    TVMBackendAllocWorkspace at one time, in bytes, and None if the C does not tell."""

    name: str
    type_ids: str
    ret_type: str
    num_args: int
    need: int | None

    @property
    def prototype(self) -> str:
        return (
            f"int32_t {self.name}(void *args, {self.type_ids} *type_ids, int32_t num_args, "
            f"void *ret, {self.ret_type} *ret_type, void *resource);\n"
        )


def operators(sources: Iterable[str], alignment: int) -> dict[str, Operator]:
    """The packed functions that ``sources`` define, by name. Blocks that they allocate are
    rounded up to ``alignment``."""
    return {
        name: Operator(name, type_ids, ret_type, _num_args(body), _need(body, alignment))
        for text in sources
        for name, type_ids, ret_type, body in _DEFINITION.findall(text)
    }


def _num_args(body: str) -> int:
    return max((int(index) + 1 for index in _ARGUMENT.findall(body)), default=0)


def _need(body: str, alignment: int) -> int | None:
    """TVM frees where the block of an allocation ends, so the order in the text is that of a
    run. None if this is not so."""
    found = _ALLOCATION.findall(body)
    if len(found) != len(_CALL.findall(body)):
        return None
    blocks: list[tuple[str, int]] = []
    peak = 0
    for name, size, freed in found:
        if name:
            blocks.append((name, -(-int(size) // alignment) * alignment))
            peak = max(peak, sum(block for _, block in blocks))
        elif not blocks or blocks.pop()[0] != freed:
            return None
    return None if blocks else peak
