"""`apigw invoke`: one invocation without serving."""

import json
import os
import pathlib
import re
import signal
import subprocess

import harness
import pytest

HANDLERS = {
    name: {} for name in ("echo", "event", "print", "fail", "hang", "crash", "respond_none", "post_self", "get", "env", "pid")
}


@pytest.fixture
def folder(tmp_path):
    write(tmp_path, harness.api(functions=HANDLERS))
    return tmp_path


def write(folder, config):
    (folder / "routes.json").write_text(json.dumps(config))


def invoke(folder, *arguments, event=None):
    return subprocess.run(
        [str(harness.PROGRAM), "invoke", *map(str, arguments)],
        cwd=folder,
        input=json.dumps(event) if event is not None and not isinstance(event, (str, bytes)) else event,
        stdin=subprocess.DEVNULL if event is None else None,
        capture_output=True,
        text=not isinstance(event, bytes),
        timeout=60,
        check=False,
    )


def message(body):
    return {"requestContext": {"eventType": "MESSAGE", "connectionId": "AAAAAAAAAAAAAAA="}, "body": body}


def run(folder, function, event=None):
    arguments = ["routes.json", function] + ([] if event is None else ["--event", "-"])
    return invoke(folder, *arguments, event=event)


# ---- success ----


def test_a_handler_finds_the_collections_of_the_configuration(tmp_path):
    store = {"plugin": harness.plugin("collections_suite"), "handler": "collections"}
    write(tmp_path, harness.api({}, {"store": store}))
    order = json.dumps({"do": "set", "id": "anna", "content": {"room": "lobby"}})
    assert run(tmp_path, "store", message(order)).returncode == 0
    assert json.loads(harness.run("collections", "routes.json", "things", "anna", cwd=tmp_path).stdout)["content"] == {"room": "lobby"}


def test_the_result_is_on_standard_output_and_the_rest_on_standard_error(folder):
    result = run(folder, "print", message("x"))
    assert (result.returncode, result.stdout) == (0, '{"statusCode":200,"body":"printed"}\n')
    assert re.search(r"^\S+ print \S+ \| stdout x$", result.stderr, re.MULTILINE)
    assert re.search(
        r"print: succeeded: duration \d+\.\d\d ms, init \d+\.\d\d ms, max memory used \d+ MB of 128 MB; \d+\.\d\d ms in all req=",
        result.stderr,
    )


def test_an_event_of_apigw_event_goes_in_by_a_pipe(folder):
    command = '"$APIGW" event message --body hi | "$APIGW" invoke routes.json echo --event -'
    result = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=harness.environment({"APIGW": str(harness.PROGRAM)}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (result.returncode, result.stdout) == (0, '{"statusCode":200,"body":"hi"}\n')


def test_without_an_event_a_message_is_sent(folder):
    assert json.loads(run(folder, "echo").stdout)["body"] == "hello"
    context = json.loads(json.loads(run(folder, "event").stdout)["body"])["requestContext"]
    assert (context["eventType"], context["stage"], context["routeKey"]) == ("MESSAGE", "dev", "$default")


def test_an_event_can_be_in_a_file(folder):
    (folder / "event.json").write_text(json.dumps(message("from a file")))
    assert json.loads(invoke(folder, "routes.json", "echo", "--event", "event.json").stdout)["body"] == "from a file"


def test_any_json_is_an_event(folder):
    assert json.loads(run(folder, "echo", "[1, 2]").stdout) == {"statusCode": 200}
    assert run(folder, "respond_none", " 5 ").stdout == "null\n"


def test_the_only_function_need_not_be_named(tmp_path):
    write(tmp_path, {**harness.api(), "functions": {"one": harness.suite_function("echo")}, "routes": {"$default": {"function": "one"}}})
    assert json.loads(invoke(tmp_path, "routes.json").stdout)["body"] == "hello"


def test_a_function_has_its_environment(folder):
    write(folder, harness.api(functions={"env": {"environment": {"COLOUR": "green"}}}))
    assert json.loads(run(folder, "env", message("COLOUR")).stdout)["body"] == "green"
    assert json.loads(run(folder, "env", message("AWS_LAMBDA_FUNCTION_NAME")).stdout)["body"] == "env"


def test_fini_is_called(folder, tmp_path):
    write(folder, harness.api(functions={"echo": {"environment": {"FINI_FILE": str(tmp_path / "fini")}}}))
    assert run(folder, "echo").returncode == 0
    assert (tmp_path / "fini").read_text() == "fini\n"


def test_the_log_can_have_lambdas_lines(folder):
    result = invoke(folder, "routes.json", "print", "--log-level", "debug")
    for line in ("START RequestId: ", "END RequestId: ", "REPORT RequestId: "):
        assert line in result.stderr


def test_the_log_can_be_json(folder):
    result = invoke(folder, "routes.json", "print", "--log-format", "json")
    messages = [json.loads(line)["message"] for line in result.stderr.splitlines()]
    assert "stdout hello" in messages


# ---- failure ----


def test_a_failure_is_a_result_and_an_exit_status(folder):
    result = run(folder, "fail", message("broken"))
    assert (result.returncode, result.stdout) == (1, '{"errorType":"SuiteError","errorMessage":"broken"}\n')
    assert "fail: failed: duration" in result.stderr


def test_a_timeout_is_one(folder):
    write(folder, harness.api(functions={"hang": {"timeout": 1}}))
    result = run(folder, "hang")
    assert result.returncode == 1
    answer = json.loads(result.stdout)
    assert answer["errorType"] == "Sandbox.Timedout"
    assert answer["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")


@pytest.mark.skipif(harness.SANITIZED, reason="a sanitizer reports a fault in its own words")
def test_a_crash_is_one(folder):
    result = run(folder, "crash")
    assert result.returncode == 1
    assert "signal: segmentation fault" in json.loads(result.stdout)["errorMessage"]


@pytest.mark.parametrize("name", ["init_fails", "init_crashes"])
def test_a_plugin_that_does_not_start_is_one(tmp_path, name):
    config = harness.api()
    config["functions"]["broken"] = {"plugin": harness.plugin(name), "handler": name}
    write(tmp_path, config)
    result = run(tmp_path, "broken")
    assert result.returncode == 1
    assert json.loads(result.stdout)["errorType"]


# ---- nobody is connected ----


def test_a_post_finds_nobody_and_the_log_says_why(folder):
    result = run(folder, "post_self", message("x"))
    assert (result.returncode, json.loads(result.stdout)["body"]) == (0, "-410")
    assert "nobody is connected: 'apigw invoke' serves no clients, so every connection is gone (410)" in result.stderr


def test_a_look_up_of_a_wrong_id_is_a_400_as_when_served(folder):
    result = run(folder, "get", message("short"))
    assert json.loads(json.loads(result.stdout)["body"])["result"] == -400
    assert "rule=connection-id-invalid" in result.stderr


# ---- what is wrong ----


def refusal(folder, *arguments, event=None):
    result = invoke(folder, *arguments, event=event)
    assert (result.returncode, result.stdout or None) == (2, None)
    return result.stderr.splitlines()[0].removeprefix("apigw invoke: ")


def test_a_function_that_there_is_not_is_explained(folder):
    assert refusal(folder, "routes.json", "ecko") == "there is no function 'ecko' in routes.json; did you mean 'echo'?"
    assert refusal(folder, "routes.json", "zzzzzz").startswith("there is no function 'zzzzzz' in routes.json: there are ")
    assert refusal(folder, "routes.json").startswith("which function? There are event, ")


@pytest.mark.parametrize(
    "event,place",
    [("{'a'}", "1:2: expected"), ('{"a":1,\n "b":x}', "2:6: "), ("", "1:1: "), ('{"a":1} {}', "1:9: ")],
)
def test_the_place_where_an_event_is_not_json_is_told(folder, event, place):
    why = refusal(folder, "routes.json", "echo", "--event", "-", event=event)
    assert why.startswith(f"the event is not JSON: standard input:{place}")


def test_an_event_that_is_not_utf8_is_refused(folder):
    (folder / "event.json").write_bytes(b'{"a":"\xff"}')
    why = refusal(folder, "routes.json", "echo", "--event", "event.json")
    assert why == "the event is not JSON: event.json:1:7: a byte that is not UTF-8"


def test_an_event_has_at_most_6_mb(folder):
    (folder / "event.json").write_bytes(b'"' + b"x" * 6291455 + b'"')
    why = refusal(folder, "routes.json", "echo", "--event", "event.json")
    assert why == "--event: event.json has more than 6291456 bytes"


@pytest.mark.parametrize(
    "arguments,why",
    [
        ([], "which CONFIG, and which FUNCTION of it?"),
        (["routes.json", "echo", "x"], "'x' is one argument too many"),
        (["routes.json", "echo", "--event"], "--event needs a value"),
        (["routes.json", "echo", "--port", "1"], "there is no option '--port'"),
        (["routes.json", "echo", "--event", "missing"], "--event: missing: No such file or directory"),
        (["routes.json", "echo", "--log-level", "x"], "--log-level takes error, warn, info or debug, not 'x'"),
    ],
)
def test_a_wrong_command_line_is_explained(folder, arguments, why):
    assert refusal(folder, *arguments) == why


def test_an_error_in_the_configuration_is_shown(folder):
    (folder / "routes.json").write_text("{")
    result = invoke(folder, "routes.json", "echo")
    assert result.returncode == 2
    assert "routes.json:1:" in result.stderr


# ---- what is left ----


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_handler_too(folder, gate, signum):
    config = harness.api()
    config["functions"]["gate"] = gate.function(timeout=900)
    write(folder, config)
    (folder / "event.json").write_text(json.dumps(message("one")))
    with subprocess.Popen(
        [str(harness.PROGRAM), "invoke", "routes.json", "gate", "--event", "event.json"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        gate.wait_entered("one")
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.send_signal(signum)
        output, _ = process.communicate(timeout=harness.DEADLINE_S)
    assert process.returncode == 1
    assert json.loads(output)["errorMessage"] == "the emulator is stopping"
    assert len(children) == 1
    harness.until(lambda: not os.path.exists(f"/proc/{children[0]}"), "the handler's process has gone")
