"""What is measured, and what the project wants to reach: a table of scenarios and a table of rows."""

import dataclasses
import statistics
from collections.abc import Iterable

from measure import Scenario

Key = tuple[str, str]  # a scenario's key and a peer's name
Rounds = list[dict[Key, dict]]  # of each round the results that there are


def echo(key: str, peers: tuple[str, ...], connections: int, inflight: int, size: int, **more) -> Scenario:
    options = ("echo", "--connections", str(connections), "--inflight", str(inflight), "--size", str(size))
    return Scenario(key, peers, options, **more)


def post(key: str, peers: tuple[str, ...], clients: int) -> Scenario:
    options = ("post", "--clients", str(clients), "--receivers", str(clients), "--size", "1024")
    return Scenario(key, peers, options)


FANOUT = ("fanout", "--receivers", "100", "--size", "1024")
OPEN = ("open", "--connections", "{handshakes}", "--concurrency", "32")

SCENARIOS = (
    echo("echo-1x1-1k", ("apigw", "L", "S"), 1, 1, 1024),
    echo("echo-32x1-1k", ("apigw", "L", "S"), 32, 1, 1024),
    echo("echo-32x1-16k", ("apigw", "L", "S"), 32, 1, 16384),
    echo("echo-32x16-64", ("apigw", "L"), 32, 16, 64),
    echo("free-1x1-1k", ("apigw", "L"), 1, 1, 1024, pinned=False),
    echo("free-256x1-1k", ("apigw", "L", "S"), 256, 1, 1024, pinned=False),
    Scenario("silent", ("apigw",), ("echo", "--connections", "1", "--size", "1024", "--silent", "{silent}")),
    Scenario("idle", ("apigw", "L"), ("idle", "--connections", "{silent}")),
    Scenario("open", ("apigw", "lws-uv"), OPEN),
    Scenario("open-connect", ("apigw", "S"), OPEN, variant="connect"),
    Scenario("open-close", ("apigw", "lws-uv"), ("connect", "--concurrency", "32"), variant="connect+disconnect"),
    post("post-32", ("apigw", "MHD", "S"), 32),
    post("post-256", ("apigw",), 256),
    Scenario("fanout-100", ("apigw", "lws-poll", "S"), FANOUT),
    Scenario("start", ("apigw", "lws-uv"), kind="start"),
    Scenario("rest", ("apigw",), ("echo", "--connections", "1", "--size", "64"), kind="rest"),
    Scenario("spawn", ("apigw",), kind="spawn"),
    Scenario("sizes", ("apigw",), kind="sizes", once=True),
    echo("calls-1x1", ("apigw",), 1, 1, 1024, kind="syscalls"),
    echo("calls-32x1", ("apigw",), 32, 1, 1024, kind="syscalls"),
    Scenario("burst", ("apigw", "S"), ("burst", "--connections", "50", "--inflight", "{burst}", "--size", "1024")),
)


@dataclasses.dataclass(frozen=True)
class Figure:
    """A number of one measurement, or how it is to that of another in the same round; and what is to be reached."""

    of: tuple[str, str, str]  # scenario, peer, name in the result
    reach: float
    over: tuple[str, str, str] | None = None  # what it is divided by
    at_most: bool = False
    unit: str = ""  # of the limit, as tables show it: "L", "S", "MB" …
    scale: float = 1  # what `unit` is in the result's
    shows: str = "{:,.0f}/s"  # the number itself, in front of the ratio; empty: no need

    def values(self, rounds: Rounds) -> list[float]:
        """Of each round in which everything was measured."""
        values = []
        for results in rounds:
            mine = results.get(self.of[:2])
            other = results.get(self.over[:2]) if self.over else {}
            if mine is None or other is None:
                continue
            divisor = other[self.over[2]] if self.over else self.scale
            if divisor > 0:
                values.append(mine[self.of[2]] / divisor)
        return values

    def reached(self, rounds: Rounds) -> bool | None:
        """None: it was not measured."""
        values = self.values(rounds)
        if not values:
            return None
        median = statistics.median(values)
        return median <= self.reach if self.at_most else median >= self.reach

    def number(self, rounds: Rounds) -> str:
        found = [results[self.of[:2]][self.of[2]] for results in rounds if self.of[:2] in results]
        return self.shows.format(statistics.median(found)) if found and self.shows else ""

    def measured(self, rounds: Rounds) -> str:
        values = self.values(rounds)
        if not values:
            return f"{self.unit or self.of[1]}: not measured"
        digits = 0 if abs(statistics.median(values)) >= 20 else 2
        spread = f" ({min(values):,.{digits}f}–{max(values):,.{digits}f})" if len(values) > 1 else ""
        return f"{statistics.median(values):,.{digits}f} {self.unit}".rstrip() + spread

    def wanted(self) -> str:
        return f"{'≤' if self.at_most else '≥'} {self.reach:g} {self.unit}".rstrip()


@dataclasses.dataclass(frozen=True)
class Row:
    number: int
    title: str
    figures: tuple[Figure, ...]
    note: str = ""  # behind what was measured; {} are of the first round's result of the first figure


def than(scenario: str, name: str, reach: float, peer: str, at_most: bool = False, shows: str = "", other: str = "",
         unit: str = "") -> Figure:
    """apigw's figure to a peer's."""
    over = (other or scenario, peer, name)
    return Figure((scenario, "apigw", name), reach, over, at_most, unit or peer, shows=shows)


RATE = "{:,.0f}/s"
MICROS = "{:,.1f} µs"

ROWS = (
    Row(1, "echo, 1 × 1, 1 KB, one CPU: messages/s",
        (than("echo-1x1-1k", "rate", 0.55, "L", shows=RATE), than("echo-1x1-1k", "rate", 60, "S"))),
    Row(2, "the same: p50 / p99",
        (than("echo-1x1-1k", "p50_us", 1.9, "L", True, MICROS), than("echo-1x1-1k", "p99_us", 2.2, "L", True, MICROS))),
    Row(3, "echo, 32 × 1, 1 KB, one CPU: messages/s; server CPU per message",
        (than("echo-32x1-1k", "rate", 0.60, "L", shows=RATE), than("echo-32x1-1k", "rate", 35, "S"),
         than("echo-32x1-1k", "cpu_us", 2.2, "L", True, MICROS))),
    Row(4, "echo, 32 × 1, 16 KB, one CPU: messages/s",
        (than("echo-32x1-16k", "rate", 0.50, "L", shows=RATE), than("echo-32x1-16k", "rate", 20, "S"))),
    Row(5, "echo, 32 × 16, 64 B, one CPU: messages/s", (than("echo-32x16-64", "rate", 0.9, "L", shows=RATE),)),
    Row(6, "echo, 1 × 1, 1 KB, nothing pinned: p50", (than("free-1x1-1k", "p50_us", 1.15, "L", True, MICROS),)),
    Row(7, "echo, 256 × 1, 1 KB, nothing pinned: messages/s",
        (than("free-256x1-1k", "rate", 0.6, "L", shows=RATE), than("free-256x1-1k", "rate", 60, "S"))),
    Row(8, "one active among silent connections: messages/s",
        (than("silent", "rate", 0.75, "apigw", shows=RATE, other="echo-1x1-1k", unit="of its rate alone"),)),
    Row(9, "memory per idle connection, all processes", (than("idle", "bytes", 1.2, "L", True, "{:,.0f} B"),)),
    Row(10, "handshakes/s, without / with a $connect handler",
        (than("open", "rate", 0.8, "lws-uv", shows=RATE),
         than("open-connect", "rate", 0.6, "lws-uv", shows=RATE, other="open"), than("open-connect", "rate", 18, "S"))),
    Row(11, "open and close, with $connect and $disconnect: connections/s",
        (than("open-close", "rate", 0.55, "lws-uv", shows=RATE),)),
    Row(12, "@connections POST, 32 in flight, 1 KB, delivered; delivery p99 at 256",
        (Figure(("post-32", "apigw", "delivered_rate"), 0.55, ("post-32", "MHD", "rate"), unit="MHD"),
         Figure(("post-32", "apigw", "delivered_rate"), 12, ("post-32", "S", "delivered_rate"), unit="S", shows=""),
         Figure(("post-256", "apigw", "delivery_p99_us"), 1.2, ("post-256", "apigw", "p99_us"), True, "of POST p99",
                shows=MICROS))),
    Row(13, "broadcast by a handler to 100, 1 KB: deliveries/s",
        (than("fanout-100", "rate", 0.8, "lws-poll", shows=RATE), than("fanout-100", "rate", 50, "S"))),
    Row(14, "exec to first accepted connection; memory at rest with one handler (PSS)",
        (than("start", "p50_us", 2, "lws-uv", True, MICROS),
         Figure(("rest", "apigw", "memory"), 8, at_most=True, unit="MB", scale=1 << 20, shows=""))),
    Row(15, "environment: spawn to ready",
        (Figure(("spawn", "apigw", "p50_us"), 1.5, ("spawn", "apigw", "trivial_p50_us"), True, "of a trivial host",
                shows=MICROS),)),
    Row(16, "stripped binaries, everything shipped",
        (Figure(("sizes", "apigw", "bytes"), 256, at_most=True, unit="KB", scale=1024, shows=""),), "{sizes}"),
    Row(17, "system calls per message, 1 × 1 / 32 × 1; epoll_ctl among them",
        (Figure(("calls-1x1", "apigw", "calls"), 7, at_most=True, shows=""),
         Figure(("calls-32x1", "apigw", "calls"), 2.5, at_most=True, shows=""),
         Figure(("calls-1x1", "apigw", "epoll_ctl"), 0.01, at_most=True, unit="epoll_ctl", shows=""),
         Figure(("calls-32x1", "apigw", "epoll_ctl"), 0.01, at_most=True, unit="epoll_ctl", shows=""))),
    Row(18, "messages at once into a handler that blocks 10 ms: messages/s",
        (than("burst", "rate", 50, "S", shows=RATE),), "memory after it {memory_mb:,.0f} MB, {processes} processes{memory_s}"),
)

# One connection at a time on which one thing is on its way at a time: then its order is promised.
ORDERED = ("echo-1x1-1k", "echo-32x1-1k", "echo-32x1-16k", "free-1x1-1k", "free-256x1-1k", "silent", "post-32", "post-256")
FAULTS_ROW = 19
FAULTS_TITLE = "errors, lost, reordered where order is promised, in all of the above"


def is_pinned(row: Row) -> bool:
    pinned = {scenario.key: scenario.pinned for scenario in SCENARIOS}
    return all(pinned[figure.of[0]] for figure in row.figures)


def reordered(rounds: Rounds) -> int:
    return sum(
        result.get("reordered", 0)
        for results in rounds
        for (key, peer), result in results.items()
        if peer == "apigw" and key in ORDERED
    )


def choose(only: str) -> list[Scenario]:
    """Those whose keys begin with one of these, parted by commas; all if there are none."""
    return [scenario for scenario in SCENARIOS if scenario.key.startswith(tuple(only.split(",")))]


def names(scenarios: Iterable[Scenario]) -> str:
    return ", ".join(scenario.key for scenario in scenarios)
