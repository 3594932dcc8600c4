"""Whatever a handler does: the next messages are answered, none is lost, one line says what happened, nothing is left.

What is left is looked for in /proc: processes of the environments' groups and sessions, children of theirs, and any
that has our mark in its environment; the emulator's descriptors, and the shared memory that it has mapped."""

import dataclasses
import json
import os
import pathlib
import re
import shutil
import signal
import typing
import uuid

import harness
import pytest

INTERNAL = "Internal server error"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
TIMEOUT_S = 60
IDLE_S = 30
SOCKET = "socket:[N]"
RULES = {"account-throttle": "off", "integration-timeout": 900_000}


# ---- what there is ----


def stat_of(pid):
    """(parent, group, session) of a process; None if it is not there any more, or waits only for init to notice."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    parent, group, session = map(int, fields[1:4])
    return None if fields[0] == "Z" and parent == 1 else (parent, group, session)


def has_mark(pid, mark):
    try:
        return mark.encode() in pathlib.Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


def processes():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def shared_memory():
    return {name for name in os.listdir("/dev/shm") if "apigw" in name}


def descriptors_of(pid):
    """What each open descriptor is, without numbers, sorted."""
    targets = []
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            targets.append(re.sub(r"\d+", "N", os.readlink(f"/proc/{pid}/fd/{name}")))
        except FileNotFoundError:
            pass  # closed meanwhile
    return sorted(targets)


class Surroundings:
    """What belongs to one emulator, whose functions have a mark in their environment variables."""

    def __init__(self, emulator, mark, left):
        self.emulator = emulator
        self.mark = mark
        self.left = left  # where handlers note the processes that they leave behind
        self.shared = shared_memory()

    def environments(self):
        """The process ids of all environments that there ever were."""
        return {int(pid) for pid in re.findall(r"environment started pid=(\d+) ", self.emulator.log)}

    def noted(self):
        return {int(pid) for pid in self.left.read_text().split()} if self.left.exists() else set()

    def remains(self):
        """The processes that are there, zombies too."""
        started, noted = self.environments(), self.noted()
        found = set()
        for pid in processes():
            stat = stat_of(pid)
            if stat and (pid in started | noted or started & set(stat) or has_mark(pid, self.mark)):
                found.add(pid)
        return found

    def held(self):
        """(descriptors, mappings of shared memory) of the emulator."""
        maps = pathlib.Path(f"/proc/{self.emulator.process.pid}/maps").read_text()
        return descriptors_of(self.emulator.process.pid), maps.count("/memfd:")

    def wait_gone(self):
        try:
            harness.until(lambda: not self.remains(), "no process is left")
        except AssertionError:
            assert {pid: (name_of(pid), *(stat_of(pid) or ())) for pid in self.remains()} == {}
        assert shared_memory() <= self.shared


# ---- the emulator, and those that talk to it ----


class Scene:
    """Functions `bad`, of mischief.so in a folder of its own; `gate`, which is held up; and `echo`."""

    def __init__(self, start, gate, folder, more=None, **members):
        self.folder = folder / "mischief"
        self.task_root = folder / "task"
        self.folder.mkdir()
        self.task_root.mkdir()
        shutil.copy(harness.plugin("mischief"), self.task_root / "mischief.so")
        mark = f"MARK={uuid.uuid4()}"
        variables = {"MARK": mark.partition("=")[2]}
        functions = {
            "bad": {
                "plugin": str(self.task_root / "mischief.so"),
                "handler": "mischief",
                "timeout": TIMEOUT_S,
                "environment": {**variables, "MISCHIEF_FOLDER": str(self.folder)},
                **members,
            },
            "gate": gate.function(timeout=900),
            "echo": harness.suite_function("echo"),
            **(more or {}),
        }
        for function in functions.values():
            function["idleTimeout"] = IDLE_S
            function["environment"] = {**function.get("environment", {}), **variables}
        routes = {name: {"function": name, "routeResponse": True} for name in functions}
        config = harness.api({**routes, "$default": "bad"}, functions, rules=RULES)
        self.emulator = start(config, arguments=("--log-level", "debug"), watch=True)
        self.surroundings = Surroundings(self.emulator, mark, self.folder / "left")

    def wait_for(self, name):
        harness.until((self.folder / name).exists, f"there is a file {name}")

    def put(self, name):
        (self.folder / name).touch()

    def lines(self):
        """What is told of the function, but for how much waits for it."""
        return re.findall(
            r"(?m)^[0-9:.]+ (?:error|warn) +function: bad: (?!\d+ invocations wait, )(.*)$", self.emulator.log
        )

    def lost(self):
        """The environments of the function that have ended without being retired."""
        started, retired = (
            set(re.findall(rf"function: bad: environment {what} pid=(\d+) ", self.emulator.log))
            for what in ("started", "retired")
        )
        return started - retired

    def retire(self):
        """All environments have been idle for long, and are gone."""
        self.emulator.advance(f"{IDLE_S + 1}s")
        harness.until(lambda: not self.emulator.hosts(), "all environments are gone")


@pytest.fixture
def scene(start, gate, tmp_path):
    return Scene(start, gate, tmp_path)


class Talkers:
    """Clients that have messages under way: one each that is held up, and as many others as one likes."""

    def __init__(self, scene, gate, count=6):
        self.gate = gate
        self.clients = [scene.emulator.connect() for _ in range(count)]
        self.names = [harness.compact(action="gate", number=number) for number in range(count)]

    def begin(self):
        for client, name in zip(self.clients, self.names):
            client.send(name)
        for name in self.names:
            self.gate.wait_entered(name)

    def talk(self, word, bodies=("echo", "bad")):
        """Each client asks the functions at once; what is held up is not in the way."""
        messages = [word if body == "bad" else harness.compact(action=body, word=word) for body in bodies]
        for client in self.clients:
            for message in messages:
                client.send(message)
        for client in self.clients:
            assert sorted(client.receive() for _ in messages) == sorted(messages)

    def end(self):
        self.gate.open(*self.names)
        assert [client.receive() for client in self.clients] == self.names


# ---- what a handler can do ----


def nothing_more(scene, attacker):
    """The deed was all."""


def go(scene, attacker):
    scene.put("go")
    harness.until(scene.lines, "a line says what has happened")


def go_and_ask(scene, attacker):
    """The environment is stopped when the next message comes: that one is not lost either."""
    scene.put("go")
    scene.wait_for("stopped")
    attacker.send("after")
    scene.emulator.advance(f"{TIMEOUT_S + 12}s")
    assert attacker.receive() == "after"


@dataclasses.dataclass
class Deed:
    """What is answered, and the line about it: a pattern, or None if nothing has happened that is worth one."""

    line: typing.Optional[str]
    answer: str = INTERNAL
    hangs: bool = False  # until its timeout
    ends: bool = True  # its environment; else it is not certain that it does, nor that there is a line
    then: typing.Callable = nothing_more


def died(how):
    return rf"Runtime exited with error: {how} req={UUID}"


def signalled(name):
    return died(rf"signal: {name}(?: \(core dumped\))?")


TIMED_OUT = rf"Task timed out after {TIMEOUT_S}\.00 seconds req={UUID}"
BROKE = rf"apigw-host process \d+ broke the protocol \([a-z A-Z]+\) and was killed req={UUID}"
OVER_MEMORY = (
    r"Runtime exited with error: signal: killed, it had more memory in use than its 128 MB "
    rf"\(raise memorySize, or look for what it keeps\) req={UUID}"
)
GONE_WHEN_IDLE = "Runtime exited with error: exit status 1 while no handler ran"

DEEDS = {
    "crash": Deed(signalled("segmentation fault")),
    "kill": Deed(signalled("killed")),
    "kill_group": Deed(signalled("killed")),
    "abort": Deed(signalled("aborted")),
    "exit": Deed(died("exit status 3")),
    "hang": Deed(TIMED_OUT, hangs=True),
    "stop": Deed(TIMED_OUT, hangs=True),
    "block_signals": Deed(TIMED_OUT, hangs=True),
    "leak_memory": Deed(OVER_MEMORY),
    # A sanitizer that can open nothing at the end of the process ends it with an error.
    "leak_descriptors": Deed(GONE_WHEN_IDLE if harness.SANITIZED else None, "done", ends=False),
    "fork": Deed(None, "done"),
    "fork_group": Deed(None, "done"),
    "fork_session": Deed(None, "done"),
    "spawn": Deed(None, "done"),
    "fork_returns": Deed(None, "done"),
    "fork_prints": Deed(None, "done"),
    "close_descriptors": Deed(GONE_WHEN_IDLE, "done", ends=False),
    "scribble": Deed(rf"{BROKE}|{died('exit status 1')}"),
    "print_forever": Deed(TIMED_OUT, hangs=True),
    "complain_forever": Deed(TIMED_OUT, hangs=True),
    "log_forever": Deed(TIMED_OUT, hangs=True),
    "thread_goes_on": Deed(None, "done"),
    "thread_crashes": Deed(r"Runtime exited with error: signal: killed while no handler ran", "done", then=go),
    "thread_stops": Deed(
        r"apigw-host process \d+ does not take its next invocation and was killed", "done", then=go_and_ask
    ),
    "delete_folder": Deed(None, "done"),
    "fill_store": Deed(rf"StoreIsFull: as it should be req={UUID}"),
    "fill_store_and_die": Deed(signalled("file size limit exceeded")),
}


def is_answer(text, expected):
    return text == expected or (text.startswith("{") and json.loads(text)["message"] == expected)


def check_line(scene, pattern, certain=True):
    """That there is one such line, or none if there is no pattern. All environments must have been idle for long."""
    if pattern is None:
        assert scene.lines() == []
        return
    if not certain and not scene.lost() and not scene.lines():
        return
    (line,) = harness.until(scene.lines, "a line says what has happened")
    assert re.fullmatch(pattern, line), line


def warm_up(scene, talkers, attacker):
    """Everything has run once and is gone again: what is held now is what must be held at the end."""
    sockets = scene.surroundings.held()[0].count(SOCKET)
    talkers.talk("warm")
    first = harness.compact(action="gate", number="first")
    talkers.gate.open(first)
    assert attacker.ask(first) == first
    scene.retire()
    harness.until(lambda: scene.surroundings.held()[0].count(SOCKET) == sockets, "requests to move the clock are over")
    return scene.surroundings.held()


def check_nothing_is_left(scene, held):
    scene.retire()
    scene.surroundings.wait_gone()
    try:
        harness.until(lambda: scene.surroundings.held() == held, "what is held is what was held before")
    except AssertionError:
        assert scene.surroundings.held() == held
        raise


@pytest.mark.parametrize("name", DEEDS)
def test_whatever_a_handler_does_harms_its_own_invocation_alone(scene, gate, name):
    deed = DEEDS[name]
    if name == "leak_memory" and harness.SANITIZED:
        pytest.skip("a sanitizer needs memory of its own, so nothing is limited")
    talkers, attacker = Talkers(scene, gate), scene.emulator.connect()
    held = warm_up(scene, talkers, attacker)
    talkers.begin()
    attacker.send(name)
    scene.wait_for("begun")
    talkers.talk("during")
    if deed.hangs:
        scene.emulator.advance(f"{TIMEOUT_S + 1}s")
    answer = attacker.receive()
    assert is_answer(answer, deed.answer), answer
    deed.then(scene, attacker)
    talkers.talk("after")
    assert attacker.ask("of the same function") == "of the same function"
    talkers.end()
    check_nothing_is_left(scene, held)
    check_line(scene, deed.line, deed.ends)


def test_what_was_handed_to_an_environment_that_broke_goes_to_another_and_a_line_says_so(start, gate, tmp_path):
    scene = Scene(start, gate, tmp_path, concurrency=1)
    client = scene.emulator.connect()
    scene.put("init_waits")
    names = [f"name{number}" for number in range(10)]
    for message in ("close_descriptors", *names):
        client.send(message)
    here = harness.compact(action="echo")
    assert client.ask(here) == here, "all have arrived, and wait for init"
    scene.put("go")
    assert sorted(client.receive() for _ in range(11)) == sorted(["done", *names])
    scene.retire()
    check_line(scene, DEEDS["close_descriptors"].line, certain=False)


# ---- what happens before there is a handler ----


def not_started(how):
    return rf"no environment could be started: {how}"


INITS = {
    "constructor_crashes": not_started(
        r"Runtime\.ExitError: Runtime exited with error: signal: segmentation fault(?: \(core dumped\))? during init"
    ),
    "init_raises": not_started(
        r"Runtime\.ExitError: Runtime exited with error: signal: illegal instruction(?: \(core dumped\))? during init"
    ),
    "init_exits": not_started(r"Runtime\.ExitError: Runtime exited with error: exit status 4 during init"),
    "init_fails": not_started(r"Runtime\.InitError: \S+mischief\.so: init returned 7"),
    "init_hangs": not_started(r"Sandbox\.Timedout: init did not finish within 10\.00 seconds"),
    "init_forks": not_started(r"Runtime\.InitError: \S+mischief\.so: init returned 7"),
}


@pytest.mark.parametrize("name", INITS)
def test_whatever_init_does_harms_those_alone_that_wait_for_it(scene, gate, name):
    talkers, attacker = Talkers(scene, gate), scene.emulator.connect()
    held = warm_up(scene, talkers, attacker)
    talkers.begin()
    scene.put(name)
    attacker.send("x")
    scene.wait_for("begun")
    talkers.talk("during", ("echo",))
    if name == "init_hangs":
        scene.emulator.advance("11s")
    answer = attacker.receive()
    assert is_answer(answer, INTERNAL), answer
    (scene.folder / name).unlink()
    talkers.talk("after")
    assert attacker.ask("of the same function") == "of the same function"
    talkers.end()
    check_nothing_is_left(scene, held)
    check_line(scene, INITS[name])


# ---- storms ----


def test_a_storm_of_faults_loses_no_message(scene, gate):
    talkers, attacker = Talkers(scene, gate, 20), scene.emulator.connect()
    held = warm_up(scene, talkers, attacker)
    talkers.begin()
    for _ in range(100):
        attacker.send("crash")
        talkers.talk("during", ("echo",))
        answer = attacker.receive()
        assert is_answer(answer, INTERNAL), answer
    talkers.talk("after")
    talkers.end()
    harness.until(lambda: len(scene.lines()) == 100, "each fault has its line")
    assert all(re.fullmatch(DEEDS["crash"].line, line) for line in scene.lines())
    check_nothing_is_left(scene, held)


def test_a_storm_of_builds_loses_no_message_and_leaves_nothing(scene, gate):
    talkers, attacker = Talkers(scene, gate, 20), scene.emulator.connect()
    held = warm_up(scene, talkers, attacker)
    talkers.begin()
    build, fresh = scene.task_root / "mischief.so", scene.task_root / "fresh"
    whole = build.read_bytes()

    def used():
        return scene.emulator.log.count("mischief.so has changed, and is used from now on")

    for turn in range(100):
        before = used() if turn % 10 == 9 else None
        fresh.write_bytes(whole + bytes(turn + 1))
        attacker.send("during")
        os.replace(fresh, build)
        talkers.talk("during")
        if before is not None:
            harness.until(lambda: used() > before, "a new build is used")
        assert attacker.receive() == "during"
    talkers.talk("after")
    talkers.end()
    assert scene.lines() == []
    check_nothing_is_left(scene, held)


# ---- the end of the emulator ----


def children_of(pid):
    try:
        return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def name_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except FileNotFoundError:
        return ""


def hold_backtrace(emulator):
    """Stops the helper of a fault before it is done, and thereby the environment that waits for it."""
    client = emulator.connect()

    def caught():
        client.send("crash")
        while not client.stream.is_readable():
            for host in emulator.hosts():
                for pid in children_of(host):
                    if name_of(pid) == "apigw-backtrace":
                        os.kill(pid, signal.SIGSTOP)
                        return pid
        client.receive()
        return None

    return harness.until(caught, "a helper was caught at its work")


def test_nothing_outlives_an_emulator_that_is_killed(gate, tmp_path):
    wrapper = tmp_path / "wrapper"
    wrapper.write_text('#!/bin/sh\n"$@"\n:\n')
    wrapper.chmod(0o700)
    more = {
        "wrapped": {"plugin": harness.plugin("handler_suite"), "handler": "echo", "wrap": str(wrapper)},
        "starting": {"plugin": harness.plugin("init_hangs"), "handler": "init_hangs"},
        "ahead": {"plugin": harness.plugin("handler_suite"), "handler": "echo", "provisioned": 2},
    }
    scene = Scene(lambda *arguments, **options: harness.Emulator(tmp_path, *arguments, **options), gate, tmp_path, more)
    emulator, talkers = scene.emulator, Talkers(scene, gate)
    talkers.begin()
    talkers.talk("warm", ("echo", "bad", "wrapped"))
    for name in ("fork", "fork_group", "fork_session"):
        assert emulator.connect().ask(name) == "done"
    harness.until(lambda: len(scene.surroundings.noted()) >= 4, "the grandchild is there")
    emulator.connect().send(harness.compact(action="starting"))
    helper = hold_backtrace(emulator)
    remains = scene.surroundings.remains()
    assert {helper, *emulator.hosts()} <= remains
    emulator.process.kill()
    emulator.process.wait()
    scene.surroundings.wait_gone()
