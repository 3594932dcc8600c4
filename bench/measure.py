"""Takes one measurement: starts the server, runs the generator against it, and looks at what the server used."""

import contextlib
import dataclasses
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

import peers
from peers import Failure, Peer

WAIT_MS = 60000  # for the generator's waits, other than the measured time; a busy machine is slow
FANOUT_PRICE = 100  # deliveries of one fan-out
TRACER_S = 20  # for strace to be there, and to be gone


@dataclasses.dataclass(frozen=True)
class Scale:
    """How much of everything: a whole run, a quick one, or just enough to see that it runs."""

    name: str
    rounds: int
    duration_ms: int
    warmup_ms: int
    silent: int  # connections
    handshakes: int
    handshakes_s: int  # of serverless-offline, which takes a thread for each
    burst: int  # messages on each of 50 connections
    burst_s: int
    starts: int
    spawns: int
    serverless: bool

    def fields(self, peer: Peer) -> dict[str, int]:
        """What stands in braces in a scenario's options."""
        slow = peer is peers.SERVERLESS
        return {
            "silent": self.silent,
            "handshakes": self.handshakes_s if slow else self.handshakes,
            "burst": self.burst_s if slow else self.burst,
            "starts": self.starts,
            "spawns": self.spawns,
        }


FULL = Scale("full", 5, 700, 150, 10000, 4000, 150, 20, 2, 10, 20, True)
QUICK = Scale("quick", 1, 250, 80, 1000, 1000, 50, 20, 1, 3, 5, True)
SMOKE = Scale("smoke", 1, 60, 10, 100, 100, 20, 4, 1, 1, 2, False)


@dataclasses.dataclass(frozen=True)
class Scenario:
    """What is measured, of which servers. A key is what rows name it by."""

    key: str
    peers: tuple[str, ...]
    options: tuple[str, ...] = ()  # of the generator; its scenario first
    pinned: bool = True
    variant: str = ""  # of apigw's API, see peers.api
    kind: str = "load"  # which function below
    once: bool = False  # the same in every round
    warm_ms: int = 0  # more warm-up, in full runs


@dataclasses.dataclass
class Bench:
    build: pathlib.Path
    scale: Scale
    cpu: int
    park: peers.Park = dataclasses.field(default_factory=peers.Park)

    def measure(self, scenario: Scenario, peer: Peer) -> dict:
        return KINDS[scenario.kind](self, scenario, peer)

    def pin(self, scenario: Scenario) -> int | None:
        return self.cpu if scenario.pinned and self.cpu >= 0 else None


def run_program(bench: Bench, command: list[str], cpu: int | None) -> dict:
    """Runs the generator, or another program that prints its result in one line, and returns that."""
    limit_s = (bench.scale.duration_ms + bench.scale.warmup_ms + 4 * WAIT_MS) / 1000
    name = pathlib.Path(command[0]).name
    pin = (lambda: os.sched_setaffinity(0, {cpu})) if cpu is not None else None
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=limit_s, stdin=subprocess.DEVNULL, preexec_fn=pin
        )
    except subprocess.TimeoutExpired:
        raise Failure(f"{name} was not done after {limit_s:.0f} s") from None
    if done.returncode != 0:
        raise Failure((done.stderr.strip().splitlines() or [f"{name} ended with {done.returncode}"])[-1])
    return json.loads(done.stdout.splitlines()[-1])


def load_command(bench: Bench, scenario: Scenario, peer: Peer, server: peers.Server) -> list[str]:
    options = [option.format(**bench.scale.fields(peer)) for option in scenario.options]
    if options[0] == "post":
        options += ["--post-path", peer.post_path]
        if not peer.delivers:
            at = options.index("--receivers")
            del options[at : at + 2]
    if options[0] in ("echo", "burst", "idle"):
        options += ["--server-pid", str(server.pid)]
    if peer.asks_id and options[0] in ("post", "fanout"):
        options.append("--ask-id")
    warm_ms = bench.scale.warmup_ms
    warm_ms += scenario.warm_ms if bench.scale.name == FULL.name else 0
    options += ["--port", str(server.port), "--path", peer.path, "--limit-ms", str(WAIT_MS)]
    options += ["--duration-ms", str(bench.scale.duration_ms), "--warmup-ms", str(warm_ms)]
    options += ["--at-least", str(max(peer.at_least // FANOUT_PRICE, 1) if options[0] == "fanout" else peer.at_least)]
    return [str(bench.build / "bench/apigw-load"), *options]


def pss_bytes(pids: list[int]) -> int:
    """The memory that they have in RAM; of what is shared with others their share."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            found = re.search(r"^Pss:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
            total += int(found[1]) * 1024 if found else 0
    return total


def measure_load(bench: Bench, scenario: Scenario, peer: Peer) -> dict:
    """The generator against a server. Beside its result: the server's memory after it."""
    cpu = bench.pin(scenario)
    with peers.serving(bench.park, bench.build, peer, cpu, scenario.variant) as server:
        command = load_command(bench, scenario, peer, server)
        try:
            if peer.rehearses and scenario.options[0] != "burst":
                run_program(bench, [*command, "--duration-ms", "1", "--warmup-ms", "0", "--at-least", "1"], cpu)
            result = run_program(bench, command, cpu)
        except Failure as failure:
            raise Failure(f"{failure} (the server's last words: {server.last_words()})") from None
        pids = peers.processes_of(server.pid)
        result["memory"] = pss_bytes(pids)
        result["processes"] = len(pids)
    if result.get("refused"):
        raise Failure(f"{result['refused']} requests were refused")
    if scenario.options[0] == "idle" and result["echoed"] != result["asked"]:
        raise Failure(f"of {result['asked']} connections that were tried {result['echoed']} worked")
    return result


def measure_start(bench: Bench, scenario: Scenario, peer: Peer) -> dict:
    """From exec to the first connection that is accepted."""
    port = peers.free_port()
    with tempfile.TemporaryDirectory(prefix="apigw-bench-") as folder:
        command = [str(bench.build / "bench/apigw-load"), "start", "--port", str(port), "--path", peer.path]
        command += ["--starts", str(bench.scale.starts), "--limit-ms", str(WAIT_MS), "--"]
        command += peers.start_command(bench.build, peer, pathlib.Path(folder), port)
        return run_program(bench, command, bench.pin(scenario))


def measure_rest(bench: Bench, scenario: Scenario, peer: Peer) -> dict:
    """The memory of a server that does nothing any more, and has an environment of one handler."""
    cpu = bench.pin(scenario)
    with peers.serving(bench.park, bench.build, peer, cpu, scenario.variant) as server:
        run_program(bench, load_command(bench, scenario, peer, server), cpu)
        pids = peers.processes_of(server.pid)
        return {"memory": pss_bytes(pids), "processes": len(pids)}


def measure_spawn(bench: Bench, scenario: Scenario, peer: Peer) -> dict:
    """A program of its own measures both, in turns."""
    command = [str(bench.build / "bench/bench-spawn"), str(bench.scale.spawns), str(bench.build / "apigw-host")]
    command += [str(bench.build / "bench/trivial-host"), str(bench.build / "bench/routes.json")]
    return run_program(bench, command, bench.pin(scenario))


def measure_sizes(bench: Bench, scenario: Scenario, peer: Peer) -> dict:
    """The bytes of each program and module that is shipped, as a package has it."""
    sizes = {}
    with tempfile.TemporaryDirectory(prefix="apigw-bench-") as folder:
        for name in peers.SHIPPED:
            stripped = pathlib.Path(folder, name)
            shutil.copy(bench.build / name, stripped)
            done = subprocess.run(["strip", "--strip-unneeded", str(stripped)], capture_output=True, text=True, timeout=60)
            if done.returncode != 0:
                raise Failure(f"strip: {done.stderr.strip()}")
            sizes[name] = stripped.stat().st_size
    return {"bytes": sum(sizes.values()), "sizes": sizes}


def start_tracer(server: peers.Server, output: pathlib.Path) -> subprocess.Popen:
    """strace, once it counts the server's system calls."""
    command = ["strace", "-c", "-U", "name,calls", "-p", str(server.pid), "-o", str(output)]
    tracer = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    line = tracer.stderr.readline()
    if "attached" not in line:
        tracer.kill()
        tracer.wait(TRACER_S)
        raise Failure(f"strace cannot trace here: {line.strip() or 'it said nothing'}")
    return tracer


def traced(bench: Bench, server: peers.Server, command: list[str], cpu: int | None) -> tuple[dict[str, int], int]:
    """The system calls of the server's first thread while the generator runs, by name, and how many messages there were."""
    with tempfile.TemporaryDirectory(prefix="apigw-bench-") as folder:
        output = pathlib.Path(folder, "calls")
        tracer = start_tracer(server, output)
        try:
            total = run_program(bench, command, cpu)["total"]
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.communicate(timeout=TRACER_S)
        lines = output.read_text()
    calls = {found[1]: int(found[2]) for found in re.finditer(r"^(\w+)\s+(\d+)\s*$", lines, re.MULTILINE)}
    calls.pop("total", None)
    return calls, total


def measure_syscalls(bench: Bench, scenario: Scenario, peer: Peer) -> dict:
    """System calls for a message; those of handlers' processes are not counted. A short run and a long one open the same
    connections, so what the long one has more is of its messages alone."""
    if not shutil.which("strace"):
        raise Failure("strace is not installed")
    cpu = bench.pin(scenario)
    short_ms = max(bench.scale.duration_ms // 4, 1)
    with peers.serving(bench.park, bench.build, peer, cpu, scenario.variant) as server:
        command = load_command(bench, scenario, peer, server)
        run_program(bench, command, cpu)  # its environment is there then, and what is started once
        fewer, few = traced(bench, server, [*command, "--duration-ms", str(short_ms)], cpu)
        for longer in (4, 16, 64, 256):  # where the machine does much else, the first may have had no more messages
            more, many = traced(bench, server, [*command, "--duration-ms", str(longer * short_ms)], cpu)
            if many >= 2 * few:
                break
    if many <= few:
        raise Failure("the machine is too busy to count system calls: a much longer run had fewer messages")
    each = {name: max(0.0, (count - fewer.get(name, 0)) / (many - few)) for name, count in more.items()}
    return {
        "calls": sum(each.values()),
        "epoll_ctl": each.get("epoll_ctl", 0.0),
        "each": {name: round(count, 3) for name, count in each.items() if count >= 0.01},
    }


KINDS = {
    "load": measure_load,
    "start": measure_start,
    "rest": measure_rest,
    "spawn": measure_spawn,
    "sizes": measure_sizes,
    "syscalls": measure_syscalls,
}
