"""What a command does not need is not loaded: it would take longer than all else that is done until clients are served."""

import harness

HEAVY = ("libmicrohttpd", "libgnutls", "libsqlite3")


def loaded(emulator):
    """Which of the heavy libraries are in the emulator's process."""
    with open(f"/proc/{emulator.process.pid}/maps", encoding="ascii") as maps:
        text = maps.read()
    return [name for name in HEAVY if name in text]


def test_websockets_alone_load_neither_an_http_server_nor_a_database(start):
    emulator = start(harness.api())
    client = emulator.connect()
    assert client.ask("hello") == "hello"
    assert loaded(emulator) == []


def test_the_first_http_request_loads_the_http_server_and_is_answered(start):
    emulator = start(harness.api())
    assert emulator.get("nobody").status == 400
    assert loaded(emulator) == ["libmicrohttpd", "libgnutls"]
    assert emulator.get("nobody").status == 400
