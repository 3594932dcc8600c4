"""`apigw run`: where it serves, and the ready file that says so."""

import json
import os
import signal

import harness
import pytest
import wire

SECURE = ["secureWebsocket", "secureConnections", "caCertificate"]


def test_the_ready_file_says_where_to_connect(emulator):
    port = emulator.port
    api_id = json.loads(emulator.connect().ask('{"action":"whoami"}'))["requestContext"]["apiId"]
    assert emulator.ready == {
        "pid": emulator.process.pid,
        "port": port,
        "websocket": f"ws://127.0.0.1:{port}/dev",
        "connections": f"http://127.0.0.1:{port}/dev/@connections",
        "secureWebsocket": f"wss://127.0.0.1:{port}/dev",
        "secureConnections": f"https://127.0.0.1:{port}/dev/@connections",
        "caCertificate": os.environ["APIGW_CA_DIR"] + "/ca.pem",
        "apis": [
            {
                "name": "test",
                "apiId": api_id,
                "host": f"{api_id}.execute-api.us-east-1.localhost:{port}",
                "stages": [
                    {
                        "name": "dev",
                        "websocket": f"ws://127.0.0.1:{port}/dev",
                        "connections": f"http://127.0.0.1:{port}/dev/@connections",
                    }
                ],
                "domains": [],
            }
        ],
    }


def test_the_ready_file_is_one_line_of_json_with_its_members_in_order(emulator):
    text = emulator.ready_path.read_text()
    assert list(json.loads(text)) == ["pid", "port", "websocket", "connections", *SECURE, "apis"]
    assert text.rstrip("\n").count("\n") == 0


def test_the_ready_file_is_put_in_place_whole(emulator):
    left_over = {path.name for path in emulator.folder.iterdir()} - {"routes.json", "ready.json", "log", "banner", "apigw"}
    assert not left_over


def test_a_client_can_connect_as_soon_as_the_ready_file_is_there(start):
    emulator = start()
    assert emulator.connect().ask("hello") == "hello"


def test_port_0_takes_a_free_port_each_time(start):
    first, second = start(), start()
    assert first.port != second.port
    assert first.connect().ask("one") == "one"
    assert second.connect().ask("two") == "two"


def test_without_a_path_routes_json_of_the_current_folder_is_served(tmp_path, start):
    emulator = start(harness.api(name="here"))
    assert emulator.process.args[2] == "routes.json"  # the harness names it; the next test leaves it out
    folder = tmp_path / "bare"
    folder.mkdir()
    (folder / "routes.json").write_text(json.dumps(harness.api()))
    result = harness.run("exec", "--", "true", cwd=folder)
    assert result.returncode == 0, result.stderr


def test_a_config_in_another_folder_finds_plugins_beside_itself(tmp_path, start):
    config = harness.api()
    for function in config["functions"].values():
        function["plugin"] = "handler_suite.so"
    folder = tmp_path / "api"
    folder.mkdir()
    (folder / "handler_suite.so").symlink_to(harness.SUITE)
    emulator = start(config, folder=folder)
    assert emulator.connect().ask("hello") == "hello"


def test_the_log_says_where_it_serves(emulator):
    emulator.wait_log(f"ws://127.0.0.1:{emulator.port}/dev")


def test_only_the_given_host_is_listened_on(start):
    emulator = start(arguments=["--host", "127.0.0.2"])
    assert emulator.ready["websocket"] == f"ws://127.0.0.2:{emulator.port}/dev"
    with pytest.raises(ConnectionRefusedError):
        wire.Stream(("127.0.0.1", emulator.port))
    client = wire.Client(("127.0.0.2", emulator.port), "/dev")
    assert client.ask("hello") == "hello"


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_status_0(start, signum):
    emulator = start()
    assert emulator.stop(signum) == 0


WRONG_ARGUMENTS = [["--port", str(2**16)], ["--port", "x"], ["--nonsense"], ["--ready-file"]]


@pytest.mark.parametrize("arguments", WRONG_ARGUMENTS)
def test_a_wrong_argument_ends_it_with_status_2(tmp_path, arguments):
    (tmp_path / "routes.json").write_text(json.dumps(harness.api()))
    result = harness.run("run", *arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert arguments[0].lstrip("-") in result.stderr


def test_a_broken_config_is_shown_and_nothing_is_served(tmp_path):
    (tmp_path / "routes.json").write_text('{"name": 1}')
    result = harness.run("run", "--port", "0", "--ready-file", "ready.json", cwd=tmp_path)
    assert result.returncode == 2
    assert "routes.json:1:" in result.stdout + result.stderr
    assert not (tmp_path / "ready.json").exists()
