"""When the machine does not play along."""

import json
import os
import resource
import shutil
import socket

import harness
import pytest
import wire


def test_a_port_in_use_is_one_clear_sentence(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (tmp_path / "routes.json").write_text(json.dumps(harness.api()))
        result = harness.run("run", "--port", port, "--ready-file", "ready.json", cwd=tmp_path)
    assert result.returncode == 1
    assert str(port) in result.stderr
    assert "in use" in result.stderr
    assert not (tmp_path / "ready.json").exists()


def test_a_host_that_is_not_ours_is_one_clear_sentence(tmp_path):
    (tmp_path / "routes.json").write_text(json.dumps(harness.api()))
    result = harness.run("run", "--host", "192.0.2.1", "--port", "0", cwd=tmp_path)
    assert result.returncode == 1
    assert "192.0.2.1" in result.stderr


def test_a_config_that_is_not_there_is_named(tmp_path):
    result = harness.run("run", "nowhere.json", "--port", "0", cwd=tmp_path)
    assert result.returncode == 2
    assert "nowhere.json" in result.stdout + result.stderr


def test_a_config_that_is_a_folder_is_named(tmp_path):
    (tmp_path / "routes.json").mkdir()
    result = harness.run("run", "--port", "0", cwd=tmp_path)
    assert result.returncode == 2
    assert "routes.json" in result.stdout + result.stderr


def test_a_ready_file_that_cannot_be_written_ends_it(tmp_path):
    (tmp_path / "routes.json").write_text(json.dumps(harness.api()))
    result = harness.run("run", "--port", "0", "--ready-file", "no/such/folder/ready.json", cwd=tmp_path)
    assert result.returncode == 1
    assert "no/such/folder/ready.json" in result.stderr


def test_a_missing_plugin_is_shown_with_its_place(tmp_path):
    config = harness.api()
    config["functions"]["echo"]["plugin"] = "missing.so"
    (tmp_path / "routes.json").write_text(json.dumps(config, indent=2))
    result = harness.run("run", "--port", "0", cwd=tmp_path)
    assert result.returncode == 2
    assert "missing.so" in result.stdout + result.stderr


def copy_of_the_program(folder):
    """The emulator without its companion."""
    folder.mkdir()
    return shutil.copy(harness.PROGRAM, folder / "apigw")


def test_without_apigw_host_beside_it_the_emulator_says_so(tmp_path):
    program = copy_of_the_program(tmp_path / "alone")
    (tmp_path / "routes.json").write_text(json.dumps(harness.api()))
    try:
        emulator = harness.Emulator(tmp_path, harness.api(), program=program)
    except AssertionError as failed_to_start:
        assert "apigw-host" in str(failed_to_start)
        return
    client = emulator.connect()
    assert json.loads(client.ask("x"))["message"] == "Internal server error"
    emulator.wait_log("apigw-host")
    emulator.finish()


def test_a_plugin_that_is_deleted_while_it_is_served_fails_or_works_but_harms_nothing(start, tmp_path):
    copy = shutil.copy(harness.SUITE, tmp_path / "copy.so")
    config = harness.api({"$default": "echo", "other": {"function": "copied", "routeResponse": True}})
    config["functions"]["copied"] = {"plugin": str(copy), "handler": "echo"}
    emulator = start(config)
    client = emulator.connect()
    message = '{"action":"other"}'
    os.unlink(copy)
    answer = client.ask(message)
    assert answer == message or json.loads(answer)["message"] == "Internal server error"
    if answer != message:
        emulator.wait_log("copy.so")
    assert client.ask("hello") == "hello"


def test_a_plugin_that_is_put_back_works_again(start, tmp_path):
    copy = shutil.copy(harness.SUITE, tmp_path / "copy.so")
    config = harness.api({"$default": {"function": "copied", "routeResponse": True}})
    config["functions"]["copied"] = {"plugin": str(copy), "handler": "echo"}
    emulator = start(config)
    client = emulator.connect()
    os.unlink(copy)
    client.ask("x")
    shutil.copy(harness.SUITE, copy)
    harness.until(lambda: client.ask("x") == "x", "it works again")


def test_when_descriptors_run_out_it_says_so_once_and_serves_on_afterwards(start):
    limit = 64
    emulator = start(preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)))
    first = emulator.connect()
    assert first.ask("before") == "before"
    crowd = [wire.Stream(emulator.address) for _ in range(2 * limit)]
    emulator.wait_log("descriptors-exhausted")
    assert first.ask("meanwhile") == "meanwhile"
    for stream in crowd:
        stream.close()
    assert harness.until(lambda: emulator.connect(timeout=5), "a new client is served").ask("after") == "after"
    assert emulator.log.count("descriptors-exhausted") == 1


@pytest.mark.parametrize("kind", ["reset", "close"])
def test_sockets_that_come_and_go_leave_no_descriptor_behind(emulator, kind):
    emulator.connect().ask("x")
    before = emulator.descriptors()
    for _ in range(100):
        getattr(wire.Stream(emulator.address), kind)()
    for _ in range(50):
        client = emulator.connect()
        getattr(client.stream, kind)()
    for _ in range(50):
        emulator.http("GET", "/dev")
    harness.until(lambda: emulator.descriptors() <= before + 1, "the descriptors are closed")
