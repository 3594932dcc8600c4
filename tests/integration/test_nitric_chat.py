"""The chat in the shape of Nitric's tutorial: whatever one client sends, the others get."""

import json

import harness
import pytest

SOURCE = harness.ROOT / "plugins" / "nitric-chat"


def configuration():
    config = json.loads((SOURCE / "routes.json").read_text())
    config["functions"]["socket"]["plugin"] = str(harness.BUILD / "plugins" / "nitric_chat.so")
    return config


@pytest.fixture
def chat(start):
    return start(configuration())


def kept(emulator):
    """The ids in the collection."""
    result = harness.run("collections", emulator.config_path, "connections")
    return {json.loads(line)["id"] for line in result.stdout.splitlines()}


def test_the_others_get_a_message_as_it_came(chat):
    ada, bob, cyd = (chat.connect() for _ in range(3))
    ada.send("hello, ünï")
    assert bob.receive() == cyd.receive() == "hello, ünï"
    bob.send('{"action":"whatever"}')
    assert ada.receive() == cyd.receive() == '{"action":"whatever"}'


def test_the_sender_does_not_get_it(chat):
    ada, bob = chat.connect(), chat.connect()
    ada.send("from ada")
    assert bob.receive() == "from ada"
    bob.send("from bob")
    assert ada.receive() == "from bob", "its own message came first"


def test_who_left_is_forgotten(chat):
    ada, bob = chat.connect(), chat.connect()
    assert len(kept(chat)) == 2
    bob.close()
    harness.until(lambda: len(kept(chat)) == 1, "bob's document is deleted")
    ada.send("nobody there")
    chat.connect().send("still alive")
    assert ada.receive() == "still alive"


def test_a_client_that_is_gone_does_not_keep_the_message_from_the_others(start):
    killed = start(configuration())
    for _ in range(10):
        killed.connect()
    left_over = kept(killed)
    killed.process.kill()
    killed.process.wait()
    killed.finish = lambda: None
    killed.ready_path.unlink()
    chat = start(configuration(), folder=killed.folder)
    ada, bob = chat.connect(), chat.connect()
    assert left_over < kept(chat), "the ids of the killed run are there, and gone"
    ada.send("hello")
    assert bob.receive() == "hello"


def test_sixteen_clients_hear_one_another(chat):
    clients = [chat.connect() for _ in range(16)]
    for number, client in enumerate(clients):
        client.send(f"message {number}")
    for number, client in enumerate(clients):
        heard = {client.receive() for _ in range(len(clients) - 1)}
        assert heard == {f"message {other}" for other in range(len(clients)) if other != number}


def test_it_is_as_short_as_it_looks():
    assert len((SOURCE / "nitric_chat.c").read_text().splitlines()) <= 60
