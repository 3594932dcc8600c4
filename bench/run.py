#!/usr/bin/python3
"""Measures apigw beside the bare libraries it stands on, and says whether the project's floors are met.

Everything runs on one CPU: the server, its handlers and the load generator. That is the steadiest way to tell servers
apart; on several CPUs the time to wake a sleeping one drowns the rest. Absolute figures depend on the machine and on
what else it does, so the two servers take turns, the ratio is taken inside a round, and the median of the rounds
counts.
"""

import argparse
import contextlib
import dataclasses
import datetime
import json
import os
import pathlib
import platform
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

HERE = pathlib.Path(__file__).resolve().parent
READY_S = 10  # for a server to be ready
STOP_S = 10  # for a server to end
WAIT_MS = 60000  # for the generator's waits, other than the measured time; a busy machine is slow
STAGE = "/dev"


class Failure(Exception):
    """A measurement that did not work, in one line."""


@dataclasses.dataclass(frozen=True)
class Point:
    """One measurement, made of a bare server and of apigw."""

    key: str
    title: str
    bare: str  # which program
    load: tuple[str, ...]  # the generator's scenario and options, for both
    apigw_load: tuple[str, ...] = ()  # more options, for apigw
    unit: str = "/s"
    figure: str = "rate"  # of the generator's result
    apigw_figure: str = "rate"


@dataclasses.dataclass
class Series:
    """What the rounds gave for one point."""

    point: Point
    bare: list[dict] = dataclasses.field(default_factory=list)
    apigw: list[dict] = dataclasses.field(default_factory=list)
    failures: list[str] = dataclasses.field(default_factory=list)

    def bare_figures(self, name: str = "") -> list[float]:
        return [result[name or self.point.figure] for result in self.bare]

    def apigw_figures(self, name: str = "") -> list[float]:
        return [result[name or self.point.apigw_figure] for result in self.apigw]

    def ratios(self) -> list[float]:
        pairs = zip(self.bare_figures(), self.apigw_figures())
        return [apigw / bare for bare, apigw in pairs if bare > 0]


@dataclasses.dataclass(frozen=True)
class Floor:
    """What must hold. `measure` gives the figure."""

    key: str  # of the point
    text: str
    measure: Callable[[Series], float]
    limit: float
    at_most: bool = False

    def holds(self, figure: float) -> bool:
        return figure <= self.limit if self.at_most else figure >= self.limit


def median_ratio(series: Series) -> float:
    return statistics.median(series.ratios())


def median_bytes(series: Series) -> float:
    return statistics.median(series.apigw_figures())


def connections_served(series: Series) -> float:
    """The connections that were open; none if one of those that were tried did not answer."""
    return min(r["open"] if r["echoed"] == r["asked"] else 0 for r in series.apigw)


FLOORS = (
    Floor("echo-1x1-1024", "echo, 1 connection, 1 KB: at least 0.35 of bare libwebsockets", median_ratio, 0.35),
    Floor("echo-32x1-1024", "echo, 32 connections, 1 KB: at least 0.40 of bare libwebsockets", median_ratio, 0.40),
    Floor("idle-10000", "an idle connection: at most 9 KB", median_bytes, 9 * 1024, at_most=True),
    Floor("post", "POSTs delivered: at least 0.3 of what bare libmicrohttpd answers", median_ratio, 0.3),
    Floor("idle-10000", "10,000 connections are served", connections_served, 10000),
)


def size_text(size: int) -> str:
    return f"{size // 1024} KB" if size >= 1024 else f"{size} B"


def echo_point(connections: int, inflight: int, size: int) -> Point:
    plural = "" if connections == 1 else "s"
    each = "" if inflight == 1 else f" x {inflight} in flight"
    return Point(
        f"echo-{connections}x{inflight}-{size}",
        f"echo, {connections} connection{plural}{each}, {size_text(size)}",
        "bare-lws",
        ("echo", "--connections", str(connections), "--inflight", str(inflight), "--size", str(size)),
    )


def idle_point(connections: int) -> Point:
    return Point(
        f"idle-{connections}",
        f"memory of an idle connection, of {connections:,}",
        "bare-lws",
        ("idle", "--connections", str(connections)),
        unit=" B",
        figure="bytes",
        apigw_figure="bytes",
    )


OTHER_POINTS = (
    Point("connect", "connections opened, with a $connect handler", "bare-lws", ("connect", "--concurrency", "32")),
    Point(
        "post",
        "POSTs delivered, 32 clients, 32 receivers, 64 B",
        "bare-mhd",
        ("post", "--clients", "32", "--size", "64"),
        ("--receivers", "32", "--ask-id", "--post-path", STAGE + "/@connections/{id}"),
        apigw_figure="delivered_rate",
    ),
    Point(
        "fanout",
        "fan-out deliveries to 100 clients, 64 B",
        "bare-lws",
        ("fanout", "--receivers", "100", "--size", "64"),
        ("--ask-id",),
    ),
)

FULL_POINTS = (
    *(echo_point(connections, 1, size) for size in (64, 1024, 16384) for connections in (1, 32, 256)),
    echo_point(32, 16, 64),
    *OTHER_POINTS,
    idle_point(10000),
)
QUICK_POINTS = (
    echo_point(1, 1, 1024),
    echo_point(32, 1, 1024),
    echo_point(256, 1, 64),
    echo_point(32, 1, 16384),
    *OTHER_POINTS,
    idle_point(1000),
)


def end_process(process: subprocess.Popen) -> None:
    """Ends a server of ours, and what it started: each has a process group of its own."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(STOP_S)


def read_port(path: pathlib.Path) -> int | None:
    """The port in a ready file; none while it is not there or not whole."""
    try:
        return int(json.loads(path.read_text())["port"])
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def wait_for_port(process: subprocess.Popen, ready: pathlib.Path, log: pathlib.Path) -> int:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        port = read_port(ready)
        if port is not None:
            return port
        if process.poll() is not None:
            raise Failure(f"the server ended with {process.returncode}: {last_line(log)}")
        time.sleep(0.005)
    raise Failure(f"the server was not ready after {READY_S} s: {last_line(log)}")


def last_line(log: pathlib.Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no output"


@contextlib.contextmanager
def serving(program: pathlib.Path, is_apigw: bool) -> Iterator[tuple[int, int, pathlib.Path]]:
    """A server while it is needed: its process id, its port and its log."""
    with tempfile.TemporaryDirectory(prefix="apigw-bench-") as folder:
        ready = pathlib.Path(folder, "ready.json")
        log = pathlib.Path(folder, "log")
        command = [str(program)]
        if is_apigw:
            command += ["run", str(program.parent / "bench/routes.json"), "--port", "0", "--ready-file", str(ready)]
        with open(log, "wb") as log_file, contextlib.ExitStack() as files:
            # A bare server prints what apigw writes into its ready file.
            out = log_file if is_apigw else files.enter_context(open(ready, "wb"))
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=log_file, start_new_session=True
            )
            try:
                yield process.pid, wait_for_port(process, ready, log), log
            finally:
                end_process(process)
            if process.returncode not in (0, -signal.SIGTERM):
                raise Failure(f"the server ended with status {process.returncode}")


@dataclasses.dataclass(frozen=True)
class Bench:
    build: pathlib.Path
    duration_ms: int
    warmup_ms: int

    def load(self, options: list[str]) -> dict:
        """Runs the generator and returns its result."""
        command = [str(self.build / "bench/apigw-load"), *options]
        limit_s = (self.duration_ms + self.warmup_ms + 4 * WAIT_MS) / 1000
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            raise Failure(f"the generator was not done after {limit_s:.0f} s") from None
        if done.returncode != 0:
            raise Failure(done.stderr.strip() or f"the generator ended with {done.returncode}")
        return json.loads(done.stdout.splitlines()[-1])

    def measure(self, point: Point, is_apigw: bool) -> dict:
        program = self.build / ("apigw" if is_apigw else f"bench/{point.bare}")
        with serving(program, is_apigw) as (pid, port, log):
            options = [*point.load, "--port", str(port), "--limit-ms", str(WAIT_MS)]
            options += ["--duration-ms", str(self.duration_ms), "--warmup-ms", str(self.warmup_ms)]
            if point.load[0] == "idle":
                options += ["--server-pid", str(pid)]
            if is_apigw:
                options += ["--path", STAGE, *point.apigw_load]
            try:
                result = self.load(options)
            except Failure as failure:
                raise Failure(f"{failure} (the server's last words: {last_line(log)})") from None
        if result.get("refused"):
            raise Failure(f"{result['refused']} requests were refused")
        return result

    def run_round(self, series: Series, number: int) -> None:
        """Measures both, in turns first and second; a round that fails for one counts for neither."""
        results = {}
        for is_apigw in (False, True) if number % 2 == 0 else (True, False):
            try:
                results[is_apigw] = self.measure(series.point, is_apigw)
            except Failure as failure:
                name = "apigw" if is_apigw else series.point.bare
                series.failures.append(f"round {number + 1}, {name}: {failure}")
        if len(results) == 2:
            series.bare.append(results[False])
            series.apigw.append(results[True])


def library_version(name: str) -> str:
    try:
        done = subprocess.run(["pkg-config", "--modversion", name], capture_output=True, text=True, timeout=10)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return "of unknown version"
    return done.stdout.strip().rstrip("-") or "of unknown version"


def cpu_model() -> str:
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def machine_line() -> str:
    libraries = ", ".join(f"{name} {library_version(name)}" for name in ("libwebsockets", "libmicrohttpd", "libuv"))
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")
    return f"{cpu_model()}, {os.cpu_count()} CPUs, Linux {platform.release()}, {libraries}, {date}"


def amount(figure: float) -> str:
    return f"{figure:,.0f}"


def latency(figures: list[float]) -> str:
    return f"{statistics.median(figures):,.0f}" if figures else ""


def latency_cells(series: Series) -> list[str]:
    """Medians of p50 and p99 in microseconds, of both servers, where the point has them."""
    cells = []
    for results, figures in ((series.bare, series.bare_figures), (series.apigw, series.apigw_figures)):
        has_latency = "p50_us" in results[0]
        cells.append(f"{latency(figures('p50_us'))} / {latency(figures('p99_us'))}" if has_latency else "-")
    return cells


def table_row(series: Series) -> list[str]:
    if not series.bare:
        return [series.point.title, "-", "failed", "-", "-", "-"]
    unit = series.point.unit
    ratios = series.ratios()
    ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})" if ratios else "-"
    bare = amount(statistics.median(series.bare_figures())) + unit
    apigw = amount(statistics.median(series.apigw_figures())) + unit
    return [series.point.title, bare, apigw, ratio, *latency_cells(series)]


def table(all_series: list[Series]) -> str:
    head = ["measured", "bare", "apigw", "apigw / bare", "bare p50 / p99 us", "apigw p50 / p99 us"]
    rows = [head, *(table_row(series) for series in all_series)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def floor_lines(all_series: list[Series]) -> tuple[list[str], bool]:
    """A line for each floor, and whether none was missed. One that was not measured is not missed."""
    by_key = {series.point.key: series for series in all_series}
    lines, all_met = [], True
    for floor in FLOORS:
        series = by_key.get(floor.key)
        if series is None:
            lines.append(f"not measured: {floor.text}")
            continue
        figure = floor.measure(series) if series.apigw and not series.failures else None
        met = figure is not None and floor.holds(figure)
        shown = "it failed" if figure is None else f"{figure:,.0f}" if floor.limit > 1 else f"{figure:.2f}"
        lines.append(f"{'met' if met else 'MISSED'}: {floor.text} ({shown})")
        all_met = all_met and met
    return lines, all_met


def results_page(args: argparse.Namespace, rounds: int, tables: str, floors: list[str], failures: list[str]) -> str:
    listed = "\n".join(f"- {line}" for line in floors)
    failed = "\n## Failed\n\n" + "\n".join(f"- {line}" for line in failures) + "\n" if failures else ""
    where = f"pinned to CPU {args.cpu}" if args.cpu >= 0 else "not pinned"
    return f"""# Results

Written by `bench/run.py --write`. {machine_line()}.

Server, handlers and load generator {where}; {rounds} rounds in which the bare server and apigw take turns. Figures are
medians; the ratio is the median of the rounds' own ratios, with the smallest and the largest. Bare is a server of a few
lines on the same library: libwebsockets on libuv that writes from its receive callback, for POSTs libmicrohttpd on
libuv that answers 200 and delivers nothing. Behind each message of apigw is a handler in a process of its own. For
fan-outs and connections p50 and p99 are those of a whole fan-out and of an upgrade.

{tables}

## Floors

{listed}
{failed}"""


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parent / "build/release", help="the build folder")
    parser.add_argument("--rounds", type=int, help="how many; 3, or 1 with --quick")
    parser.add_argument("--quick", action="store_true", help="a smoke run: fewer and shorter measurements")
    parser.add_argument("--only", default="", help="measure only what starts with one of these, parted by commas")
    parser.add_argument("--cpu", type=int, default=0, help="the CPU to run on; -1 for all of them")
    parser.add_argument("--write", action="store_true", help="write RESULTS.md beside this program")
    parser.add_argument("--check", action="store_true", help="fail if a floor is missed")
    args = parser.parse_args()
    if args.rounds is not None and not 1 <= args.rounds <= 100:
        parser.error("--rounds takes a number from 1 to 100")
    return args


def choose_points(args: argparse.Namespace) -> list[Point]:
    points = QUICK_POINTS if args.quick else FULL_POINTS
    chosen = [point for point in points if point.key.startswith(tuple(args.only.split(",")))]
    if not chosen:
        sys.exit(f"run.py: nothing starts with {args.only}; there are {', '.join(point.key for point in points)}")
    return chosen


def prepare(args: argparse.Namespace) -> None:
    for name in ("apigw", "bench/apigw-load", "bench/bare-lws", "bench/bare-mhd", "bench/bench_plugin.so"):
        if not (args.build / name).exists():
            sys.exit(f"run.py: {args.build / name} is missing; configure with -DAPIGW_BENCH=ON and build")
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if args.cpu >= 0:
        os.sched_setaffinity(0, {args.cpu})


def measure_all(args: argparse.Namespace, rounds: int) -> list[Series]:
    bench = Bench(args.build.resolve(), *((300, 100) if args.quick else (2000, 500)))
    all_series = [Series(point) for point in choose_points(args)]
    for number in range(rounds):
        for series in all_series:
            print(f"round {number + 1} of {rounds}: {series.point.title}", file=sys.stderr)
            bench.run_round(series, number)
    return all_series


def main() -> int:
    args = parse_arguments()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that servers are ended
    prepare(args)
    rounds = args.rounds or (1 if args.quick else 3)
    all_series = measure_all(args, rounds)
    failures = [f"{series.point.title}: {text}" for series in all_series for text in series.failures]
    tables = table(all_series)
    floors, all_met = floor_lines(all_series)
    print("\n".join([machine_line(), "", tables, "", *floors, *failures]))
    if args.write:
        (HERE / "RESULTS.md").write_text(results_page(args, rounds, tables, floors, failures))
    return 1 if failures or (args.check and not all_met) else 0


if __name__ == "__main__":
    sys.exit(main())
