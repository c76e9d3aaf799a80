# SPDX-License-Identifier: Apache-2.0
"""A summary as text of 80 columns or a little more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from west_utvm.report.names import begun, printable, reference, shortened, titles
from west_utvm.report.summary import Layer, Summary

_NAME_WIDTH = 24
_KERNEL_WIDTH = 24
_MAX_FLOAT = 5


def table(summary: Summary, *, layers: bool = False) -> list[str]:
    """Lines: a row for each kernel, or with ``layers`` for each operator, then the totals."""
    rows = _by_layer(summary) if layers else _by_kernel(summary)
    return [*rows, "", *_totals(summary)] if summary.layers else _totals(summary)


def _by_kernel(summary: Summary) -> list[str]:
    groups: dict[str, list[Layer]] = {}
    for layer in summary.layers:
        groups.setdefault(layer.kernel, []).append(layer)
    in_order = sorted(groups.items(), key=lambda item: (-sum(la.macs for la in item[1]), item[0]))
    rows = [(begun(kernel, 40), *_sums(group, summary)) for kernel, group in in_order]
    rows.append(("total", *_sums(summary.layers, summary)))
    return _grid(("Kernel", "Operators", "MACs", "%", "Constants"), rows, "<>>>>")


def _sums(group: Sequence[Layer], summary: Summary) -> tuple[str, ...]:
    macs = sum(layer.macs for layer in group)
    constants = sum(layer.constants for layer in group)
    return f"{len(group)}", _figure(macs), _share(macs, summary.macs), _figure(constants)


def _by_layer(summary: Summary) -> list[str]:
    names = titles([layer.name for layer in summary.layers])
    rows = [
        (
            f"{layer.step}",
            shortened(name, _NAME_WIDTH),
            begun(layer.kernel, _KERNEL_WIDTH),
            layer.output.dims,
            _figure(layer.macs),
            _figure(layer.constants),
            _figure(layer.output.size),
        )
        for layer, name in zip(summary.layers, names, strict=True)
    ]
    rows.append(("", "total", "", "", _figure(summary.macs), _figure(summary.constants), ""))
    head = ("#", "Operator", "Kernel", "Shape", "MACs", "Constants", "Output")
    return _grid(head, rows, "><<<>>>")


def _totals(summary: Summary) -> list[str]:
    lines = [
        f"operators {len(summary.layers)}, integers as in {reference(summary.rounding)}",
        f"MACs      {summary.macs:,}{_largest(summary)}",
        f"constants {summary.constants:,} bytes",
        f"workspace {summary.workspace:,} bytes, {_bound(summary)}",
    ]
    gains = [f"{gain:,} bytes by {printable(name)}" for name, gain in summary.gains]
    lines += [f"saved     {', '.join(gains)}"] if gains else []
    return lines + _floats(summary)


def _largest(summary: Summary) -> str:
    layer = summary.largest
    if layer is None:
        return ""
    share = _share(layer.macs, summary.macs)
    return f"; most in operator {layer.step}, {layer.kind}: {layer.macs:,} ({share} %)"


def _bound(summary: Summary) -> str:
    if not summary.workspace:
        return "all tensors are inputs and outputs"
    bound = f"at least {summary.lower_bound:,} in any plan"
    if summary.smallest:
        bound = "no plan takes less"
    return f"{bound}; fullest in operator {summary.fullest}"


def _floats(summary: Summary) -> list[str]:
    if not summary.in_float:
        return []
    shown = [f"in float  {begun(where, 90)}" for where in summary.in_float[:_MAX_FLOAT]]
    left = len(summary.in_float) - len(shown)
    return shown + ([f"in float  {left} more"] if left else [])


def _figure(value: int) -> str:
    return f"{value:,}" if value else "-"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if part else "-"


def _grid(head: Sequence[str], rows: Iterable[Sequence[str]], alignment: str) -> list[str]:
    """Lines of columns as wide as they need to be, each aligned by its format character."""
    lines = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    formats = [f"{align}{width}" for align, width in zip(alignment, widths, strict=True)]
    return [
        "  ".join(format(cell, how) for cell, how in zip(line, formats, strict=True)).rstrip()
        for line in lines
    ]
