"""What an environment has of the emulator, and what is left of it when one of the two ends."""

import os
import pathlib
import re
import signal

import harness
import pytest

SANDBOX = harness.plugin("sandbox")


def sandbox(handler, **members):
    return {"plugin": SANDBOX, "handler": handler, **members}


def is_alive(pid):
    """A zombie is not: whoever should reap it is not ours."""
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


def wait_dead(*pids):
    harness.until(lambda: not any(map(is_alive, pids)), f"the processes {pids} are gone")


def test_a_handler_has_its_channel_and_its_standard_streams_and_no_other_descriptor(start):
    emulator = start(harness.api({"$default": "f"}, {"f": sandbox("descriptors")}))
    for _ in range(3):
        emulator.connect()
    lines = emulator.connect().ask("x").splitlines()
    descriptors = [line.split(" ", 1) for line in lines]
    assert [number for number, _ in descriptors] == ["0", "1", "2", "3", "4", "5"]
    targets = [re.sub(r"\[\d+\]", "", target) for _, target in descriptors]
    assert targets[0] == "/dev/null"
    assert targets[1].startswith("pipe:") and targets[1] == targets[2]
    assert targets[3].startswith("/memfd:apigw-channel")
    assert targets[4].startswith("anon_inode:")
    assert targets[5].startswith("/memfd:") and "sandbox" in targets[5]


# Everything that a handler finds in its environment. What a sanitizer needs to be told comes through as well.
VARIABLES = {
    "_HANDLER": "variables",
    "_X_AMZN_TRACE_ID": r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0",
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_SESSION_TOKEN": "local",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_LAMBDA_FUNCTION_NAME": "f",
    "AWS_LAMBDA_FUNCTION_VERSION": r"\$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
    "AWS_LAMBDA_LOG_STREAM_NAME": r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}",
    "AWS_LAMBDA_RUNTIME_API": r"169\.254\.100\.1:9001",
    "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
    "AWS_XRAY_DAEMON_ADDRESS": r"169\.254\.100\.1:2000",
    "_AWS_XRAY_DAEMON_ADDRESS": r"169\.254\.100\.1",
    "_AWS_XRAY_DAEMON_PORT": r"20{3}",
    "LAMBDA_TASK_ROOT": re.escape(str(pathlib.Path(SANDBOX).parent)),
    "LAMBDA_RUNTIME_DIR": "/var/runtime",
    "LANG": r"en_US\.UTF-8",
    "TZ": ":UTC",
    "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    "LD_LIBRARY_PATH": re.escape("{0}:{0}/lib".format(pathlib.Path(SANDBOX).parent)),
    "PWD": re.escape(str(pathlib.Path(SANDBOX).parent)),
    "SHLVL": "0",
    "APIGW_STORE": r"/.*/\.apigw/[a-z.]+",
    "NODE_EXTRA_CA_CERTS": r"/.*\.pem",
    "AWS_CA_BUNDLE": r"/.*\.pem",
    "SSL_CERT_FILE": r"/.*\.pem",
    "REQUESTS_CA_BUNDLE": r"/.*\.pem",
    "APIGW_WEBSOCKET_URL": r"ws://127\.0\.0\.1:\d+/dev",
}


def test_the_environment_is_lambdas_and_nothing_of_the_developers(start):
    own = {"SECRET_OF_THE_DEVELOPER": "x", "HOME": "/root", "LD_LIBRARY_PATH": None, "LD_PRELOAD": None, "CURL_CA_BUNDLE": None}
    emulator = start(harness.api({"$default": "f"}, {"f": sandbox("variables")}), env=own)
    lines = emulator.connect().ask("x").splitlines()
    found = dict(line.split("=", 1) for line in lines)
    found = {name: value for name, value in found.items() if not name.endswith("SAN_OPTIONS")}
    assert sorted(found) == sorted(VARIABLES)
    for name, pattern in VARIABLES.items():
        assert re.fullmatch(pattern, found[name]), name


def test_each_invocation_has_a_trace_id_of_its_own(start):
    client = start(harness.api({"$default": "env"})).connect()
    ids = {client.ask("_X_AMZN_TRACE_ID") for _ in range(5)}
    assert len(ids) == 5


def test_the_working_directory_is_the_task_root(start):
    client = start(harness.api({"$default": "f"}, {"f": sandbox("folder")})).connect()
    assert client.ask("x") == str(pathlib.Path(SANDBOX).parent)


def test_environments_die_with_an_emulator_that_is_killed(gate, tmp_path):
    functions = {"f": gate.function(timeout=900), "echo": {"provisioned": 3}}
    emulator = harness.Emulator(tmp_path, harness.api({"echo": "echo", "$default": "f"}, functions))
    emulator.connect().ask('{"action":"echo"}')
    emulator.connect().send("a")
    gate.wait_entered("a")
    harness.until(lambda: len(emulator.hosts()) == 4, "environments are there")
    hosts = emulator.hosts()
    emulator.process.send_signal(signal.SIGKILL)
    emulator.process.wait()
    wait_dead(*hosts)


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_what_a_handler_forked_dies_with_it(tmp_path, signum):
    emulator = harness.Emulator(tmp_path, harness.api({"$default": "f"}, {"f": sandbox("child")}))
    child = int(emulator.connect().ask("x"))
    hosts = emulator.hosts()
    assert is_alive(child)
    emulator.process.send_signal(signum)
    emulator.process.wait(harness.DEADLINE_S)
    wait_dead(child, *hosts)


def test_what_a_handler_forked_dies_with_its_environment(start):
    emulator = start(harness.api({"$default": "f"}, {"f": sandbox("child", idleTimeout=5)}))
    child = int(emulator.connect().ask("x"))
    emulator.advance("6s")
    wait_dead(child)


def test_environments_that_end_leave_no_process_and_no_descriptor(start):
    routes = {name: name for name in ("crash", "exit0", "exit3", "abort", "fail", "scribble", "close_fds")}
    emulator = start(harness.api({**routes, "$default": "echo"}))
    client = emulator.connect()
    client.ask("x")
    hosts, before = emulator.hosts(), emulator.descriptors()
    for _ in range(3):
        for name in routes:
            client.ask(f'{{"action":"{name}"}}')
    # echo's, that of fail, which only fails, and that of close_fds, which ends when it has to ring the next time
    harness.until(lambda: len(emulator.hosts()) <= 3, "all others have ended")
    assert hosts[0] in emulator.hosts()
    assert all(map(is_alive, emulator.hosts())), "no zombie is left"
    of_two = 2 * 4  # channel, doorbell, output and process
    harness.until(lambda: emulator.descriptors() <= before + of_two, "their descriptors are closed")


def test_no_shared_memory_is_left_in_the_file_system(start):
    def shared():
        return {name for name in os.listdir("/dev/shm") if "apigw" in name}

    before = shared()
    emulator = start()
    emulator.connect().ask("x")
    assert shared() <= before
