"""`apigw exec`: serve while one command runs."""

import json
import os
import signal
import subprocess
import sys

import harness
import pytest


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "routes.json").write_text(json.dumps(harness.api(name="exec", stage="prod")))
    return tmp_path


def execute(folder, *command, env=None):
    return harness.run("exec", "routes.json", "--", *command, cwd=folder, env=env)


def printed(folder, *names, env=None):
    """The values of environment variables as the command sees them; None where one is not set."""
    script = "import json, os, sys; print('VALUES ' + json.dumps([os.environ.get(name) for name in sys.argv[1:]]))"
    result = execute(folder, sys.executable, "-c", script, *names, env=env)
    assert result.returncode == 0, result.stderr
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("VALUES ")]
    return json.loads(line[len("VALUES ") :])


def test_the_command_is_told_where_to_connect(folder):
    websocket, endpoint, sdk_endpoint, lambda_endpoint = printed(
        folder,
        "APIGW_WEBSOCKET_URL",
        "APIGW_ENDPOINT",
        "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI",
        "AWS_ENDPOINT_URL_LAMBDA",
    )
    port = websocket.removeprefix("ws://127.0.0.1:").removesuffix("/prod")
    assert port.isdigit()
    assert endpoint == sdk_endpoint == f"http://127.0.0.1:{port}/prod"
    assert lambda_endpoint == f"http://127.0.0.1:{port}"


def test_the_command_can_use_the_api_at_once(folder):
    script = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); import wire, urllib.parse as u;"
        "url = u.urlparse(os.environ['APIGW_WEBSOCKET_URL']);"
        "print(wire.Client((url.hostname, url.port), url.path).ask('ping'))"
    )
    result = execute(folder, sys.executable, "-c", script, os.path.dirname(harness.__file__))
    assert result.returncode == 0, result.stderr
    assert "ping" in result.stdout.splitlines()


def test_credentials_and_region_are_set_where_none_are(folder):
    names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION"]
    assert all(printed(folder, *names, env=dict.fromkeys(names)))


def test_the_users_own_credentials_and_region_stay(folder):
    own = {"AWS_ACCESS_KEY_ID": "AKIDOWN", "AWS_SECRET_ACCESS_KEY": "own", "AWS_REGION": "eu-west-1"}
    assert printed(folder, *own, env=own) == list(own.values())


@pytest.mark.parametrize("status", [0, 1, 42])
def test_the_status_of_the_command_is_passed_on(folder, status):
    assert execute(folder, "sh", "-c", f"exit {status}").returncode == status


def test_a_command_that_dies_of_a_signal_gives_128_and_its_number(folder):
    assert execute(folder, "sh", "-c", "kill -KILL $$").returncode == 128 + signal.SIGKILL


def test_a_command_that_is_not_there_is_an_error(folder):
    result = execute(folder, "no-such-command-anywhere")
    assert result.returncode == 127
    assert "no-such-command-anywhere" in result.stderr


def test_without_a_command_it_ends_with_status_2(folder):
    assert harness.run("exec", "routes.json", cwd=folder).returncode == 2
    assert harness.run("exec", "routes.json", "--", cwd=folder).returncode == 2


def test_what_the_command_prints_is_all_there_is_on_stdout(folder):
    assert execute(folder, "echo", "only this").stdout == "only this\n"


def test_a_signal_to_it_ends_the_command_too(folder):
    process = subprocess.Popen(
        [str(harness.PROGRAM), "exec", "routes.json", "--", "sh", "-c", "echo $$ > pid; exec tail -f /dev/null"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    pid_file = folder / "pid"
    harness.until(lambda: pid_file.exists() and pid_file.read_text().strip(), "the command runs")
    process.send_signal(signal.SIGTERM)
    assert process.wait(harness.DEADLINE_S) == 128 + signal.SIGTERM
    pid = int(pid_file.read_text())
    harness.until(lambda: not os.path.exists(f"/proc/{pid}"), "the command has ended")


def test_a_broken_config_ends_it_before_the_command_runs(folder):
    (folder / "routes.json").write_text("{}")
    result = execute(folder, "touch", "ran")
    assert result.returncode == 2
    assert not (folder / "ran").exists()
