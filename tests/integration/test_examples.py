"""The examples in plugins/ (the chats have files of their own), with clients that were not written by us."""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import subprocess
import time

import boto3
import harness
import pytest
import websocket

EXAMPLES = harness.ROOT / "plugins"


def configuration(example):
    config = json.loads((EXAMPLES / example / "routes.json").read_text())
    for function in config["functions"].values():
        function["plugin"] = str(harness.BUILD / "plugins" / function["plugin"])
    return config


@pytest.fixture
def serve(start):
    """serve(example): the emulator, and what connects a client of python3-websocket to it."""
    with contextlib.ExitStack() as clients:

        def serve_one(example, **options):
            emulator = start(configuration(example), **options)

            def connect(query=""):
                client = websocket.create_connection(emulator.ready["websocket"] + query, timeout=harness.DEADLINE_S)
                return clients.enter_context(contextlib.closing(client))

            return emulator, connect

        yield serve_one


def ask(client, **message):
    client.send(json.dumps(message))
    return json.loads(client.recv())


def kept(emulator, name):
    """The documents of a collection, by id."""
    result = harness.run("collections", emulator.config_path, name)
    documents = map(json.loads, result.stdout.splitlines())
    return {document["id"]: document["content"] for document in documents}


# ---- echo ----


def test_what_echo_is_sent_comes_back(serve):
    _, connect = serve("echo")
    client = connect()
    for text in ("hello", "ünï ☃", "x" * 30000):
        client.send(text)
        assert client.recv() == text


# ---- token-authorizer ----

SECRET = configuration("token-authorizer")["functions"]["authorize"]["environment"]["TOKEN_SECRET"]


def base64_of(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def token(secret=SECRET, **claims):
    claims = {"sub": "anna", "role": "admin", "exp": time.time() + 3600, **claims}
    signed = b".".join(base64_of(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return (signed + b"." + base64_of(hmac.digest(secret.encode(), signed, hashlib.sha256))).decode()


@pytest.fixture
def refusal(serve):
    """refusal(query): the status that a client is refused with."""
    emulator, connect = serve("token-authorizer")

    def status_of(query):
        with pytest.raises(websocket.WebSocketBadStatusException) as refused:
            connect(query)
        return refused.value.status_code

    status_of.emulator = emulator
    return status_of


def test_who_has_a_token_is_known_by_it_in_later_events(serve):
    _, connect = serve("token-authorizer")
    anna, bob = connect("?token=" + token()), connect("?token=" + token(sub="bob", role="guest"))
    for _ in range(2):
        assert ask(anna, what="ever") == {"name": "anna", "role": "admin"}
        assert ask(bob, what="ever") == {"name": "bob", "role": "guest"}


def test_who_has_none_is_not_let_in(refusal):
    assert refusal("") == 401
    assert refusal("?token=" + token(secret="a secret of somebody else's, of 32 bytes")) == 401
    assert refusal("?token=" + token()[:-2]) == 401


def test_a_token_that_has_expired_lets_nobody_in_and_the_log_says_why(refusal):
    assert refusal("?token=" + token(exp=time.time() - 1)) == 401
    refusal.emulator.wait_log(r"authorize .* it has expired")


# ---- dashboard ----


@contextlib.contextmanager
def feed(emulator):
    """prices.py, as `apigw exec` would run it, but that the emulator is there before and after it."""
    process = subprocess.Popen(
        [EXAMPLES / "dashboard" / "prices.py", "0.05"],
        cwd=emulator.folder,
        env={
            **os.environ,
            "PATH": f"{harness.BUILD}:/usr/bin:/bin",
            "APIGW_ENDPOINT": emulator.ready["connections"].removesuffix("/@connections"),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        },
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_prices_come_by_themselves_to_who_has_subscribed(serve):
    emulator, connect = serve("dashboard")
    anna, bob = connect(), connect()
    assert ask(anna, action="subscribe", symbols=["ACME", "INIT"]) == {"symbols": ["ACME", "INIT"]}
    assert ask(bob, action="subscribe", symbols=["HOOL", "NONE"]) == {"symbols": ["HOOL", "NONE"]}
    with feed(emulator):
        for _ in range(3):
            assert set(json.loads(anna.recv())["prices"]) == {"ACME", "INIT"}
            assert set(json.loads(bob.recv())["prices"]) == {"HOOL"}


def test_a_client_that_left_is_forgotten_and_the_feed_goes_on(serve):
    emulator, connect = serve("dashboard")
    anna, bob = connect(), connect()
    for client in (anna, bob):
        ask(client, action="subscribe", symbols=["ACME"])
    with feed(emulator) as process:
        bob.recv()
        bob.close()
        harness.until(lambda: len(kept(emulator, "subscriptions")) == 1, "bob is forgotten")
        for _ in range(3):
            anna.recv()
        assert process.poll() is None


def test_a_feed_does_not_mind_a_client_that_is_gone_and_a_new_emulator_forgets_it(serve):
    killed, connect = serve("dashboard")
    ask(connect(), action="subscribe", symbols=["ACME"])
    killed.process.kill()
    killed.process.wait()
    killed.finish = lambda: None
    killed.ready_path.unlink()
    emulator, connect = serve("dashboard", folder=killed.folder)
    (gone,) = kept(emulator, "subscriptions")
    with feed(emulator) as process:
        anna = connect()
        ask(anna, action="subscribe", symbols=["ACME"])
        assert gone not in kept(emulator, "subscriptions")
        anna.recv()
        assert process.poll() is None


def test_the_feed_calls_connections_as_aws_has_it(serve):
    """A gone client is boto3's GoneException: what prices.py counts on."""
    emulator, connect = serve("dashboard")
    client = connect()
    ask(client, action="subscribe", symbols=["ACME"])
    (connection_id,) = kept(emulator, "subscriptions")
    client.close()
    harness.until(lambda: not kept(emulator, "subscriptions"), "it is forgotten")
    endpoint = emulator.ready["connections"].removesuffix("/@connections")
    api = boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    with pytest.raises(api.exceptions.GoneException):
        api.post_to_connection(ConnectionId=connection_id, Data=b"{}")


# ---- shared-document ----


def test_an_edit_reaches_the_others_and_a_stale_one_is_a_conflict(serve):
    _, connect = serve("shared-document")
    anna, bob = connect(), connect()
    for client in (anna, bob):
        assert ask(client, action="open", document="notes") == {"document": "notes", "version": 0, "text": ""}

    first = {"document": "notes", "version": 1, "text": "anna's \"words\"\n"}
    assert ask(anna, action="edit", **{**first, "version": 0}) == first
    assert json.loads(bob.recv()) == first
    assert ask(anna, action="edit", document="notes", version=0, text="too late") == {"conflict": True, **first}
    second = {"document": "notes", "version": 2, "text": "bob's"}
    assert ask(bob, action="edit", **{**second, "version": 1}) == second
    assert json.loads(anna.recv()) == second


def test_a_document_outlives_the_emulator(serve):
    emulator, connect = serve("shared-document")
    ask(connect(), action="edit", document="notes", version=0, text="kept")
    emulator.stop()
    _, connect = serve("shared-document", folder=emulator.folder)
    assert ask(connect(), action="open", document="notes") == {"document": "notes", "version": 1, "text": "kept"}


def test_nobodys_words_are_lost_when_all_write_at_once(serve):
    """Eight clients put a word each at the end, 10 times, and try again when somebody else was first."""
    _, connect = serve("shared-document")
    clients = {number: connect() for number in range(8)}
    state = {number: {"version": 0, "text": ""} for number in clients}
    left = {number: [f"{number}.{word}" for word in range(10)] for number in clients}

    def edit(number):
        text = f"{state[number]['text']} {left[number][0]}"
        clients[number].send(json.dumps({"action": "edit", "document": "notes", "version": state[number]["version"], "text": text}))

    for number in clients:
        edit(number)
    while any(left.values()):
        for number in [number for number in clients if left[number]]:
            answer = json.loads(clients[number].recv())
            state[number] = answer
            if not answer.get("conflict"):
                left[number].pop(0)
            if left[number]:
                edit(number)

    latest = ask(connect(), action="open", document="notes")
    assert latest["version"] == 80
    assert sorted(latest["text"].split()) == sorted(f"{number}.{word}" for number in clients for word in range(10))


# ---- all of them ----


@pytest.mark.parametrize("example", sorted(path.parent.name for path in EXAMPLES.glob("*/*.c") if path.name != "unit_test.c"))
def test_each_example_is_a_folder_that_its_page_knows(example):
    folder = EXAMPLES / example
    assert (folder / "unit_test.c").exists()
    config = folder / "routes.json" if example != "chat" else harness.ROOT / "routes.json"
    plugins = {function["plugin"] for function in json.loads(config.read_text())["functions"].values()}
    assert plugins == {example.replace("-", "_") + ".so"}
    assert f"[{example}]({example})" in (EXAMPLES / "README.md").read_text()
    assert "\"" not in "".join(line for line in (folder / f"{example.replace('-', '_')}.c").read_text().splitlines() if line.startswith("#include")), "headers of the SDK and the system alone"
