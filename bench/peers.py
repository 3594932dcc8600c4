"""The servers that are measured: apigw, and what it is compared with. Each is started for a measurement and ended after it."""

import contextlib
import copy
import dataclasses
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator

HERE = pathlib.Path(__file__).resolve().parent
READY_S = 60  # for a server to be ready, on a busy machine
STOP_S = 20  # for a server to end
STAGE = "/dev"
SHIPPED = ("apigw", "apigw-host", "apigw-client", "apigw-backtrace", "apigw-store.so")

# Below what Linux gives to outgoing connections, so that none of those is in the way of one that we choose.
PORTS = range(10000, 30000)


class Failure(Exception):
    """A measurement that did not work, in one line."""


@dataclasses.dataclass(frozen=True)
class Peer:
    """What the generator must know of a server."""

    name: str  # as in tables
    path: str  # of WebSocket connections
    post_path: str = "/"
    asks_id: bool = False  # it gives connections ids of its own
    delivers: bool = True  # POSTs come to a receiver
    rehearses: bool = False  # its threads take long to start, so each measurement is made once for nothing before
    at_least: int = 1  # messages that a measurement has, however long that takes


APIGW = Peer("apigw", STAGE, f"{STAGE}/@connections/{{id}}", asks_id=True)
LWS = Peer("L", "/")
LWS_UV = Peer("lws-uv", "/")
LWS_POLL = Peer("lws-poll", "/")
MHD = Peer("MHD", "/", delivers=False)
SERVERLESS = Peer("S", "/", "/@connections/{id}", asks_id=True, rehearses=True, at_least=300)
PEERS = {peer.name: peer for peer in (APIGW, LWS, LWS_UV, LWS_POLL, MHD, SERVERLESS)}
BARE = {"L": ("bare-lws", "direct"), "lws-uv": ("bare-lws", "uv"), "lws-poll": ("bare-lws", "poll"), "MHD": ("bare-mhd",)}


@dataclasses.dataclass(frozen=True)
class Server:
    pid: int
    port: int
    log: pathlib.Path

    def last_words(self) -> str:
        return last_line(self.log)


def last_line(log: pathlib.Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no output"


def free_port() -> int:
    for port in random.sample(PORTS, 100):
        with socket.socket() as probe:
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise Failure("no free port was found")


def processes_of(pid: int) -> list[int]:
    """A process and everything that it has started."""
    found = [pid]
    for listing in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in listing.read_text().split():
                found += processes_of(int(child))
    return found


def end_process(process: subprocess.Popen, gently: bool) -> None:
    """Ends a server of ours, and what it started: each has a process group of its own."""
    if gently:
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


def wait_for(process: subprocess.Popen, log: pathlib.Path, port: Callable[[], int | None]) -> int:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        found = port()
        if found is not None:
            return found
        if process.poll() is not None:
            raise Failure(f"the server ended with {process.returncode}: {last_line(log)}")
        time.sleep(0.005)
    raise Failure(f"the server was not ready after {READY_S} s: {last_line(log)}")


@contextlib.contextmanager
def running(command: list[str], folder: pathlib.Path, out: pathlib.Path, port: Callable[[], int | None], cpu: int | None,
            ends_well: bool = True, **options) -> Iterator[Server]:
    """A server while it is needed, on one CPU or on all. What it prints goes to `out`, its errors to a log. One that need
    not end well is killed."""
    log = folder / "log"
    pin = (lambda: os.sched_setaffinity(0, {cpu})) if cpu is not None else None
    with open(log, "ab") as errors, open(out, "ab") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, start_new_session=True, preexec_fn=pin, **options
        )
    try:
        yield Server(process.pid, wait_for(process, log, port), log)
    finally:
        end_process(process, ends_well)
    if ends_well and process.returncode not in (0, -signal.SIGTERM):
        raise Failure(f"the server ended with status {process.returncode}: {last_line(log)}")


# ---- apigw ----


def api(build: pathlib.Path, variant: str = "") -> dict:
    """routes.json as a dict: with the routes of connecting that `variant` names, or more routes, functions, environments."""
    config = json.loads((HERE / "routes.json").read_text())
    plugin = str(build / "bench/bench_plugin.so")
    if variant != "connect+disconnect":
        del config["routes"]["$disconnect"]
        if variant != "connect":
            del config["routes"]["$connect"]
    kind, _, count = variant.partition(":")
    if kind in ("routes", "functions", "slow"):
        many = {"routes": "echo", "functions": "echo", "slow": "slow"}[kind]
        config["functions"], config["routes"] = {}, {}
        for n in range(int(count)):
            name = f"{many}{n:03}" if kind == "functions" else many
            config["functions"].setdefault(name, {"handler": many})
            config["routes"][f"r{n:03}"] = {"function": name, "routeResponse": True}
    for function in config["functions"].values():
        function["plugin"] = plugin
    return config


@contextlib.contextmanager
def apigw(build: pathlib.Path, cpu: int | None, variant: str) -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="apigw-bench-") as name:
        folder = pathlib.Path(name)
        ready = folder / "ready.json"
        (folder / "routes.json").write_text(json.dumps(api(build, variant)))
        command = [str(build / "apigw"), "run", str(folder / "routes.json"), "--port", "0", "--ready-file", str(ready)]
        with running(command, folder, folder / "out", lambda: read_port(ready), cpu) as server:
            yield server


# ---- the bare ones ----


@contextlib.contextmanager
def bare(build: pathlib.Path, name: str, cpu: int | None) -> Iterator[Server]:
    program, *ways = BARE[name]
    with tempfile.TemporaryDirectory(prefix="apigw-bench-") as temporary:
        folder = pathlib.Path(temporary)
        command = [str(build / "bench" / program), *ways]
        with running(command, folder, folder / "out", lambda: read_port(folder / "out"), cpu) as server:
            yield server


# ---- serverless-offline ----


def serverless_files() -> list[pathlib.Path]:
    return sorted(path for path in (HERE / "serverless-offline").iterdir() if path.is_file())


def serverless_folder() -> pathlib.Path:
    """Outside the tree, and another one when what is to be installed has changed."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    digest = hashlib.sha256()
    for path in serverless_files():
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return cache / "apigw-bench" / f"serverless-offline-{digest.hexdigest()[:12]}"


def install_serverless() -> str | None:
    """Installs serverless-offline if it is not there. None, or why that does not work."""
    folder = serverless_folder()
    if (folder / "installed").exists():
        return None
    if not shutil.which("npm") or not shutil.which("node"):
        return "serverless-offline needs npm and Node.js"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in serverless_files():
        shutil.copy(path, folder)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return "serverless-offline could not be installed in 300 s; is there a network?"
    if done.returncode != 0:
        said = [line.removeprefix("npm error").strip() for line in done.stderr.splitlines() if line.startswith("npm error")]
        return f"serverless-offline could not be installed: {'; '.join(said[:3]) or 'npm failed'}"
    (folder / "installed").touch()
    return None


def listens(port: int) -> int | None:
    with socket.socket() as probe:
        probe.settimeout(1)
        return port if probe.connect_ex(("127.0.0.1", port)) == 0 else None


@contextlib.contextmanager
def serverless(cpu: int | None) -> Iterator[Server]:
    folder = serverless_folder()
    ports = [free_port() for _ in range(3)]
    command = ["node", str(folder / "node_modules/serverless/bin/serverless.js"), "offline", "--host", "127.0.0.1"]
    command += ["--websocketPort", str(ports[0]), "--httpPort", str(ports[1]), "--lambdaPort", str(ports[2])]
    quiet = {"SLS_TELEMETRY_DISABLED": "1", "SLS_NOTIFICATIONS_MODE": "off", "CI": "1"}
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    env = {**os.environ, **quiet, **keys, "BENCH_WEBSOCKET_PORT": str(ports[0])}
    with tempfile.TemporaryDirectory(prefix="apigw-bench-") as name:
        logs = pathlib.Path(name)
        with running(command, logs, logs / "out", lambda: listens(ports[0]), cpu, ends_well=False, cwd=folder, env=env) as server:
            yield server


class Park:
    """Keeps the serverless-offline of a round, which takes seconds to start, and stops it while others are measured."""

    def __init__(self) -> None:
        self.stack = contextlib.ExitStack()
        self.servers: dict[int | None, Server] = {}

    def close(self) -> None:
        self.servers = {}
        self.stack.close()

    @staticmethod
    def tell(server: Server, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, number)

    @contextlib.contextmanager
    def borrow(self, cpu: int | None) -> Iterator[Server]:
        if cpu not in self.servers:
            self.servers[cpu] = self.stack.enter_context(serverless(cpu))
        server = self.servers[cpu]
        self.tell(server, signal.SIGCONT)
        try:
            yield server
        except Failure:
            # What it is like after a failure nobody knows: the next one gets another.
            del self.servers[cpu]
            raise
        finally:
            if cpu in self.servers:
                self.tell(server, signal.SIGSTOP)


@contextlib.contextmanager
def serving(park: Park, build: pathlib.Path, peer: Peer, cpu: int | None, variant: str) -> Iterator[Server]:
    """The server of this peer while it is needed."""
    if peer is APIGW:
        context = apigw(build, cpu, variant)
    elif peer is SERVERLESS:
        context = park.borrow(cpu)
    else:
        context = bare(build, peer.name, cpu)
    with context as server:
        yield server


def start_command(build: pathlib.Path, peer: Peer, folder: pathlib.Path, port: int) -> list[str]:
    """What starts it on that port, for the time that takes."""
    if peer is not APIGW:
        program, way = BARE[peer.name]
        return [str(build / "bench" / program), way, str(port)]
    config = api(build)
    config["functions"] = {"echo": config["functions"]["echo"]}
    config["routes"] = {"echo": config["routes"]["echo"]}
    (folder / "routes.json").write_text(json.dumps(copy.deepcopy(config)))
    return [str(build / "apigw"), "run", str(folder / "routes.json"), "--port", str(port)]
