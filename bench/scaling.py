"""How the cost of a message changes with the amount of work around it: connections, routes, functions, sizes,
environments. The cost is the CPU time of the server and of its handlers' processes, on one CPU."""

import dataclasses
import pathlib
import resource
import shutil
import statistics
import subprocess

import peers
from measure import Bench, Scenario, measure_load
from peers import APIGW, Failure

PLOTS = pathlib.Path(__file__).resolve().parent / "plots"
DESCRIPTORS_SPARE = 1000  # what a server keeps for other things
MOST_MS = 400  # of a measurement: CPU time varies less than rates do
TOLERANCE = 1.3  # how much dearer the end of a flat curve may be than its median: noise is within that


@dataclasses.dataclass(frozen=True)
class Series:
    key: str
    title: str
    axis: str
    points: tuple[int, ...]
    few: tuple[int, ...]  # of a quick run
    options: str  # of the generator
    variant: str = ""
    grows: bool = False  # with the number of bytes, so each byte is to cost no more
    warm_ms: int = 0  # until all environments are there

    def scenario(self, point: int) -> Scenario:
        fields = {"n": point, "beside": max(point - 1, 0), "some": min(point, 32)}
        return Scenario(self.key, ("apigw",), tuple(self.options.format(**fields).split()), variant=self.variant.format(**fields),
                        warm_ms=self.warm_ms)


SERIES = (
    Series("connections", "open connections, one of them active", "connections", (1, 10, 100, 1000, 5000, 10000, 20000),
           (1, 100), "echo --connections 1 --size 1024 --silent {beside}"),
    Series("routes", "routes, all of one function, in turns", "routes", (1, 10, 30, 100, 300), (1, 30),
           "echo --connections 32 --size 1024 --actions {n}", "routes:{n}"),
    Series("functions", "functions, each behind a route, in turns", "functions", (1, 3, 10, 30, 100), (1, 10),
           "echo --connections 32 --size 1024 --actions {n}", "functions:{n}", warm_ms=500),
    Series("size", "bytes of a message", "bytes", (64, 1024, 4096, 16384, 32768), (64, 16384),
           "echo --connections 32 --size {n}", grows=True),
    Series("environments", "environments of one function, each blocked 10 ms by a message", "environments",
           (1, 3, 10, 30, 100), (1, 10), "echo --connections {n} --size 1024 --actions 1", "slow:1", warm_ms=1000),
)


@dataclasses.dataclass
class Curve:
    """What was measured of a series: for each point the median of the rounds, in microseconds for a message."""

    series: Series
    costs: dict[int, list[float]] = dataclasses.field(default_factory=dict)
    failures: list[str] = dataclasses.field(default_factory=list)

    def medians(self) -> dict[int, float]:
        return {point: statistics.median(costs) for point, costs in sorted(self.costs.items()) if costs}

    def bends(self) -> bool | None:
        """Does it bend upward at its end? None: there are too few points to tell."""
        medians = self.medians()
        points = list(medians)
        if len(points) < 3:
            return None
        if not self.series.grows:
            return medians[points[-1]] > TOLERANCE * statistics.median(medians.values())
        slopes = [(medians[b] - medians[a]) / (b - a) for a, b in zip(points[1:], points[2:])]
        return slopes[-1] > TOLERANCE * max(slopes[0], 1e-9)


def most_connections() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1] - DESCRIPTORS_SPARE


def points_of(series: Series, scale_name: str) -> list[int]:
    """Of connections only as many as there may be descriptors."""
    points = series.points if scale_name == "full" else series.few
    return sorted({min(point, most_connections()) if series.key == "connections" else point for point in points})


def measure(bench: Bench, rounds: int, tell) -> list[Curve]:
    curves = [Curve(series) for series in SERIES]
    bench = dataclasses.replace(bench, scale=dataclasses.replace(bench.scale, duration_ms=min(bench.scale.duration_ms, MOST_MS)))
    for number in range(rounds):
        for curve in curves:
            for point in points_of(curve.series, bench.scale.name):
                tell(f"scaling {number + 1} of {rounds}: {point:,} {curve.series.axis}")
                try:
                    result = measure_load(bench, curve.series.scenario(point), APIGW)
                    curve.costs.setdefault(point, []).append(result["cpu_us"])
                except Failure as failure:
                    curve.failures.append(f"{curve.series.key}, {point}: {failure}")
    return curves


def verdict(curve: Curve) -> str:
    bends = curve.bends()
    shape = "linear" if curve.series.grows else "flat"
    return "too few points to tell" if bends is None else "BENDS UPWARD" if bends else shape


def table(curve: Curve) -> str:
    medians = curve.medians()
    head = [curve.series.axis, *(f"{point:,}" for point in medians)]
    cells = ["µs of CPU for a message", *(f"{cost:.2f}" for cost in medians.values())]
    widths = [max(len(a), len(b)) for a, b in zip(head, cells)]
    lines = ["| " + " | ".join(cell.rjust(width) for cell, width in zip(row, widths)) + " |" for row in (head, cells)]
    lines.insert(1, "|" + "|".join("-" * (width + 1) + ":" for width in widths) + "|")
    return f"{curve.series.title}: {verdict(curve)}\n\n" + "\n".join(lines)


def plot(curve: Curve, folder: pathlib.Path) -> str | None:
    """Draws it with gnuplot. None, or why not."""
    if not shutil.which("gnuplot"):
        return "gnuplot is not installed, so there are no plots"
    data = "\n".join(f"{point} {cost}" for point, cost in curve.medians().items())
    script = f"""set terminal svg size 640,360 font "sans-serif,12" name "{curve.series.key}"
set output "{folder / curve.series.key}.svg"
set title "{curve.series.title}"
set xlabel "{curve.series.axis}"
set ylabel "µs of CPU for a message"
set logscale x
set yrange [0:*]
set grid
set key off
$costs << END
{data}
END
plot $costs using 1:2 with linespoints linewidth 2 pointtype 7
"""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(["gnuplot"], input=script, capture_output=True, text=True, timeout=60)
    return None if done.returncode == 0 else f"gnuplot: {done.stderr.strip()}"
