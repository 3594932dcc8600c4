"""Handlers that run under a command, such as a debugger: `--wrap`, and "wrap" in routes.json."""

import json
import os
import pathlib
import shutil
import signal
import socket
import stat
import time

import harness
import pytest
import wire

HOST = str(harness.BUILD / "apigw-host")


class Wrapper:
    """A shell script that notes its arguments, one a line, and becomes what it is to start."""

    def __init__(self, folder, body='exec env "$@"'):
        self.path = pathlib.Path(folder) / "wrapper"
        self.record = pathlib.Path(folder) / "record"
        self.path.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" >>{self.record}\n{body}\n")
        self.path.chmod(stat.S_IRWXU)

    @property
    def arguments(self):
        return self.record.read_text().splitlines() if self.record.exists() else []

    def __str__(self):
        return str(self.path)


@pytest.fixture
def wrapper(tmp_path):
    return Wrapper(tmp_path)


def move_clock(emulator, advance):
    response = emulator.http("POST", "/_apigw/clock", json.dumps({"advance": advance}).encode(), harness.JSON)
    assert response.status == 200


def fifo(folder, name):
    path = folder / name
    os.mkfifo(path)
    return path


def processes_under(pid):
    """The process ids of everything that was started by `pid`, at any depth."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children] + [below for child in children for below in processes_under(int(child))]


def is_gone(pid):
    """Has it ended? A zombie has, and waits for a parent that may not be ours."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


# ---- what is started ----


def test_every_function_is_started_under_the_command_of_the_command_line(start, wrapper):
    routes = {"$default": "echo", "other": "request_id"}
    emulator = start(harness.api(routes), arguments=["--wrap", f"{wrapper} 'A=two words' B=\"$HOME\""])
    client = emulator.connect()
    assert client.ask("hello") == "hello"
    assert len(client.ask(harness.compact(action="other"))) == 36
    own = ["A=two words", "B=$HOME", HOST, "--serve"]
    assert wrapper.arguments == [*own, "echo", *own, "request_id"]


def test_one_function_is_started_under_the_command_of_the_file(start, wrapper):
    config = harness.api({"$default": "echo", "other": "pid"}, {"pid": {"wrap": f"{wrapper} VERBOSE=1"}})
    emulator = start(config)
    client = emulator.connect()
    assert client.ask("hello") == "hello"
    assert wrapper.arguments == []
    assert json.loads(client.ask(harness.compact(action="other")))["count"] == 1
    assert wrapper.arguments == ["VERBOSE=1", HOST, "--serve", "pid"]
    emulator.wait_log(rf"function: pid: runs under {wrapper}, in one environment; its timeout and the limits of init")
    assert "function: echo: runs under" not in emulator.log


def test_the_command_line_has_the_last_word(start, tmp_path):
    (tmp_path / "file").mkdir()
    (tmp_path / "line").mkdir()
    of_file, of_line = Wrapper(tmp_path / "file"), Wrapper(tmp_path / "line")
    emulator = start(harness.api(functions={"echo": {"wrap": str(of_file)}}), arguments=["--wrap", str(of_line)])
    assert emulator.connect().ask("hello") == "hello"
    assert of_line.arguments == [HOST, "--serve", "echo"]
    assert of_file.arguments == []


def test_exec_takes_a_command_too(tmp_path, wrapper):
    (tmp_path / "routes.json").write_text(json.dumps(harness.api()))
    script = "import os, sys; sys.path.insert(0, sys.argv[1]); import wire; url = os.environ['APIGW_ENDPOINT'];" + (
        "host, _, port = url.split('/')[2].partition(':'); print(wire.Client((host, int(port)), '/dev').ask('hello'))"
    )
    command = ["/usr/bin/python3", "-c", script, pathlib.Path(harness.__file__).parent]
    result = harness.run("exec", "--wrap", wrapper, "routes.json", "--", *command, cwd=tmp_path)
    assert (result.returncode, result.stdout) == (0, "hello\n")
    assert wrapper.arguments == [HOST, "--serve", "echo"]


def test_a_command_finds_the_variables_of_its_function(start, tmp_path):
    wrapper = Wrapper(tmp_path, f'echo "$AWS_LAMBDA_FUNCTION_NAME $ROOM" >{tmp_path}/variables\nexec "$@"')
    emulator = start(harness.api(functions={"echo": {"wrap": str(wrapper), "environment": {"ROOM": "lobby"}}}))
    assert emulator.connect().ask("hello") == "hello"
    assert (tmp_path / "variables").read_text() == "echo lobby\n"


# ---- what is suspended ----


def test_a_handler_that_takes_longer_than_its_timeout_and_an_integration_may_is_not_ended(start, gate, wrapper):
    config = harness.api({"$default": {"function": "gate", "routeResponse": True}}, {})
    config["functions"]["gate"] = gate.function(timeout=1, wrap=str(wrapper))
    emulator = start(config)
    client = emulator.connect()
    client.send("first")
    gate.wait_entered("first")
    move_clock(emulator, "9m")
    gate.open("first")
    assert client.receive() == "first"
    assert "timed out" not in emulator.log


def test_an_authorizer_that_takes_its_time_is_waited_for(start, tmp_path):
    held = fifo(tmp_path, "held")
    wrapper = Wrapper(tmp_path, f'read line <{held}\nexec "$@"')
    config = harness.api(functions={"fail": {"wrap": str(wrapper)}}, authorizers={"only": {"function": "fail"}})
    config["routes"]["$connect"] = {"authorizer": "only"}
    emulator = start(config)
    stream = wire.Stream(emulator.address)
    stream.send(wire.handshake_request("/dev")[0])
    harness.until(lambda: wrapper.arguments, "the wrapper runs")
    move_clock(emulator, "9m")
    held.write_text("go\n")
    assert stream.read_response().status == 500
    emulator.wait_log("rule=authorizer-failed")
    stream.close()


def test_init_may_take_as_long_as_it_likes(start, tmp_path):
    held = fifo(tmp_path, "held")
    wrapper = Wrapper(tmp_path, f'read line <{held}\nexec "$@"')
    emulator = start(harness.api(functions={"echo": {"wrap": str(wrapper)}}))
    client = emulator.connect()
    client.send("hello")
    harness.until(lambda: wrapper.arguments, "the wrapper runs")
    move_clock(emulator, "9m")
    held.write_text("go\n")
    assert client.receive() == "hello"
    assert "timed out" not in emulator.log.lower()


def test_handlers_are_told_of_much_time(start, wrapper):
    emulator = start(harness.api({"$default": "remaining"}, {"remaining": {"timeout": 1, "wrap": str(wrapper)}}))
    assert int(emulator.connect().ask("x")) > 3600 * 1000


def test_there_is_one_environment_however_many_wait(start, gate, wrapper):
    config = harness.api({"$default": {"function": "gate", "routeResponse": True}}, {})
    config["functions"]["gate"] = gate.function(wrap=str(wrapper), concurrency=10)
    emulator = start(config)
    clients = [emulator.connect() for _ in range(5)]
    for number, client in enumerate(clients):
        client.send(str(number))
        if number == 0:
            gate.wait_entered("0")
    move_clock(emulator, "10s")
    assert len(emulator.hosts()) == 1
    gate.open(*map(str, range(5)))
    assert [client.receive() for client in clients] == list("01234")
    assert len(wrapper.arguments) == 3


# ---- what is said ----


def test_what_a_command_prints_is_in_the_log(start, tmp_path):
    wrapper = Wrapper(tmp_path, 'echo listening; echo careful >&2\n"$@"\necho "it has ended with $?"')
    emulator = start(harness.api(functions={"echo": {"wrap": str(wrapper)}}))
    assert emulator.connect().ask("hello") == "hello"
    emulator.wait_log(r"echo init \| listening\n")
    emulator.wait_log(r"echo init \| careful\n")
    assert emulator.stop() == 0
    emulator.wait_log(r"echo - \| it has ended with 0\n")


@pytest.mark.parametrize(
    "command, why",
    [
        ("no-such-debugger :0", 'there is no program "no-such-debugger" in PATH'),
        ("./no-such-debugger", '"./no-such-debugger" cannot be run: No such file or directory'),
        ("'open", "a quote is not closed"),
        ("", "there is no command in it"),
    ],
)
def test_a_command_that_cannot_be_run_is_said_at_the_start(tmp_path, command, why):
    (tmp_path / "routes.json").write_text(json.dumps(harness.api()))
    result = harness.run("run", "--port", "0", "--wrap", command, cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr == f"apigw: --wrap: {why}\n"


def test_a_command_of_the_file_that_cannot_be_run_is_shown_with_its_place(tmp_path):
    config = harness.api(functions={"echo": {"wrap": "no-such-debugger"}})
    (tmp_path / "routes.json").write_text(json.dumps(config, indent=2))
    result = harness.run("check", "routes.json", cwd=tmp_path)
    assert result.returncode == 2
    assert '/functions/echo/wrap: the command cannot be used: there is no program "no-such-debugger"' in result.stderr


def test_a_command_that_goes_away_later_fails_its_invocations(start, wrapper):
    emulator = start(harness.api({"$default": "exit3"}, {"exit3": {"wrap": str(wrapper)}}))
    client = emulator.connect()
    client.ask("x")
    emulator.wait_log("exit3: Runtime exited with error: exit status 3")
    wrapper.path.unlink()
    client.ask("x")
    emulator.wait_log(rf"exit3 init \| apigw-host: cannot run {wrapper}: No such file or directory")
    emulator.wait_log("no environment could be started: .*exit status 127 during init")


def test_a_command_that_ends_instead_is_a_failed_start(start, tmp_path):
    wrapper = Wrapper(tmp_path, "echo no; exit 5")
    emulator = start(harness.api(functions={"echo": {"wrap": str(wrapper)}}))
    assert json.loads(emulator.connect().ask("x"))["message"] == "Internal server error"
    emulator.wait_log(r"echo init \| no\n")
    emulator.wait_log("no environment could be started: .*exit status 5 during init")


# ---- the end ----


def test_a_command_and_what_it_started_die_with_an_emulator_that_is_killed(start, tmp_path):
    wrapper = Wrapper(tmp_path, '"$@" &\nwait $!')
    emulator = start(harness.api(functions={"echo": {"wrap": str(wrapper)}}), folder=tmp_path)
    assert emulator.connect().ask("hello") == "hello"
    started = processes_under(emulator.process.pid)
    assert len(started) == 2
    emulator.process.kill()
    emulator.process.wait()
    for pid in started:
        harness.until(lambda pid=pid: is_gone(pid), f"process {pid} has ended")
    emulator.process.returncode = 0  # as it was to be


def test_at_the_end_a_command_is_waited_for_but_not_by_who_asks_twice(start, tmp_path):
    held = fifo(tmp_path, "held")
    wrapper = Wrapper(tmp_path, f'"$@"\necho at the end\nread line <{held}')
    emulator = start(harness.api(functions={"echo": {"wrap": str(wrapper)}}))
    assert emulator.connect().ask("hello") == "hello"
    emulator.process.send_signal(signal.SIGTERM)
    emulator.wait_log(r"\| at the end\n")
    assert emulator.process.poll() is None
    began = time.monotonic()
    assert emulator.stop() == 0
    assert time.monotonic() - began < 8, "it would have waited for 11 seconds"


# ---- tools ----


def needs(*programs):
    missing = [program for program in programs if not shutil.which(program)]
    return pytest.mark.skipif(
        bool(missing) or harness.SANITIZED, reason=f"not here: {missing}" if missing else "sanitizers refuse to be traced"
    )


@needs("strace")
def test_strace_traces_a_handler(start, tmp_path):
    trace = tmp_path / "trace"
    emulator = start(arguments=["--wrap", f"strace -f -o {trace} -e trace=futex,openat"])
    assert emulator.connect().ask("hello") == "hello"
    assert emulator.stop() == 0
    assert "openat(" in trace.read_text() and "exited with 0" in trace.read_text()


@needs("valgrind")
def test_valgrind_says_what_has_leaked_at_the_end(start):
    config = harness.api({"$default": "echo", "big_post": "big_post"})
    config["functions"]["echo"]["wrap"] = "valgrind --leak-check=full --show-leak-kinds=all"
    emulator = start(config)
    assert emulator.connect().ask("hello", timeout=60) == "hello"
    emulator.wait_log(r"echo init \| ==\d+== Memcheck, a memory error detector")
    assert emulator.stop(timeout=60) == 0
    emulator.wait_log(r"echo - \| ==\d+== LEAK SUMMARY|All heap blocks were freed")


@needs("valgrind")
def test_under_valgrind_a_fault_has_both_reports(start):
    functions = {"null_write": {"plugin": harness.plugin("faults"), "handler": "null_write", "wrap": "valgrind"}}
    emulator = start(harness.api({"$default": {"function": "null_write", "routeResponse": True}}, functions))
    emulator.connect().ask("x", timeout=60)
    emulator.wait_log(r"null_write \S+ \| ==\d+== Invalid write of size 4")
    emulator.wait_log(r"null_write \S+ \| signal: segmentation fault at address 0x0")
    emulator.wait_log(r"null_write \S+ \|     #0 null_write \(\S*faults\.c:\d+\)")


class Debugger:
    """As much of gdb's remote protocol as it takes to let a program run."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=harness.DEADLINE_S)

    def send(self, command):
        self.socket.sendall(f"+${command}#{sum(command.encode()) % 256:02x}".encode())

    def receive(self):
        """The next packet."""
        data = b""
        while data.count(b"#") == 0 or len(data.partition(b"#")[2]) < 2:
            part = self.socket.recv(4096)
            assert part, "gdbserver has gone"
            data += part
        return data.partition(b"$")[2].partition(b"#")[0].decode()


@needs("gdbserver")
def test_gdbserver_holds_a_handler_until_a_debugger_lets_it_run(start):
    emulator = start(arguments=["--wrap", "gdbserver --once 127.0.0.1:0"])
    client = emulator.connect()
    client.send("hello")
    debugger = Debugger(int(emulator.wait_log(r"echo init \| Listening on port (\d+)")[1]))
    debugger.send("?")
    assert debugger.receive().startswith("T05")
    move_clock(emulator, "9m")
    debugger.send("c")
    assert client.receive() == "hello"
