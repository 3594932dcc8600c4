"""The sample API of the repository, as its users see it."""

import json

import harness
import pytest


@pytest.fixture
def chat(start):
    config = json.loads((harness.ROOT / "routes.json").read_text())
    for function in config["functions"].values():
        function["plugin"] = str(harness.BUILD / "plugins" / function["plugin"])
    config.pop("$schema", None)
    return start(config)


def say(client, **message):
    client.send(json.dumps(message))


def receive_with(client, text):
    """The next message that holds `text`."""
    while True:
        message = client.receive()
        if text in message:
            return message


def test_two_clients_chat(chat):
    ada, bob = chat.connect(), chat.connect()
    say(ada, action="join", name="ada")
    ada.receive()
    say(bob, action="join", name="bob")
    receive_with(bob, "")
    say(ada, action="say", text="hello bob")
    assert "ada" in receive_with(bob, "hello bob")
    say(bob, action="say", text="hello ada")
    assert "bob" in receive_with(ada, "hello ada")


def test_someone_who_left_hears_nothing_more(chat):
    ada, bob = chat.connect(), chat.connect()
    for client, name in ((ada, "ada"), (bob, "bob")):
        say(client, action="join", name=name)
        client.receive()
    bob.close()
    say(ada, action="say", text="anybody there")
    say(ada, action="list")
    assert "bob" not in receive_with(ada, "ada").replace("bob left", "")


def test_a_message_without_a_route_is_explained(chat):
    assert chat.connect().ask("what is this")


def test_the_sample_is_served_where_the_readme_says(chat):
    assert chat.ready["websocket"].endswith("/dev")
