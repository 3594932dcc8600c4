"""What the SDK's functions do in a handler, through the real emulator."""

import json
import os

import harness
import pytest

NONE, NULL, BOOLEAN, NUMBER, STRING, ARRAY, OBJECT = range(7)


def suite(*handlers, routes=None, functions=None, **members):
    """An API with a two-way route for each of these handlers of sdk_suite.so."""
    plugin = {name: {"plugin": harness.plugin("sdk_suite"), **(functions or {}).get(name, {})} for name in handlers}
    for name, function in (functions or {}).items():
        plugin.setdefault(name, {"plugin": harness.plugin("sdk_suite"), **function})
    return harness.api({**{name: name for name in handlers}, **(routes or {})}, plugin, **members)


def ask(client, action, **members):
    return client.ask(harness.compact(action=action, **members))


def ask_json(client, action, **members):
    return json.loads(ask(client, action, **members))


# ---- events ----


def handshake(**overrides):
    nothing = dict.fromkeys(("header", "headers", "query", "Query", "variable", "principal", "room", "level"))
    return {**nothing, "stage": "dev", **overrides}


def test_everything_of_a_handshake_can_be_read_by_name_and_only_then(start):
    emulator = start(
        suite(
            "policy",
            routes={
                "$connect": {"function": "socket", "authorizationType": "CUSTOM", "authorizer": "token"},
                "$default": {"function": "socket", "routeResponse": True},
            },
            functions={"socket": {"handler": "socket", "concurrency": 1}},
            authorizers={"token": {"function": "policy"}},
            stageVariables={"table": "rooms"},
        )
    )
    client = emulator.connect("?token=let-me-in&name=J%C3%B6+rg&name=Anna+B", [("X-Room", "first"), ("X-Room", "last")])
    known = {"variable": "rooms", "principal": "anna", "room": 'l"obby', "level": "3"}
    connect = handshake(type="CONNECT", header="last", headers=["first", "last"], query="Anna B", **known)
    assert json.loads(client.ask("x")) == [connect, handshake(type="MESSAGE", **known)]


def test_what_an_event_does_not_have_is_absent(start):
    emulator = start(
        suite(
            routes={"$connect": "socket", "$default": {"function": "socket", "routeResponse": True}},
            functions={"socket": {"handler": "socket", "concurrency": 1}},
        )
    )
    client = emulator.connect()
    assert json.loads(client.ask("x")) == [handshake(type="CONNECT"), handshake(type="MESSAGE")]


def test_an_authorizer_written_with_the_sdk_refuses_who_has_no_token(start):
    emulator = start(
        suite(
            "policy",
            routes={"$connect": {"function": "policy", "authorizationType": "CUSTOM", "authorizer": "token"}},
            authorizers={"token": {"function": "policy"}},
        )
    )
    assert emulator.refusal("?token=guess").status == 401


def test_any_value_of_an_event_is_found_by_its_path(start):
    client = start(suite("event")).connect()
    assert ask_json(client, "event", path="requestContext.identity.sourceIp") == {"text": "127.0.0.1"}
    assert ask_json(client, "event", path="requestContext.nothing") == {"text": None}
    body = json.loads(ask_json(client, "event", path="body")["text"])
    assert body == {"action": "event", "path": "body"}


# ---- JSON ----

VALUE = {
    "a": {"b": [{"c": 1}, {"c": "zwei €"}, {"c": None}]},
    "a.b": True,
    "text": 'q"\n\t\U0001f600',
    "whole": 5.0,
    "half": 0.5,
    "digits": "42",
    "large": 9007199254740993,
    "empty": {},
}


def describe(client, *paths, value=None):
    return ask_json(client, "read", value=VALUE if value is None else value, paths=list(paths))


@pytest.mark.parametrize(
    "path, expected",
    [
        ("a.b[0].c", [NUMBER, "1", 1, 1, -1, True]),
        ("a.b[1].c", [STRING, "zwei €", -1, -1, -1, True]),
        ("a.b[-1].c", [NULL, "", -1, -1, -1, False]),
        ('["a.b"]', [BOOLEAN, "true", -1, -1, 1, True]),
        ("text", [STRING, 'q"\n\t\U0001f600', -1, -1, -1, True]),
        ("whole", [NUMBER, "5.0", 5, 5, -1, True]),
        ("half", [NUMBER, "0.5", 0.5, -1, -1, True]),
        ("digits", [STRING, "42", 42, 42, -1, True]),
        ("large", [NUMBER, "9007199254740993", 9007199254740992, 9007199254740993, -1, True]),
        ("empty", [OBJECT, "{}", -1, -1, -1, True]),
        ("a.b[3]", [NONE, "", -1, -1, -1, False]),
        ("a..b", [NONE, "", -1, -1, -1, False]),
    ],
)
def test_a_value_is_found_by_its_path_and_read_as_what_it_is(start, path, expected):
    assert describe(start(suite("read")).connect(), path) == [expected]


def test_a_walk_has_members_in_their_order_with_escapes_undone(start):
    client = start(suite("walk")).connect()
    assert ask_json(client, "walk", value={"z": 1, "é\n": [2], "a": "x\ny"}) == ["z", "1", "é\n", "[2]", "a", "x\ny"]
    assert ask_json(client, "walk", value=[True, {}]) == ["", "true", "", "{}"]
    assert ask_json(client, "walk", value="text") == []


def test_what_is_written_is_json_whatever_the_text(start):
    client = start(suite("write")).connect()
    for text in ("", 'q"\\/\n\x00\x1f\x7f', "é€\U0001f600", "x" * 20000):
        assert ask_json(client, "write", text=text) == {
            "text": text,
            'not utf-8 "\ufffd"': "a\ufffd\ufffd(\ufffd\ufffd\ufffd",
            "numbers": [-9223372036854775808, 0, 1500],
            "rest": [True, None, {}],
        }


# ---- connections ----


def test_a_broadcast_reaches_those_who_are_there_and_tells_who_is_gone(start):
    emulator = start(suite("broadcast"))
    clients = [emulator.connect() for _ in range(3)]
    ids = [emulator.identify(client) for client in clients]
    clients[1].close()
    harness.until(lambda: emulator.get(ids[1]).status == 410, "the second client is gone")
    answer = ask_json(clients[0], "broadcast", ids=[ids[2], ids[1], "no-id", ids[2]], data="hello")
    assert answer == {
        "sent": 2,
        "again": 2,
        "results": ["OK", "GoneException", "BadRequestException", "OK"],
    }
    assert [clients[2].receive() for _ in range(4)] == ["hello"] * 4


def test_an_object_that_was_written_is_posted_as_text(start):
    emulator = start(suite("tell"))
    sender, receiver = emulator.connect(), emulator.connect()
    assert ask(sender, "tell", to=emulator.identify(receiver)) == "OK"
    assert json.loads(receiver.receive()) == {"from": emulator.identify(sender)}
    assert ask(sender, "tell", to="AAAAAAAAAAAAAAA=") == "GoneException"


# ---- logs ----

LEVELS = ["error", "warn", "info", "debug"]


@pytest.mark.parametrize("level, count", [("error", 1), ("warn", 2), ("info", 3), ("debug", 4), (None, 4), ("x", 4)])
def test_lines_below_the_functions_level_are_not_written(start, level, count):
    environment = {"APIGW_LOG_LEVEL": level} if level else {}
    emulator = start(suite("log", functions={"log": {"environment": environment}}))
    client = emulator.connect()
    own = emulator.identify(client)
    assert ask(client, "log") == "1" * count + "0" * (4 - count)
    emulator.wait_log(r"long x+")
    for number, name in enumerate(LEVELS):
        fields = harness.compact(message=name, connectionId=own, quoted='a "b"\n\ufffd')
        assert (f"{name.upper()} a text at {name}, number {number}" in emulator.log) == (number < count)
        assert (f"{name.upper()} {fields}" in emulator.log) == (number < count)


def test_a_line_of_text_ends_after_4000_bytes(start):
    emulator = start(suite("log"))
    ask(emulator.connect(), "log")
    line = emulator.wait_log(r"ERROR (long x+.*)").group(1)
    assert len(line) == 3999 and line.endswith("x")


def test_fini_may_log_fields(start):
    emulator = start(suite("log"))
    ask(emulator.connect(), "log")
    emulator.stop()
    emulator.wait_log(r'INFO \{"message":"the suite ends"\}')


# ---- memory ----


def test_a_handler_may_allocate_what_its_function_has_and_no_more(start):
    emulator = start(suite("memory", functions={"memory": {"memorySize": 128}}))
    client = emulator.connect()
    for _ in range(3):
        pieces, dirty, limit, written = ask_json(client, "memory")
        assert (dirty, limit, written) == (0, 128, 0)
        assert 80 < pieces <= 100  # of a million bytes
    assert len(emulator.hosts()) == 1


def test_memory_of_an_invocation_is_given_back(start):
    # a sanitizer keeps what was freed for a while
    options = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"
    emulator = start(suite("read", functions={"read": {"concurrency": 1}}), env={"ASAN_OPTIONS": options})
    client = emulator.connect()
    ask(client, "read", value="x", paths=[""])
    (host,) = emulator.hosts()

    def kilobytes():
        pages = int(open(f"/proc/{host}/statm", encoding="ascii").read().split()[1])
        return pages * 4

    before = kilobytes()
    for _ in range(300):
        ask(client, "read", value="\n" * 5000, paths=["", "", "", ""])
    assert kilobytes() - before < (20000 if harness.SANITIZED else 3000)  # of 50000 that were allocated


# ---- misuse ----


def test_who_may_not_ask_is_refused_and_the_environment_lives_on(start):
    emulator = start(suite("misuse"))
    client = emulator.connect()
    for _ in range(2):
        assert ask(client, "misuse") == "40 refused, 0 accepted"
    assert len(emulator.hosts()) == 1


# ---- init ----


@pytest.mark.parametrize("text, limit", [('{"limits":[1,"7"]}', "7"), ("{}", "-2")])
def test_init_can_read_json(start, text, limit):
    emulator = start(suite("settings", functions={"settings": {"environment": {"SETTINGS": text}}}))
    assert ask(emulator.connect(), "settings") == limit


def test_an_init_that_finds_no_json_says_so(start):
    emulator = start(suite("settings", functions={"settings": {"environment": {"SETTINGS": "{"}}}))
    assert json.loads(ask(emulator.connect(), "settings"))["message"] == "Internal server error"
    emulator.wait_log("SETTINGS is not JSON")


# ---- the ABI ----


def test_a_plugin_of_abi_1_0_runs_as_it_did(start):
    emulator = start(harness.api({"$default": "older_abi"}, {"older_abi": {"plugin": harness.plugin("older_abi")}}))
    assert emulator.connect().ask("hello") == "hello"
