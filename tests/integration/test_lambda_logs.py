"""Log streams as on Lambda: `--logs DIR`, byte for byte but for ids and figures."""

import json
import pathlib
import re
import sys

import harness
import pytest

REQUEST_ID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
STREAM = r"\d{4}/\d{2}/\d{2}/\[\$LATEST\][0-9a-f]{32}"

# What stands in the place of ids and figures, so that all else is compared.
FIGURES = [
    (REQUEST_ID, "<id>"),
    (r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z", "<time>"),
    (r"runtime:[0-9a-f]{64}", "runtime:<hash>"),
    (r"Duration: \d+\.\d{2} ms", "Duration: <n> ms"),
    (r"Billed Duration: \d+ ms", "Billed Duration: <n> ms"),
    (r"Max Memory Used: \d+ MB", "Max Memory Used: <n> MB"),
]

INIT_START = (
    "INIT_START Runtime Version: provided:al2023.v1\t"
    "Runtime Version ARN: arn:aws:lambda:us-east-1::runtime:<hash>\n"
)
START = "START RequestId: <id> Version: $LATEST\n"
END = "END RequestId: <id>\n"
REPORT = (
    "REPORT RequestId: <id>\tDuration: <n> ms\tBilled Duration: <n> ms\t"
    "Memory Size: 128 MB\tMax Memory Used: <n> MB\t"
)
COLD = "Init Duration: <n> ms\t"


def without_figures(text):
    for pattern, mark in FIGURES:
        text = re.sub(pattern, mark, text)
    return text


def streams(folder, function):
    """The log streams of a function, oldest first."""
    files = [path for path in (folder / "aws" / "lambda" / function).rglob("*") if path.is_file()]
    return sorted(files, key=lambda path: path.stat().st_mtime_ns)


def stream_text(folder, function, lines_end):
    """The text of the function's only stream, once it ends in `lines_end`, without ids and figures."""

    def whole():
        (path,) = streams(folder, function) or [None]
        text = without_figures(path.read_text()) if path else ""
        return text if text.endswith(lines_end) else None

    return harness.until(whole, f"a log stream of {function} that ends in {lines_end!r}")


@pytest.fixture
def serve(start, tmp_path):
    def serve_one(routes, functions=None, arguments=()):
        config = harness.api(routes, functions)
        return start(config, arguments=("--logs", str(tmp_path / "logs"), *arguments))

    return serve_one


@pytest.fixture
def logs(tmp_path):
    return tmp_path / "logs"


def test_what_is_printed_stands_between_start_and_end(serve, logs):
    client = serve({"$default": "print"}).connect()
    assert client.ask("one") == "printed"
    assert client.ask("two") == "printed"
    text = stream_text(logs, "print", REPORT + "\n")
    cold, warm = text.removeprefix(INIT_START).split(END + REPORT + COLD + "\n")
    printed = ["stdout {}", "stderr {}", "raw stdout {}", "raw stderr {}", "two pieces {}", "WARN logged",
               "stdout without newline {}", "stderr without newline {}"]
    for part, word in ((cold, "one"), (warm.removesuffix(END + REPORT + "\n"), "two")):
        first, *lines = part.splitlines(keepends=True)
        assert first == START
        assert sorted(lines) == sorted(line.format(word) + "\n" for line in printed)


def test_an_invocation_that_says_nothing_has_three_lines(serve, logs):
    client = serve({"$default": "echo"}).connect()
    client.ask("x")
    client.ask("y")
    text = stream_text(logs, "echo", REPORT + "\n")
    assert text == INIT_START + START + END + REPORT + COLD + "\n" + START + END + REPORT + "\n"


def test_the_stream_has_the_name_that_the_handler_is_told(serve, logs):
    client = serve({"$default": "env"}).connect()
    name = client.ask("AWS_LAMBDA_LOG_STREAM_NAME")
    assert re.fullmatch(STREAM, name)
    assert client.ask("AWS_LAMBDA_LOG_GROUP_NAME") == "/aws/lambda/env"
    path = logs / "aws" / "lambda" / "env" / name
    harness.until(path.exists, "the log stream's file is there")


def test_the_request_id_is_the_handlers_in_each_line(serve, logs):
    client = serve({"$default": "request_id"}).connect()
    request_id = client.ask("x")
    stream_text(logs, "request_id", REPORT + COLD + "\n")
    (path,) = streams(logs, "request_id")
    _, *lines = path.read_text().splitlines()
    assert [re.search(f"RequestId: ({REQUEST_ID})", line).group(1) for line in lines] == [request_id] * 3


def test_durations_are_those_of_the_handler(serve, logs):
    client = serve({"$default": "sleep_ms"}).connect()
    client.ask("120")
    stream_text(logs, "sleep_ms", REPORT + COLD + "\n")
    (path,) = streams(logs, "sleep_ms")
    match = re.search(r"\tDuration: (\d+\.\d\d) ms\tBilled Duration: (\d+) ms\t", path.read_text())
    duration, billed = float(match.group(1)), int(match.group(2))
    assert 120 <= duration < 3000
    assert duration <= billed <= duration + 1.01


# Not Lambda's: what a fault was, and where.
BACKTRACE = re.compile(r"^(signal: .*| {4}#\d+ .*)\n", re.MULTILINE)

FAILURES = [
    ("crash", "RequestId: <id> Error: Runtime exited with error: signal: segmentation fault\nRuntime.ExitError\n",
     "Runtime.ExitError"),
    ("abort", "RequestId: <id> Error: Runtime exited with error: signal: aborted\nRuntime.ExitError\n",
     "Runtime.ExitError"),
    ("exit0", "RequestId: <id> Error: Runtime exited without providing a reason\nRuntime.ExitError\n",
     "Runtime.ExitError"),
    ("exit3", "RequestId: <id> Error: Runtime exited with error: exit status 3\nRuntime.ExitError\n",
     "Runtime.ExitError"),
    ("fail", "[ERROR] SuiteError: the body\n", "Function.Unknown"),
    ("error", "[ERROR] Runtime.HandlerError: handler returned 1\n", "Runtime.HandlerError"),
]


@pytest.mark.parametrize(("handler", "lines", "error_type"), FAILURES, ids=[row[0] for row in FAILURES])
def test_a_failure_is_told_before_end_and_in_the_report(serve, logs, handler, lines, error_type):
    client = serve({"$default": handler}).connect()
    assert json.loads(client.ask("the body"))["message"] == "Internal server error"
    status = f"Status: error\tError Type: {error_type}\n"
    text = stream_text(logs, handler, status).replace(" (core dumped)", "")
    text = BACKTRACE.sub("", text)
    assert text == INIT_START + START + lines + END + REPORT + COLD + status


def test_a_timeout_has_a_line_and_a_status(serve, logs):
    emulator = serve({"$default": "hang"}, {"hang": {"timeout": 5}})
    client = emulator.connect()
    client.send("x")
    emulator.wait_log("hanging")
    emulator.advance("6s")
    emulator.wait_log("timed out")
    text = stream_text(logs, "hang", "Status: timeout\n")
    assert text == (
        INIT_START + START + "INFO hanging\n<time> <id> Task timed out after 5.00 seconds\n" + END + REPORT + COLD + "Status: timeout\n"
    )
    (path,) = streams(logs, "hang")
    assert "\tDuration: 5000.00 ms\tBilled Duration: 5000 ms\t" in path.read_text()


INITS = [
    ({"INIT_END": "exit"}, "RequestId: <id> Error: Runtime exited with error: exit status 4\nRuntime.ExitError\n",
     "Runtime.ExitError", "Runtime.ExitError"),
    ({"INIT_END": "fail"}, f"[ERROR] TableMissing: {harness.plugin('sandbox')}: no table\n",
     "Runtime.Unknown", "Function.Unknown"),
]


@pytest.mark.parametrize(("variables", "lines", "init_type", "error_type"), INITS, ids=["exit", "fail"])
def test_an_init_that_fails_has_a_report_of_its_own(serve, logs, variables, lines, init_type, error_type):
    sandbox = {"plugin": harness.plugin("sandbox"), "handler": "folder", "environment": variables}
    client = serve({"$default": "f"}, {"f": sandbox}).connect()
    assert json.loads(client.ask("x"))["message"] == "Internal server error"
    status = f"Status: error\tError Type: {error_type}\n"
    assert stream_text(logs, "f", REPORT + status) == (
        INIT_START + f"INIT_REPORT Init Duration: <n> ms\tPhase: init\tStatus: error\tError Type: {init_type}\n"
        + START + lines + END + REPORT + status
    )


def test_an_init_that_hangs_is_a_timeout_after_ten_seconds(serve, logs):
    function = {"plugin": harness.plugin("init_hangs"), "handler": "init_hangs"}
    emulator = serve({"$default": "f"}, {"f": function})
    client = emulator.connect()
    client.send("x")
    harness.until(emulator.hosts, "an environment starts")
    emulator.advance("11s")
    assert json.loads(client.receive())["message"] == "Internal server error"
    text = stream_text(logs, "f", "\n")
    assert "INIT_REPORT Init Duration: <n> ms\tPhase: init\tStatus: timeout\n" in text
    (path,) = streams(logs, "f")
    assert "Init Duration: 10000.00 ms\t" in path.read_text()


def test_what_init_prints_stands_before_the_first_start(serve, logs):
    client = serve({"$default": "init_prints"}, {"init_prints": {"plugin": harness.plugin("init_prints")}}).connect()
    client.ask("x")
    text = stream_text(logs, "init_prints", COLD + "\n")
    assert text.startswith(INIT_START + "from init\n" + START)


def test_each_environment_has_a_stream(serve, logs):
    client = serve({"$default": "exit3"}).connect()
    client.ask("x")
    client.ask("y")
    harness.until(lambda: len(streams(logs, "exit3")) == 2, "there are two streams")


def test_every_message_of_a_load_is_there_when_it_has_ended(serve, logs):
    emulator = serve({"$default": "echo"})
    client = emulator.connect()
    for number in range(3000):
        client.send(str(number))
    for _ in range(3000):
        client.receive()
    assert emulator.stop() == 0
    texts = [path.read_text() for path in streams(logs, "echo")]
    for word in ("START RequestId: ", "END RequestId: ", "REPORT RequestId: "):
        ids = [match for text in texts for match in re.findall(f"^{word}({REQUEST_ID})", text, re.MULTILINE)]
        assert len(ids) == len(set(ids)) == 3000


def test_without_logs_nothing_is_written_and_the_terminal_has_lambdas_lines_at_debug_alone(start, tmp_path):
    for level, there in (("info", False), ("debug", True)):
        emulator = start(harness.api({"$default": "echo"}), arguments=("--log-level", level))
        emulator.connect().ask("x")
        emulator.stop()
        assert (" | START RequestId: " in emulator.log) is there
        assert (" | REPORT RequestId: " in emulator.log) is there
        assert not list(pathlib.Path(emulator.folder).rglob("aws"))


def test_exec_writes_logs_too(tmp_path):
    (tmp_path / "routes.json").write_text(json.dumps(harness.api({"$default": "echo"})))
    script = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); import urllib.parse, wire;"
        "url = urllib.parse.urlsplit(os.environ['APIGW_WEBSOCKET_URL']);"
        "wire.Client((url.hostname, url.port), url.path).ask('x')"
    )
    folder = str(pathlib.Path(harness.__file__).parent)
    result = harness.run("exec", "--logs", "deep/logs", "routes.json", "--", sys.executable, "-c", script, folder,
                         cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    (path,) = streams(tmp_path / "deep" / "logs", "echo")
    assert without_figures(path.read_text()) == INIT_START + START + END + REPORT + COLD + "\n"


def test_a_folder_that_cannot_be_written_is_one_clear_sentence(tmp_path):
    (tmp_path / "routes.json").write_text(json.dumps(harness.api()))
    (tmp_path / "file").touch()
    result = harness.run("run", "--port", "0", "--logs", "file/logs", cwd=tmp_path)
    assert result.returncode == 1
    assert "logs cannot be written to file/logs: Not a directory" in result.stderr
