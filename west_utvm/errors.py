# SPDX-License-Identifier: Apache-2.0
"""The one exception every stage raises for input or an environment it cannot accept."""

from __future__ import annotations


class UtvmError(Exception):
    """A failure that the user can act on, printed as one line with no traceback.

    ``what`` says what is wrong, ``where`` names the file, archive member, operator or
    port it concerns, ``hint`` says what to do next.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: object = None, hint: str = "") -> None:
        self.what = what
        self.where = None if where is None else str(where)
        self.hint = hint
        super().__init__(what)

    def __str__(self) -> str:
        line = self.what if self.where is None else f"{self.where}: {self.what}"
        if self.hint:
            line = f"{line}; {self.hint}"
        # Untrusted names end up in messages: keep the promise of a single line.
        return "".join(c if c.isprintable() else " " for c in line)
