"""Figures, the table for people and the JSON for machines."""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass
class Figure:
    """One line of the table. `judged` is what the bar is compared with: a ratio to pgmq in the same run, or the value itself."""

    what: str
    unit: str
    ours: float | None
    bar: float | None = None
    at_most: bool = False  # the bar is an upper bound
    judged: float | None = None
    low: float | None = None  # spread of the ratio over the pairs
    high: float | None = None
    pgmq: float | None = None
    others: dict[str, float] = field(default_factory=dict)
    of: str = "× pgmq"  # what `judged` is
    note: str = ""

    @property
    def ratio_text(self) -> str:
        if self.judged is None:
            return ""
        text = f"{self.judged:.2f}{self.of}" if self.of.startswith("×") else f"{number(self.judged)} {self.of}".strip()
        return text if self.low is None or self.high is None else f"{text} ({self.low:.2f}–{self.high:.2f})"

    @property
    def verdict(self) -> str:
        if self.bar is None or self.judged is None:
            return ""
        if (self.judged <= self.bar) if self.at_most else (self.judged >= self.bar):
            return "[green]met[/]"
        off = self.judged / self.bar if self.at_most else self.bar / max(self.judged, 1e-9)
        return f"[red]missed {off:.2f}-fold[/]" if off >= 2 else f"[red]missed by {100 * (off - 1):.0f} %[/]"

    @property
    def best(self) -> tuple[str, float] | None:
        """The best peer beside pgmq: the highest rate, the lowest cost."""
        if not self.others:
            return None
        pick = max if self.unit.endswith("/s") else min
        return pick(self.others.items(), key=lambda item: item[1])


def compared(what: str, unit: str, samples: Mapping[str, Sequence[float]], bar: float | None, **more: Any) -> Figure:
    """A figure from interleaved samples of `ours`, `pgmq` and other peers: the ratio is the median of the pairs' ratios."""
    pairs = [a / b for a, b in zip(samples["ours"], samples["pgmq"], strict=False) if b]
    middle = {name: statistics.median(values) for name, values in samples.items() if values}
    return Figure(
        what, unit, middle.pop("ours"), bar, judged=statistics.median(pairs), low=min(pairs), high=max(pairs), pgmq=middle.pop("pgmq"),
        others=middle, **more,
    )  # fmt: skip


def number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(title: str, figures: Sequence[Figure]) -> Table:
    made = Table("", "unit", "pgsluice", "pgmq", "best other peer", "judged (spread)", "bar", "", title=title, title_justify="left")
    for figure in figures:
        best = figure.best
        bar = "" if figure.bar is None else f"{'≤' if figure.at_most else '≥'} {figure.bar:g}{'×' if figure.of.startswith('×') else ''}"
        made.add_row(
            figure.what, figure.unit, number(figure.ours), number(figure.pgmq), f"{number(best[1])} {best[0]}" if best else "",
            figure.ratio_text, bar, figure.verdict,
        )  # fmt: skip
    return made


class Results:
    """Finished rows in a file, so that an interrupted run goes on where it stopped."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[str, dict[str, Any]] = json.loads(path.read_text())["rows"] if path.exists() else {}

    def forget(self, rows: Iterable[str]) -> None:
        """These are to be measured again, if not by this run then by the one that goes on where it stopped."""
        for row in rows:
            self.rows.pop(row, None)
        self._write()

    def put(self, row: str, about: Mapping[str, Any], figures: Sequence[Figure]) -> None:
        self.rows[row] = {
            **about,
            "figures": [{**asdict(f), "verdict": re.sub(r"\[.*?\]", "", f.verdict)} for f in figures],
        }
        self._write()

    def _write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps({"rows": self.rows}, indent=1, ensure_ascii=False))

    def figures(self, row: str) -> list[Figure]:
        return [Figure(**{k: v for k, v in figure.items() if k != "verdict"}) for figure in self.rows[row]["figures"]]

    def show(self, console: Console, row: str, title: str) -> None:
        figures = self.figures(row)
        console.print(table(title, figures))
        about = self.rows[row]
        commits = " to ".join(f"{us:,}" for us in about["commit_us"])
        console.print(
            f"  One durable commit: {commits} µs; load of the machine: {about['load']:.1f}; {about['seconds']:.0f} s.", style="dim"
        )
        for note in dict.fromkeys(figure.note for figure in figures if figure.note):
            console.print(f"  {note}", style="dim")
