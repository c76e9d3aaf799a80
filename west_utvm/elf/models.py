# SPDX-License-Identifier: Apache-2.0
"""Symbols -> what each model takes of flash and RAM.

A model is what ``west utvm-compile`` writes: ``tvmgen_<name>_run``, all else with that prefix,
``utvm_model_<name>``, and whatever is static in its source files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import PurePosixPath

from west_utvm.elf.image import Image, Symbol
from west_utvm.elf.usage import Memory, SectionUsage

# The workspace that models share, one symbol a pool (CONFIG_UTVM_SHARED_WORKSPACE).
SHARED_WORKSPACE = "utvm_shared_workspace"

_PREFIXES = ("tvmgen_", "utvm_model_")
_RUN = re.compile(r"tvmgen_(\w+)_run")
_DESCRIPTOR = re.compile(r"utvm_model_(\w+)")
_SOURCE = re.compile(r"(\w+)_(?:lib\d*|model|workspace|graph|packed)\.c")


@dataclass(frozen=True)
class SymbolUsage:
    """A symbol and the bytes that are its own: those of an alias or of a symbol inside another
    are counted once. ``owner`` is a model's name, SHARED_WORKSPACE, or None."""

    symbol: Symbol
    owner: str | None
    size: int
    section: SectionUsage

    def bytes_in(self, memory: Memory) -> int:
        return self.size * self.section.times_in(memory)


@dataclass(frozen=True)
class ModelShare:
    """A model's own bytes.

    ``code`` is its functions, ``weights`` its objects with contents, ``workspace`` those without
    (also its input and output buffers); ``flash`` and ``ram`` are the same bytes by memory.
    Alignment and constants without a symbol (merged strings, jump tables) are nobody's, so all
    are lower bounds. ``statics_known`` is False if its source files are not in the symbol table,
    as after link-time optimization: its static symbols are then not counted either.
    """

    name: str
    code: int
    weights: int
    workspace: int
    flash: int
    ram: int
    statics_known: bool


@dataclass(frozen=True)
class Shares:
    """``models`` by name; every symbol in ``symbols``; ``shared_workspace`` in bytes of RAM."""

    models: tuple[ModelShare, ...]
    shared_workspace: int
    symbols: tuple[SymbolUsage, ...]


def shares_of(image: Image, sections: Sequence[SectionUsage]) -> Shares | None:
    """Each model's share of ``image``; None if it has no symbol table."""
    if image.symbols is None:
        return None
    names = _model_names(image.symbols)
    owners = _Owners(names)
    by_index = {usage.section.index: usage for usage in sections}
    symbols = tuple(_own_bytes(image.symbols, owners, by_index))
    owned: dict[str | None, list[SymbolUsage]] = {}
    for usage in symbols:
        owned.setdefault(usage.owner, []).append(usage)
    sources_of = set(map(owners.of_file, image.files))
    return Shares(
        models=tuple(_share(n, owned.get(n, []), n in sources_of) for n in sorted(names)),
        shared_workspace=sum(usage.size for usage in owned.get(SHARED_WORKSPACE, [])),
        symbols=symbols,
    )


class _Owners:
    """Tells whose a symbol is.

    One model's name may begin with another's (kws and kws_big): the longest that fits is meant.
    """

    def __init__(self, names: Set[str]) -> None:
        self._names = names

    def of(self, symbol: Symbol) -> str | None:
        if symbol.name == SHARED_WORKSPACE or symbol.name.startswith(f"{SHARED_WORKSPACE}_"):
            return SHARED_WORKSPACE
        return self._of_prefixed(symbol.name) or self.of_file(symbol.file)

    def of_file(self, file: str) -> str | None:
        """Whose source a file of this name is. Compilers record it with or without its folder."""
        name = PurePosixPath(file).name
        match = _SOURCE.fullmatch(name)
        if match and match[1] in self._names:
            return match[1]
        return self._of_prefixed(name.removesuffix(".c"))

    def _of_prefixed(self, text: str) -> str | None:
        for prefix in _PREFIXES:
            if text.startswith(prefix):
                name = text.removeprefix(prefix)
                while name and name not in self._names:
                    name = name.rpartition("_")[0]
                return name or None
        return None


def _model_names(symbols: Iterable[Symbol]) -> set[str]:
    patterns = {"function": _RUN, "object": _DESCRIPTOR}
    matches = (patterns[s.kind].fullmatch(s.name) for s in symbols if s.exported)
    return {match[1] for match in matches if match}


def _own_bytes(
    symbols: Iterable[Symbol], owners: _Owners, sections: Mapping[int, SectionUsage]
) -> Iterator[SymbolUsage]:
    """Sweep over the addresses of each section; bytes go to the first symbol that has them, and
    among symbols with the same address to a model's, then to the largest."""
    owned = [(symbol, owners.of(symbol)) for symbol in symbols]
    owned.sort(key=lambda s: (s[0].section, s[0].address, s[1] is None, -s[0].size, s[0].name))
    section, end = -1, 0
    for symbol, owner in owned:
        if symbol.section != section:
            section, end = symbol.section, 0
        size = symbol.address + symbol.size - max(symbol.address, end)
        if size > 0:
            end = symbol.address + symbol.size
            yield SymbolUsage(symbol, owner, size, sections[section])


def _share(name: str, symbols: Sequence[SymbolUsage], statics_known: bool) -> ModelShare:
    parts = {"code": 0, "weights": 0, "workspace": 0}
    for usage in symbols:
        parts[_part(usage)] += usage.size
    return ModelShare(
        name=name,
        **parts,
        flash=sum(usage.bytes_in("flash") for usage in symbols),
        ram=sum(usage.bytes_in("ram") for usage in symbols),
        statics_known=statics_known,
    )


def _part(usage: SymbolUsage) -> str:
    if usage.symbol.kind == "function":
        return "code"
    return "weights" if usage.section.section.stored else "workspace"
