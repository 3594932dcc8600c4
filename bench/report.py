"""What a run says: the table of rows, the figures behind it, and the page RESULTS.md."""

import dataclasses
import datetime
import os
import pathlib
import platform
import statistics
import subprocess

import peers
import rows
import scaling
from rows import Rounds

HERE = pathlib.Path(__file__).resolve().parent

REACHED, MISSED, UNKNOWN = "reached", "NOT REACHED", "not measured"


@dataclasses.dataclass
class Run:
    """Everything that one run has found."""

    scale_name: str
    cpu: int
    rounds: Rounds
    curves: list[scaling.Curve]
    failures: list[str]
    notes: list[str]


def aligned(table: list[list[str]]) -> str:
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in table]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def mark(row: rows.Row, rounds: Rounds) -> str:
    verdicts = [figure.reached(rounds) for figure in row.figures]
    if False in verdicts:
        return MISSED
    if None not in verdicts:
        return REACHED
    missing = sorted({figure.unit or "a figure" for figure, reached in zip(row.figures, verdicts) if reached is None})
    return f"{REACHED}, without {', '.join(missing)}" if True in verdicts else UNKNOWN


def note(row: rows.Row, rounds: Rounds) -> str:
    results = [found for found in (results.get(row.figures[0].of[:2]) for results in rounds) if found]
    if not row.note or not results:
        return ""
    fields = dict(results[-1])
    key = row.figures[0].of[0]
    others = [found[key, "S"]["memory"] for found in rounds if "memory" in found.get((key, "S"), {})]
    fields["memory_mb"] = fields.get("memory", 0) / (1 << 20)
    fields["memory_s"] = f"; S {others[-1] / (1 << 20):,.0f} MB" if others else ""
    if "sizes" in fields:
        fields["sizes"] = ", ".join(f"{name} {size / 1024:.0f}" for name, size in fields["sizes"].items())
    return row.note.format(**fields)


def measured(row: rows.Row, rounds: Rounds) -> str:
    parts = []
    for figure in row.figures:
        number = figure.number(rounds)
        parts.append(f"{number} = {figure.measured(rounds)}" if number else figure.measured(rounds))
    return "; ".join(parts + ([note(row, rounds)] if note(row, rounds) else []))


def faults_row(run: Run) -> list[str]:
    faults = len(run.failures) + rows.reordered(run.rounds)
    found = f"{len(run.failures)} failed, {rows.reordered(run.rounds)} reordered"
    return [str(rows.FAULTS_ROW), rows.FAULTS_TITLE, found, "0", MISSED if faults else REACHED]


def rows_table(run: Run) -> str:
    table = [["#", "figure", "measured", "reach", ""]]
    for row in rows.ROWS:
        wanted = "; ".join(figure.wanted() for figure in row.figures)
        table.append([str(row.number), row.title, measured(row, run.rounds), wanted, mark(row, run.rounds)])
    table.append(faults_row(run))
    return aligned(table)


def marks(run: Run) -> dict[int, str]:
    found = {row.number: mark(row, run.rounds) for row in rows.ROWS}
    found[rows.FAULTS_ROW] = faults_row(run)[-1]
    return found


def missed(run: Run) -> list[int]:
    """Rows that are not reached, of those that are measured on one CPU: the others vary too much to be a gate."""
    free = {row.number for row in rows.ROWS if not rows.is_pinned(row)}
    return [number for number, text in marks(run).items() if text == MISSED and number not in free]


COLUMNS = (("rate", "{:,.0f}"), ("p50_us", "{:,.1f}"), ("p99_us", "{:,.1f}"), ("cpu_us", "{:,.2f}"))


def figures_table(run: Run) -> str:
    """The medians of every measurement that has a rate or a duration."""
    table = [["scenario", "of", "a second", "p50 µs", "p99 µs", "server CPU µs each"]]
    for scenario in rows.SCENARIOS:
        for peer in scenario.peers:
            found = [results[scenario.key, peer] for results in run.rounds if (scenario.key, peer) in results]
            cells = []
            for name, form in COLUMNS:
                values = [result[name] for result in found if result.get(name)]
                cells.append(form.format(statistics.median(values)) if values else "-")
            if any(cell != "-" for cell in cells):
                table.append([scenario.key, peer, *cells])
    return aligned(table)


def scaling_text(run: Run) -> str:
    return "\n\n".join(scaling.table(curve) for curve in run.curves if curve.medians()) or "Scaling was not measured."


# ---- where it was measured ----


def output_of(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip().rstrip("-")


def cpu_model() -> str:
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def machine_line() -> str:
    names = ("libwebsockets", "libmicrohttpd", "libuv")
    libraries = ", ".join(f"{name} {output_of('pkg-config', '--modversion', name) or 'of unknown version'}" for name in names)
    node = output_of("node", "--version")
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")
    parts = [cpu_model(), f"{os.cpu_count()} CPUs", f"Linux {platform.release()}", libraries, f"Node.js {node}" if node else ""]
    return ", ".join(part for part in [*parts, date] if part)


# ---- what is printed, and the page ----


def summary(run: Run) -> str:
    lines = [machine_line(), "", rows_table(run), "", scaling_text(run), ""]
    lines += [f"note: {text}" for text in run.notes] + [f"failed: {text}" for text in run.failures]
    return "\n".join(lines).rstrip()


def listed(title: str, lines: list[str]) -> str:
    return f"\n## {title}\n\n" + "\n".join(f"- {line}" for line in lines) + "\n" if lines else ""


def profile() -> str:
    """What was written by hand about the rows, as a section of the page."""
    return (HERE / "PROFILE.md").read_text(encoding="utf-8").replace("# What", "## What", 1).rstrip("\n") + "\n"


def page(run: Run) -> str:
    where = f"CPU {run.cpu}" if run.cpu >= 0 else "whatever CPU the kernel chose"
    drawn = [curve.series for curve in run.curves if (scaling.PLOTS / f"{curve.series.key}.svg").exists()]
    plots = "\n".join(f"![{series.title}](plots/{series.key}.svg)" for series in drawn)
    return f"""# Results

Written by `./dev bench --write`; [README.md](README.md) says what is measured and how. {machine_line()}.

{len(run.rounds)} rounds in which all take turns; ratios are taken inside a round, figures and ratios are medians, in brackets
the smallest and the largest. Where one CPU is said, server, handlers and load generator ran on {where}.

{rows_table(run)}

## Figures

{figures_table(run)}

## Scaling

{scaling_text(run)}

{plots}
{listed("Notes", run.notes)}{listed("Failed", run.failures)}
{profile()}"""


def as_json(run: Run) -> dict:
    """For programs: every result of every round."""
    return {
        "scale": run.scale_name,
        "rounds": [[{**result, "scenario": key, "peer": peer} for (key, peer), result in results.items()] for results in run.rounds],
        "marks": {str(number): text for number, text in marks(run).items()},
        "scaling": {curve.series.key: curve.medians() for curve in run.curves},
        "failures": run.failures,
        "notes": run.notes,
    }
