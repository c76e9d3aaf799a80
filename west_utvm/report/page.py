# SPDX-License-Identifier: Apache-2.0
"""A summary as one HTML page that needs nothing else, and that no name in a model can break."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from string import Template

from west_utvm.report import svg
from west_utvm.report.names import begun, reference, shortened, titles
from west_utvm.report.summary import Layer, Summary, Tensor

_FOLDER = Path(__file__).parent
_COLORS = 10  # of page.css
_NAME_WIDTH = 80


def page(summary: Summary) -> str:
    """The same text for the same summary."""
    style, script = ((_FOLDER / f"page.{kind}").read_text() for kind in ("css", "js"))
    kinds = _kinds(summary)
    colors = [kinds.index(layer.kind) % _COLORS for layer in summary.layers]
    sections = (
        _ports(summary),
        _workspace(summary, kinds, colors),
        _work(summary, colors),
        _operators(summary),
        _savings(summary),
        _list("In float", summary.in_float),
    )
    return Template((_FOLDER / "page.html").read_text()).substitute(
        policy=f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'",
        name=svg.text(summary.name),
        style=style,
        made=_made(summary),
        cards="\n".join(
            f"<div><b>{figure}</b><span>{what}</span></div>" for figure, what in _cards(summary)
        ),
        sections="\n".join(section for section in sections if section),
        script=script,
    )


def _hash(content: str) -> str:
    """As a Content Security Policy names what may stand in the page itself."""
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


def _kinds(summary: Summary) -> list[str]:
    """In the order of the work that they do, so that the first colours are the widest."""
    macs: dict[str, int] = {}
    for layer in summary.layers:
        macs[layer.kind] = macs.get(layer.kind, 0) + layer.macs
    return sorted(macs, key=lambda kind: (-macs[kind], kind))


def _made(summary: Summary) -> str:
    model = summary.made_from
    parts = [f"integers as in {reference(summary.rounding)}"]
    parts += [f"{key.replace('_', ' ')}: {value}" for key, value in summary.options.items()]
    parts += [f"{name} {version}" for name, version in summary.versions.items()]
    of = f"from a .{model.get('format', '?')} file of {model.get('size', '?')} bytes, SHA-256 "
    return (
        f"<p>{svg.text(', '.join(parts))}</p>\n"
        f"<p>{svg.text(of)}<code>{svg.text(model.get('sha256', '?'))}</code></p>"
    )


def _cards(summary: Summary) -> Iterable[tuple[str, str]]:
    bound = f"at least {summary.lower_bound:,} in any plan"
    if summary.smallest:
        bound = "no plan takes less"
    ports = sum(tensor.size for tensor in (*summary.inputs, *summary.outputs))
    yield f"{summary.macs:,}", "multiply-accumulates"
    yield f"{summary.constants:,}", "bytes of constants"
    yield f"{summary.workspace:,}", f"bytes of workspace, {bound}"
    yield f"{ports:,}", "bytes of inputs and outputs"
    yield f"{len(summary.layers):,}", "operators"
    yield f"{len(summary.in_float) or 'none'}", "operators in float"


def _ports(summary: Summary) -> str:
    sides = (("input", summary.inputs), ("output", summary.outputs))
    rows = [
        [
            side,
            svg.text(shortened(t.name, _NAME_WIDTH)),
            svg.text(t.dtype),
            t.dims,
            f"{t.size:,}",
            *_quantization(t),
        ]
        for side, tensors in sides
        for t in tensors
    ]
    head = ("", "Name", "Type", "Shape", "Bytes", "Scale", "Zero point")
    return "<h2>Inputs and outputs</h2>\n" + _table(head, rows, "tttnnnn")


def _workspace(summary: Summary, kinds: Sequence[str], colors: Sequence[int]) -> str:
    if not summary.workspace:
        return "<h2>Workspace</h2>\n<p>The model needs none.</p>"
    roles = {block.role for block in summary.blocks} & set(svg.ROLES)
    marks = [(f"k{i % _COLORS}", kind) for i, kind in enumerate(kinds)]
    marks += [(role, role) for role in sorted(roles)]
    caption = (
        "A rectangle is a tensor: from the operator that writes it to the last that reads it, "
        "numbered to the right, at its bytes of the workspace. Where an operator writes its result "
        "over its input, either has half of that step. The dashed line is what any plan takes. "
        f"The workspace is fullest in operator {summary.fullest}. Point at a tensor for its name."
    )
    return (
        f"<h2>Workspace</h2>\n<figure><figcaption>{caption}</figcaption>{_legend(marks)}"
        f'<div class="wide">{svg.workspace_map(summary, colors)}</div></figure>'
    )


def _legend(marks: Sequence[tuple[str, str]]) -> str:
    items = (
        f'<span><svg aria-hidden="true"><rect class="{name}" width="11" height="11"/></svg>'
        f"{svg.text(shown)}</span>"
        for name, shown in marks
    )
    return f'<div class="legend">{"".join(items)}</div>'


def _work(summary: Summary, colors: Sequence[int]) -> str:
    if not summary.layers:
        return ""
    charts = (
        ("Multiply-accumulates", "MACs", lambda layer: layer.macs),
        ("Bytes of constants", "bytes of constants", lambda layer: layer.constants),
        ("Bytes of results", "bytes of results", lambda layer: layer.output.size),
    )
    figures = (
        f'<h3>{title}</h3><div class="wide">{svg.bars(summary, colors, label, value)}</div>'
        for title, label, value in charts
    )
    return "<h2>By operator</h2>\n" + "\n".join(figures)


def _operators(summary: Summary) -> str:
    names = titles([layer.name for layer in summary.layers])
    most = max((layer.macs for layer in summary.layers), default=0)
    rows = [
        _row(layer, shortened(name, _NAME_WIDTH), most)
        for layer, name in zip(summary.layers, names, strict=True)
    ]
    total = ["", "total", "", "", "", f"{summary.macs:,}", f"{summary.constants:,}", *[""] * 4]
    head = (
        "#", "Operator", "Kernel", "Result", "Weights", "MACs", "Constants", "Bytes", "Place",
        "Scale", "Zero",
    )  # fmt: skip
    return "<h2>Operators</h2>\n" + _table(head, rows, "nttnnnnnnnn", steps=True, total=total)


def _row(layer: Layer, name: str, most: int) -> list[str]:
    output = layer.output
    window, _, scaled = layer.weights.partition(" ")
    place = (
        f"at {layer.place:,}" if layer.buffer == "workspace" else f"{layer.buffer} {layer.place}"
    )
    scratch = f"<small>{layer.scratch:,} scratch</small>" if layer.scratch else ""
    return [
        f"{layer.step}",
        f'<span title="{svg.text(layer.name)}">{svg.text(name)}</span>'
        f"<small>{svg.text(begun(layer.source, 60))}</small>",
        svg.text(begun(layer.kernel, 40)),
        output.dims,
        f"{svg.text(window)}<small>{svg.text(scaled)}</small>" if window else "-",
        f"{layer.macs:,}{svg.share(layer.macs, most)}" if layer.macs else "-",
        f"{layer.constants:,}" if layer.constants else "-",
        f"{output.size:,}",
        svg.text(place) + scratch,
        *_quantization(output),
    ]


def _quantization(tensor: Tensor) -> list[str]:
    if tensor.scale is None:
        return ["-", "-"]
    return [f'<span title="{tensor.scale:.9g}">{tensor.scale:.4g}</span>', f"{tensor.zero_point}"]


def _table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    columns: str,
    *,
    steps: bool = False,
    total: Sequence[str] = (),
) -> str:
    """``columns`` has an n for one of numbers; cells are HTML. With ``steps``, row i is step i."""
    classes = [' class="n"' if column == "n" else "" for column in columns]
    lines = ["".join(f"<th{c}>{cell}</th>" for c, cell in zip(classes, head, strict=True))]
    openings = ["<tr>"]
    for number, row in enumerate([*rows, *([total] if total else [])]):
        lines.append("".join(f"<td{c}>{cell}</td>" for c, cell in zip(classes, row, strict=True)))
        is_total = number == len(rows)
        mark = ' class="total"' if is_total else f' data-step="{number}"' if steps else ""
        openings.append(f"<tr{mark}>")
    body = "\n".join(f"{o}{line}</tr>" for o, line in zip(openings, lines, strict=True))
    return f'<div class="wide"><table>\n{body}\n</table></div>'


def _savings(summary: Summary) -> str:
    """What ``--without`` would cost."""
    rows = [[svg.text(begun(name, 60)), f"{gain:,}"] for name, gain in summary.gains]
    if not rows:
        return ""
    head = ("Saving", "Bytes of workspace that it saves, with all others on")
    return "<h2>Savings</h2>\n" + _table(head, rows, "tn")


def _list(title: str, items: Iterable[str]) -> str:
    lines = "\n".join(f"<li>{svg.text(begun(item, 200))}</li>" for item in items)
    return f"<h2>{title}</h2>\n<ul>\n{lines}\n</ul>" if lines else ""
