# SPDX-License-Identifier: Apache-2.0
"""What became of a model, for people: as a table and as a page, from the record of its compiler."""

from west_utvm.report.page import page
from west_utvm.report.summary import Summary, read_summary
from west_utvm.report.table import table

__all__ = ["Summary", "page", "read_summary", "table"]
