# SPDX-License-Identifier: Apache-2.0
"""What a line to a board can do, whatever it is made of."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, TypeVar

_Self = TypeVar("_Self", bound="Transport")


class Transport(Protocol):
    """A reliable or unreliable stream of bytes to the board and back."""

    def read(self, timeout: float) -> bytes:
        """At least one byte, or ``b""`` when none came for ``timeout`` seconds.

        UtvmError when the other end is gone.
        """
        ...

    def write(self, data: bytes) -> None:
        """Send all of ``data``. UtvmError when the other end is gone or takes no more."""
        ...

    def close(self) -> None:
        """Let go of the line, and end what was started for it. A second call does nothing."""
        ...

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
