# SPDX-License-Identifier: Apache-2.0
"""ELF -> sizes by memory region, section and model, and budgets on them."""

from west_utvm.elf.budget import Budget, Violation, check, parse_budget
from west_utvm.elf.image import Berkeley, Image, Section, Symbol
from west_utvm.elf.models import ModelShare, Shares, SymbolUsage
from west_utvm.elf.reader import read_image
from west_utvm.elf.regions import Region, parse_map, regions_of
from west_utvm.elf.report import SCHEMA_VERSION, describe, to_json, to_table
from west_utvm.elf.size import Contributor, SizeReport, measure
from west_utvm.elf.usage import MEMORIES, Memory, Place, RegionUsage, SectionUsage, Usage

__all__ = [
    "MEMORIES",
    "SCHEMA_VERSION",
    "Berkeley",
    "Budget",
    "Contributor",
    "Image",
    "Memory",
    "ModelShare",
    "Place",
    "Region",
    "RegionUsage",
    "Section",
    "SectionUsage",
    "Shares",
    "SizeReport",
    "Symbol",
    "SymbolUsage",
    "Usage",
    "Violation",
    "check",
    "describe",
    "measure",
    "parse_budget",
    "parse_map",
    "read_image",
    "regions_of",
    "to_json",
    "to_table",
]
