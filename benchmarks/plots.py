# SPDX-License-Identifier: Apache-2.0
"""Which figures are drawn: ours beside the peers', and instructions by layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.peers import CMSIS_NN, Peer
from benchmarks.records import Record
from benchmarks.svg import Bar, bars

OURS = "west-utvm"
_COLOURS = {OURS: "#00795c", CMSIS_NN: "#d1495b"}
_CPUS = {
    "cortex-m3": "#8d96a3",
    "cortex-m4": "#00795c",
    "cortex-m33": "#66a182",
    "cortex-m55": "#2e4057",
    "rv32imc": "#edae49",
}
_DRAWN = ("cortex-m4", "cortex-m55")
_FIGURES = (("instructions", "Instructions"), ("flash", "Flash, bytes"), ("ram", "RAM, bytes"))


def write_plots(records: Sequence[Record], peers: Sequence[Peer], folder: Path, opt: str) -> None:
    """``<figure>-<cpu>.svg`` for the CPUs that peers were measured on, ``layers-<model>.svg``;
    all of them with the C compiler's ``opt``."""
    folder.mkdir(parents=True, exist_ok=True)
    ordered = sorted((r for r in records if r.opt == opt), key=lambda record: record.key)
    for cpu in sorted({r.cpu for r in ordered} & {peer.cpu for peer in peers}):
        ours = [record for record in ordered if record.cpu == cpu]
        for figure, title in _FIGURES:
            path = folder / f"{figure}-{cpu.removeprefix('cortex-')}.svg"
            path.write_text(_beside(figure, f"{title} on {_name(cpu)}, {opt}", ours, peers))
    for model in sorted({record.model for record in ordered if record.layers}):
        path = folder / f"layers-{model}.svg"
        path.write_text(_layers(model, opt, [r for r in ordered if r.model == model and r.layers]))


def _name(cpu: str) -> str:
    return cpu.replace("cortex-m", "Cortex-M")


def _beside(figure: str, title: str, ours: Sequence[Record], peers: Sequence[Peer]) -> str:
    groups = []
    for record in ours:
        key = (record.model, record.cpu, record.opt)
        found = [peer for peer in peers if (peer.model, peer.cpu, peer.opt) == key]
        row = [_bar(OURS, getattr(record, figure))]
        row += [_bar(peer.peer, getattr(peer, figure)) for peer in found]
        groups.append((record.model, row))
    subtitle = "One inference; fewer is better. Bars are to scale within a model."
    return bars(title, subtitle, groups, _COLOURS, own_scale=True)


def _bar(series: str, value: int) -> Bar:
    return Bar(series, series, value, f"{value:,}")


def _layers(model: str, opt: str, records: Sequence[Record]) -> str:
    """Of the CPUs of which there are peers; of the others if there are none of these."""
    drawn = [record for record in records if record.cpu in _DRAWN] or list(records)
    numbers = {layer.number: layer.name for record in drawn for layer in record.layers}
    groups = [("", list(_operator(number, name, drawn))) for number, name in numbers.items()]
    title = f"{model}: instructions by operator, {opt}"
    subtitle = "One inference, from one operator's end to the next one's; share of the inference"
    return bars(title, subtitle, groups, _CPUS, own_scale=False)


def _operator(number: int, name: str, records: Sequence[Record]) -> Iterator[Bar]:
    label = f"{number} {name}, "
    for record in records:
        for layer in record.layers:
            if layer.number == number:
                share = f"{100 * layer.instructions / record.instructions:.1f} %"
                text = f"{layer.instructions:,} ({share})"
                yield Bar(record.cpu, label + _name(record.cpu), layer.instructions, text)
                label = ""
