# SPDX-License-Identifier: Apache-2.0
"""Applications around models: a template, copied, and the models' modules in it."""

from west_utvm.project.record import Project, is_project, read_project
from west_utvm.project.sources import Source, archive_source, parse_source
from west_utvm.project.template import TEMPLATE, TYPES
from west_utvm.project.writer import Request, write_project

__all__ = [
    "TEMPLATE",
    "TYPES",
    "Project",
    "Request",
    "Source",
    "archive_source",
    "is_project",
    "parse_source",
    "read_project",
    "write_project",
]
