"""`memorySize`: what happens to a handler that takes more."""

import json
import re

import harness
import pytest

pytestmark = pytest.mark.skipif(harness.SANITIZED, reason="a sanitizer needs memory of its own, so nothing is limited")

INTERNAL_ERROR = "Internal server error"


def sandbox(handler, **members):
    return {"plugin": harness.plugin("sandbox"), "handler": handler, **members}


def test_an_environment_over_its_memory_is_killed_and_the_log_says_why(start):
    emulator = start(harness.api({"$default": "f"}, {"f": sandbox("keep")}))
    client = emulator.connect()
    assert client.ask("80") == "kept"
    assert json.loads(client.ask("80"))["message"] == INTERNAL_ERROR
    emulator.wait_log(
        r"error function: f: Runtime exited with error: signal: killed, "
        r"it had more memory in use than its 128 MB \(raise memorySize"
    )
    emulator.wait_log(r"Runtime\.OutOfMemory: RequestId: \S+ Error: Runtime exited with error: signal: killed")
    assert client.ask("80") == "kept", "a new environment takes the next message"


def test_memory_is_watched_while_a_handler_runs(start):
    emulator = start(harness.api({"$default": "f"}, {"f": sandbox("devour", timeout=900)}))
    client = emulator.connect()
    assert json.loads(client.ask("x"))["message"] == INTERNAL_ERROR
    emulator.wait_log(r"more memory in use than its 128 MB")


def test_memory_that_was_freed_again_in_time_is_reported_and_forgiven(start, tmp_path):
    logs = ("--logs", str(tmp_path / "logs"))
    emulator = start(harness.api({"$default": "f"}, {"f": sandbox("burst", memorySize=512)}), arguments=logs)
    client = emulator.connect()
    assert client.ask("200") == "freed"
    assert client.ask("0") == "freed"
    emulator.stop()
    (path,) = [path for path in (tmp_path / "logs").rglob("*") if path.is_file()]
    used = [int(mb) for mb in re.findall(r"Memory Size: 512 MB\tMax Memory Used: (\d+) MB", path.read_text())]
    assert 200 <= used[0] <= 260
    assert used[1] >= used[0], "it is the most that the environment has ever used, as on Lambda"


def test_memory_that_is_not_to_be_had_is_no_pointer(start):
    client = start(harness.api({"$default": "f"}, {"f": sandbox("ask")})).connect()
    assert client.ask("100") == "memory"
    assert client.ask("3000") == "NULL"


def test_the_limit_is_the_functions_own(start):
    client = start(harness.api({"$default": "f"}, {"f": sandbox("keep", memorySize=512)})).connect()
    assert client.ask("400") == "kept"
    assert json.loads(client.ask("120"))["message"] == INTERNAL_ERROR


def test_an_init_over_the_limit_fails_with_its_own_type(start):
    function = sandbox("folder", environment={"INIT_MB": "150"})
    emulator = start(harness.api({"$default": "f"}, {"f": function}))
    assert json.loads(emulator.connect().ask("x"))["message"] == INTERNAL_ERROR
    emulator.wait_log(r"no environment could be started: Runtime\.OutOfMemory: .*more memory in use than its 128 MB")


def test_stacks_of_threads_do_not_count(start):
    emulator = start(harness.api({"$default": "f"}, {"f": sandbox("threads")}))
    client = emulator.connect()
    for _ in range(3):
        assert client.ask("60") == "60"
