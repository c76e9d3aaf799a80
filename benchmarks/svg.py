# SPDX-License-Identifier: Apache-2.0
"""Bar charts as SVG text: the same text for the same figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

_WIDTH = 860
_LABELS = 250
_BAR = 15
_GAP = 12
_TOP = 62
# Room for a figure beyond the end of the longest bar.
_FIGURES = 110
_FONT = "font-family='Helvetica, Arial, sans-serif'"


@dataclass(frozen=True)
class Bar:
    """``series`` chooses the colour, ``label`` is written to the left, ``text`` to the right."""

    series: str
    label: str
    value: float
    text: str


def bars(
    title: str,
    subtitle: str,
    groups: Sequence[tuple[str, Sequence[Bar]]],
    colours: Mapping[str, str],
    *,
    own_scale: bool,
) -> str:
    """Horizontal bars in groups under headings (an empty one takes no room).

    With ``own_scale`` the longest bar of each group has the full length, else that of all.
    """
    whole = max((bar.value for _, row in groups for bar in row), default=1) or 1
    body: list[str] = []
    y = _TOP
    for heading, row in groups:
        if heading:
            body.append(_text(16, y + _BAR, heading, "font-weight='bold'"))
            y += _BAR + 8
        longest = (max((bar.value for bar in row), default=1) or 1) if own_scale else whole
        for bar in row:
            body += _bar(bar, y, longest, colours.get(bar.series, "#9aa5ad"))
            y += _BAR + 3
        y += _GAP if heading else _GAP // 2
    return _document(title, subtitle, body, y + 8)


def _bar(bar: Bar, y: int, longest: float, colour: str) -> list[str]:
    length = (_WIDTH - _LABELS - _FIGURES) * bar.value / longest
    return [
        _text(_LABELS - 8, y + _BAR - 3, bar.label, "text-anchor='end'"),
        f"<rect x='{_LABELS}' y='{y}' width='{max(length, 1):.1f}' height='{_BAR}' "
        f"fill='{colour}'/>",
        _text(round(_LABELS + length) + 6, y + _BAR - 3, bar.text),
    ]


def _text(x: int, y: int, text: str, more: str = "") -> str:
    return f"<text x='{x}' y='{y}' {_FONT} font-size='12' {more}>{escape(text)}</text>"


def _document(title: str, subtitle: str, body: Sequence[str], height: int) -> str:
    head = [
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{_WIDTH}' height='{height}' "
        f"viewBox='0 0 {_WIDTH} {height}'>",
        f"<rect width='{_WIDTH}' height='{height}' fill='white'/>",
        f"<text x='16' y='26' {_FONT} font-size='16' font-weight='bold'>{escape(title)}</text>",
        _text(16, 46, subtitle, "fill='#555'"),
    ]
    return "\n".join([*head, *body, "</svg>", ""])
