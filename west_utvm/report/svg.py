# SPDX-License-Identifier: Apache-2.0
"""Charts over a model's steps, as SVG: bytes of the workspace, and bars for each operator.

All have one horizontal scale, so that they can be read one below the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from west_utvm.report.names import printable, shortened, titles
from west_utvm.report.summary import Block, Layer, Summary

_WIDTH = 1040
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 12, 14, 22
_MIN_STEP = 6  # A step is at least so wide; charts of more steps are wider than the others.
_CHAR = 6.1  # The width of a character of the labels, which are of a fixed width.
_LABEL_HEIGHT = 13
# Blocks that no operator's result is have a colour of their own in page.css.
ROLES = ("input", "scratch")
_MIN_NAME = 13  # Fewer characters of a name say nothing.
# Between two numbers on the horizontal axis.
_MIN_TICK = 26


@dataclass(frozen=True)
class Chart:
    """A frame for ``steps`` columns and values up to ``most``; ``height`` is of the plot alone."""

    steps: int
    most: int
    height: int

    @property
    def width(self) -> int:
        return max(_WIDTH, _LEFT + _RIGHT + _MIN_STEP * self.steps)

    @property
    def step(self) -> float:
        return (self.width - _LEFT - _RIGHT) / max(self.steps, 1)

    def x(self, step: float) -> float:
        return _LEFT + step * self.step

    def y(self, value: float) -> float:
        return _TOP + self.height * (1 - value / max(self.most, 1))

    def wrap(self, label: str, parts: Sequence[str]) -> str:
        height = _TOP + self.height + _BOTTOM
        opening = (
            f'<svg class="chart" role="img" aria-label="{text(label)}" width="{self.width}" '
            f'height="{height}" viewBox="0 0 {self.width} {height}">'
        )
        return "\n".join([opening, *self._axes(), *parts, "</svg>"])

    def _axes(self) -> Iterator[str]:
        right = self.width - _RIGHT
        for value in ticks(self.most):
            y = _f(self.y(value))
            yield f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y}" y2="{y}"/>'
            yield f'<text class="y" x="{_LEFT - 6}" y="{y}">{value:,}</text>'
        every = next(n for n in _round_numbers() if n * self.step >= _MIN_TICK)
        below = _TOP + self.height + 15
        for step in range(0, self.steps, every):
            yield f'<text class="x" x="{_f(self.x(step + 0.5))}" y="{below}">{step}</text>'


def workspace_map(summary: Summary, colors: Sequence[int]) -> str:
    """Tensors as rectangles: steps to the right, bytes upwards. ``colors`` are by step."""
    chart = Chart(len(summary.layers), summary.workspace, 320)
    names = titles([block.name for block in summary.blocks])
    lives = lifetimes(summary.blocks)
    parts = [
        _block(chart, block, life, name, colors)
        for block, life, name in zip(summary.blocks, lives, names, strict=True)
    ]
    parts.append(_bound(chart, summary.lower_bound))
    return chart.wrap("The workspace over time", parts)


def bars(summary: Summary, colors: Sequence[int], label: str, value: Callable[[Layer], int]) -> str:
    """A bar for each operator."""
    chart = Chart(len(summary.layers), max(map(value, summary.layers), default=0), 96)
    parts = [
        _bar(chart, layer, value(layer), color, label)
        for layer, color in zip(summary.layers, colors, strict=True)
        if value(layer)
    ]
    return chart.wrap(label, parts)


def share(part: int, whole: int) -> str:
    """A bar for a table's cell."""
    width = f"{100 * part / whole:.1f}%" if whole else "0%"
    return f'<svg class="share" aria-hidden="true"><rect width="{width}" height="100%"/></svg>'


def _bound(chart: Chart, value: int) -> str:
    right, y = chart.width - _RIGHT, chart.y(value)
    return (
        f'<line class="bound" x1="{_LEFT}" x2="{right}" y1="{_f(y)}" y2="{_f(y)}"/>'
        f'<text class="bound" x="{right}" y="{_f(y - 4)}">lower bound {value:,}</text>'
    )


def lifetimes(blocks: Sequence[Block]) -> list[tuple[float, float]]:
    """From when to when each block is drawn, in steps. Where a result is written over an input,
    the input has the first half of that step and the result the other."""
    lives: list[tuple[float, float]] = [(block.first, block.last + 1) for block in blocks]
    dying: dict[int, list[int]] = {}
    for i, block in enumerate(blocks):
        for j in dying.get(block.first, ()):
            other = blocks[j]
            apart = max(block.offset, other.offset)
            if apart < min(block.offset + block.size, other.offset + other.size):
                lives[i] = (block.first + 0.5, lives[i][1])
                lives[j] = (lives[j][0], other.last + 0.5)
        dying.setdefault(block.last, []).append(i)
    return lives


def _block(
    chart: Chart, block: Block, life: tuple[float, float], name: str, colors: Sequence[int]
) -> str:
    x, y = chart.x(life[0]), chart.y(block.offset + block.size)
    width = chart.step * (life[1] - life[0])
    height = chart.y(block.offset) - y
    kind = block.role if block.role in ROLES else f"k{colors[block.first]}"
    title = f"{block.name}\n{_described(block)}"
    inside = _inside(name, f"{block.size:,}", (x, y, width, height))
    return (
        f'<g data-step="{block.first}"><title>{text(title)}</title>'
        f'<rect class="block {kind}" x="{_f(x + 0.5)}" y="{_f(y)}" width="{_f(width - 1)}" '
        f'height="{_f(max(height, 1.5))}"/>{inside}</g>'
    )


def _described(block: Block) -> str:
    steps = f"step {block.first}"
    if block.last > block.first:
        steps = f"steps {block.first} to {block.last}"
    role = "" if block.role == "tensor" else f"{block.role}, "
    return f"{role}{block.size:,} bytes at {block.offset:,}, {steps}"


def _inside(name: str, size: str, box: tuple[float, float, float, float]) -> str:
    """The size and, where there is room for enough of it, the name of a tensor."""
    x, y, width, height = box
    room = int((width - 6) / _CHAR)
    center_x, center_y = x + width / 2, y + height / 2
    # Upright in narrow columns: sizes are worth reading there as well.
    if room < len(size):
        if width < _LABEL_HEIGHT or height < len(size) * _CHAR + 6:
            return ""
        at = f"{_f(center_x)} {_f(center_y)}"
        return f'<text class="in" transform="translate({at}) rotate(-90)">{size}</text>'
    lines = [size] if room < _MIN_NAME else [shortened(name, room), size]
    lines = lines[-int(height / _LABEL_HEIGHT) :] if height >= _LABEL_HEIGHT else []
    top = center_y - _LABEL_HEIGHT * (len(lines) - 1) / 2
    return "".join(
        f'<text class="in" x="{_f(center_x)}" y="{_f(top + i * _LABEL_HEIGHT)}">{text(line)}</text>'
        for i, line in enumerate(lines)
    )


def _bar(chart: Chart, layer: Layer, value: int, color: int, label: str) -> str:
    x, y, width = chart.x(layer.step), chart.y(value), chart.step
    gap = min(2.0, width / 8)
    height = max(chart.y(0) - y, 0.5)
    title = f"{layer.step}: {layer.name}\n{layer.kernel}: {value:,} {label}"
    return (
        f'<g data-step="{layer.step}"><title>{text(title)}</title>'
        f'<rect class="k{color}" x="{_f(x + gap)}" y="{_f(chart.y(0) - height)}" '
        f'width="{_f(width - 2 * gap)}" height="{_f(height)}"/></g>'
    )


def text(name: str) -> str:
    """For HTML and SVG, between tags and in attributes; line ends stay."""
    return escape("\n".join(map(printable, name.split("\n"))))


def ticks(most: int, about: int = 5) -> list[int]:
    """Round numbers from 0 to ``most``, about so many."""
    every = next(n for n in _round_numbers() if n * about >= most)
    return list(range(0, most + 1, every))


def _round_numbers() -> Iterator[int]:
    power = 1
    while True:
        yield from (power, 2 * power, 5 * power)
        power *= 10


def _f(value: float) -> str:
    """Of a tenth of a pixel, and the same everywhere."""
    return f"{value:.1f}".removesuffix(".0")
