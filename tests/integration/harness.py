"""Starts the real emulator for a test, on a free port, in a folder of the test's own."""

import json
import os
import pathlib
import re
import signal
import ssl
import subprocess
import time
import urllib.parse

import wire

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("APIGW_BUILD", ROOT / "build" / "release")).resolve()
PROGRAM = BUILD / "apigw"
SUITE = BUILD / "tests" / "plugins" / "handler_suite.so"
AUTHORIZERS = BUILD / "tests" / "plugins" / "authorizer_suite.so"

# All tests have one CA, and none in the home of who runs them.
os.environ.setdefault("APIGW_CA_DIR", str(BUILD / "tests" / "ca"))

DEADLINE_S = wire.DEADLINE_S
SANITIZED = b"__asan_init" in PROGRAM.read_bytes() if PROGRAM.exists() else False

# What a request that changes something under /_apigw must have.
JSON = (("Content-Type", "application/json"),)

CONNECTION_ID = r"[A-Za-z0-9_-]{15}="


def until(condition, what, timeout=DEADLINE_S):
    """Polls until `condition()` is true and returns what it gave; fails after the deadline."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"after {timeout} s still not: {what}")
        time.sleep(0.005)


def one_way(handler):
    """A route whose result stays with us; plain strings in `api` are two-way."""
    return {"function": handler}


def api(routes=None, functions=None, **members):
    """A routes.json as a dict.

    A route given as the name of a handler of handler_suite.so is two-way ($connect and $disconnect apart) and gets a
    function of that name, unless the name is a stage variable's. `functions` adds to, or overrides members of, those
    functions. Each API has a route `whoami` that answers with its event, and one stage unless `stages` are given.
    """
    routes = {"whoami": "event", **({"$default": "echo"} if routes is None else routes)}
    config = {
        "name": "test",
        **({} if "stages" in members else {"stage": "dev"}),
        "routeSelectionExpression": "$request.body.action",
        "functions": {},
        "routes": {},
        **members,
    }
    for key, route in routes.items():
        if isinstance(route, str):
            route = {"function": route} if key in ("$connect", "$disconnect") else {"function": route, "routeResponse": True}
        config["routes"][key] = route
        if "$" not in route.get("function", "$"):
            config["functions"].setdefault(route["function"], suite_function(route["function"]))
    for name, override in (functions or {}).items():
        config["functions"][name] = {**suite_function(name), **override}
    return config


def suite_function(handler):
    return {"plugin": str(SUITE), "handler": handler}


def guarded(authorizer, sources=(), connect="status", routes=None, functions=None, **members):
    """The same with an authorizer in front of $connect: a handler of authorizer_suite.so, or a whole function.

    `connect` is the handler of $connect; None leaves it without a function."""
    function = {"plugin": str(AUTHORIZERS), "handler": authorizer} if isinstance(authorizer, str) else authorizer
    route = {"authorizer": "guard", **({"function": connect} if connect else {})}
    return api(
        {"$connect": route, "$default": "echo", **(routes or {})},
        {"guard": function, **(functions or {})},
        authorizers={"guard": {"function": "guard", "identitySource": list(sources)}},
        **members,
    )


def compact(**members):
    """JSON without blanks, as the test handlers read it."""
    return json.dumps(members, separators=(",", ":"), ensure_ascii=False)


def plugin(name):
    """The path of one of the test plugins."""
    return str(BUILD / "tests" / "plugins" / f"{name}.so")


def environment(extra=None):
    """This process's environment with changes; None unsets a variable."""
    merged = {**os.environ, **(extra or {})}
    return {name: value for name, value in merged.items() if value is not None}


def run(*arguments, cwd=None, env=None, timeout=60):
    """Runs `apigw ARGUMENTS` to its end; stdout and stderr are text."""
    return subprocess.run(
        [str(PROGRAM), *map(str, arguments)],
        cwd=cwd,
        env=environment(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


class Emulator:
    """One running `apigw run`. What it says goes to one file, or with `split` its banner to another one.

    It serves `config` and those of `also`; requests that say nothing else are for the first stage of the former. Only with `watch` it looks for changes of its files: a user has few inotify instances, and tests run in parallel.
    """

    def __init__(
        self,
        folder,
        config,
        arguments=(),
        env=None,
        program=PROGRAM,
        preexec=None,
        wait=True,
        split=False,
        watch=False,
        also=(),
    ):
        self.folder = pathlib.Path(folder)
        self.config = config
        self.stage = config["stage"] if "stage" in config else next(iter(config["stages"]))
        self.config_paths = [self.folder / name for name in ["routes.json", *(f"also-{i}.json" for i in range(len(also)))]]
        self.config_path = self.config_paths[0]
        for path, content in zip(self.config_paths, [config, *also]):
            path.write_text(json.dumps(content, indent=2))
        self.ready_path = self.folder / "ready.json"
        self.log_path = self.folder / "log"
        self.clients = []
        with self.log_path.open("wb") as log, open(self.folder / "banner" if split else os.devnull, "wb") as banner:
            self.process = subprocess.Popen(
                [str(program), "run", *(path.name for path in self.config_paths)]
                + ["--port", "0", "--ready-file", "ready.json", *arguments]
                + ([] if watch else ["--no-watch"]),
                cwd=self.folder,
                env=environment({"XDG_RUNTIME_DIR": str(self.folder), **(env or {})}),  # or a person's client finds it
                stdin=subprocess.DEVNULL,
                stdout=banner if split else log,
                stderr=log,
                preexec_fn=preexec,
            )
        if wait:
            self.wait_ready()

    def wait_ready(self):
        try:
            until(lambda: self.ready_path.exists() or self.process.poll() is not None, "the ready file is there")
        except AssertionError:
            self.process.kill()
            raise
        if self.process.poll() is not None:
            raise AssertionError(f"apigw ended with {self.process.returncode}:\n{self.log}")
        self.ready = json.loads(self.ready_path.read_text())
        self.port = self.ready["port"]
        self.address = ("127.0.0.1", self.port)

    # ---- what it says ----

    @property
    def log(self):
        return self.log_path.read_text(errors="replace")

    def wait_log(self, pattern, timeout=DEADLINE_S):
        """The match of a regular expression in the log, once it is there."""
        return until(lambda: re.search(pattern, self.log), f"/{pattern}/ in the log", timeout)

    def hosts(self):
        """The process ids of its execution environments."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def memory_bytes(self):
        """What it keeps in memory now."""
        pages = int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    # ---- clients ----

    def connect(self, query="", headers=(), path=None, **options):
        target = (path if path is not None else f"/{self.stage}") + query
        client = wire.Client(self.address, target, headers, **options)
        self.clients.append(client)
        return client

    def tls(self, name="127.0.0.1", **members):
        """What a client over TLS needs: a context that trusts the local CA, with members set, and the server's name."""
        context = ssl.create_default_context(cafile=self.ready["caCertificate"])
        for member, value in members.items():
            setattr(context, member, value)
        return context, name

    def refusal(self, *arguments, **options):
        """The response to a handshake that must be refused."""
        try:
            self.connect(*arguments, **options)
        except wire.Refused as refused:
            return refused.response
        raise AssertionError("the handshake was accepted")

    @staticmethod
    def identify(client):
        """The connection id of a client."""
        event = json.loads(client.ask('{"action":"whoami"}'))
        return event["requestContext"]["connectionId"]

    # ---- @connections ----

    def http(self, method, target, body=b"", headers=(), **options):
        return wire.request(self.address, method, target, body, headers, **options)

    def connection_target(self, connection_id):
        return f"/{self.stage}/@connections/{urllib.parse.quote(connection_id, safe='')}"

    def post(self, connection_id, body):
        body = body.encode() if isinstance(body, str) else body
        return self.http("POST", self.connection_target(connection_id), body)

    def get(self, connection_id):
        return self.http("GET", self.connection_target(connection_id))

    def delete(self, connection_id):
        return self.http("DELETE", self.connection_target(connection_id))

    # ---- the clock ----

    def move_clock(self, advance):
        """The response to a request to move the clock, which need not be a success."""
        return self.http("POST", "/_apigw/clock", json.dumps({"advance": advance}).encode(), JSON)

    def advance(self, amount):
        """Moves the clock by a number of milliseconds, or a text such as "10m"; returns what the clock says then."""
        response = self.move_clock(amount)
        assert response.status == 200, response.text
        return json.loads(response.text)

    # ---- the end ----

    def stop(self, signum=signal.SIGTERM, timeout=DEADLINE_S):
        """Ends it as a service manager does; returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signum)
        return self.process.wait(timeout)

    def finish(self):
        """Ends it if the test has not, and fails unless it ended well."""
        for client in self.clients:
            client.stream.close()
        try:
            status = self.stop()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("apigw did not end within the deadline after SIGTERM") from None
        own_lines = "\n".join(line for line in self.log.splitlines() if " | " not in line)
        assert not re.search(r"Sanitizer|runtime error:", own_lines), "a sanitizer has found something"
        assert status == 0, f"apigw ended with {status}"


class Events:
    """The file that the handler `event` writes $connect and $disconnect events to."""

    def __init__(self, folder):
        self.path = pathlib.Path(folder) / "events"
        self.path.touch()

    @property
    def function(self):
        """Goes into `api(functions={"event": …})`."""
        return {"environment": {"EVENTS_FILE": str(self.path)}}

    def texts(self, event_type):
        lines = self.path.read_text().splitlines()
        return [line for line in lines if f'"eventType":"{event_type}"' in line and line.endswith("}")]

    def wait(self, event_type, count=1, timeout=DEADLINE_S):
        """The first `count` events of a type, as JSON text, once they are there."""
        until(lambda: len(self.texts(event_type)) >= count, f"{count} events of type {event_type}", timeout)
        return self.texts(event_type)


class Gate:
    """The handlers of gate.so: each message (or ?gate=… at an authorizer) is a name, held up until `open(name)`."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder) / "gate"
        self.folder.mkdir()

    def function(self, **members):
        environment_ = {"GATE_FOLDER": str(self.folder)}
        return {"plugin": plugin("gate"), "handler": "gate", "environment": environment_, **members}

    def wait_entered(self, name):
        until((self.folder / f"{name}.entered").exists, f"a handler has entered the gate {name}")

    def open(self, *names):
        for name in names:
            (self.folder / f"{name}.open").touch()
