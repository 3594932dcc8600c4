"""`apigw post` and `apigw connections` against a running emulator."""

import json
import re
import socket
import subprocess

import harness
import pytest
import signing
import wire
from foreign import Server


@pytest.fixture
def client(tmp_path):
    """client(ARGUMENTS…): a finished `apigw ARGUMENTS`."""

    def run(*arguments, input="", **env):
        cleared = {"APIGW_WEBSOCKET_URL": None, "AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
        return subprocess.run(
            [str(harness.PROGRAM), *map(str, arguments)],
            input=input,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=harness.environment({**cleared, "XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path), **env}),
        )

    return run


def said(result):
    return re.sub(r"\s+", " ", result.stderr)


def url_of(emulator):
    return f"http://127.0.0.1:{emulator.port}/dev"


# ---- post ----


def test_a_text_is_posted_and_nothing_is_printed(emulator, client):
    receiver = emulator.connect()
    identity = emulator.identify(receiver)
    result = client("post", "--url", url_of(emulator), identity, "grüße\n")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert receiver.receive() == "grüße\n"


@pytest.mark.parametrize("url", ["http://{}/dev", "http://{}/dev/", "http://{}/dev/@connections", "ws://{}/dev", "{}/dev"])
def test_each_url_of_a_stage_will_do(emulator, client, url):
    receiver = emulator.connect()
    identity = emulator.identify(receiver)
    assert client("post", "--url", url.format(f"127.0.0.1:{emulator.port}"), identity, "hello").returncode == 0
    assert receiver.receive() == "hello"


def test_what_is_posted_may_come_from_a_file_or_from_standard_input(emulator, client, tmp_path):
    receiver = emulator.connect()
    identity = emulator.identify(receiver)
    (tmp_path / "message").write_text("from a file\n")
    assert client("post", "--url", url_of(emulator), identity, "--file", tmp_path / "message").returncode == 0
    assert receiver.receive() == "from a file\n"
    assert client("post", "--url", url_of(emulator), identity, "-", input="from standard input").returncode == 0
    assert receiver.receive() == "from standard input"
    assert client("post", "--url", url_of(emulator), identity, "").returncode == 0
    assert receiver.receive() == ""


def test_the_emulator_that_runs_is_found(start, client, tmp_path):
    emulator = start(env={"XDG_RUNTIME_DIR": str(tmp_path)})
    receiver = emulator.connect()
    identity = emulator.identify(receiver)
    assert client("post", identity, "hello").returncode == 0
    assert receiver.receive() == "hello"
    assert client("post", identity, "again", APIGW_WEBSOCKET_URL=emulator.ready["websocket"]).returncode == 0
    assert receiver.receive() == "again"
    assert client("post", "--ready-file", emulator.ready_path, identity, "and again").returncode == 0
    assert receiver.receive() == "and again"


def test_one_stage_of_several_is_chosen(start, client, tmp_path):
    emulator = start(harness.api(stages={"dev": {}, "prod": {}}), env={"XDG_RUNTIME_DIR": str(tmp_path)})
    receiver = emulator.connect(path="/prod")
    identity = emulator.identify(receiver)
    assert "several APIs or stages" in said(client("post", identity, "x"))
    assert client("post", "--stage", "prod", identity, "hello").returncode == 0
    assert receiver.receive() == "hello"


@pytest.mark.parametrize(
    "identity, body, words",
    [
        ("AAAAAAAAAAAAAAA=", "x", "connection AAAAAAAAAAAAAAA= is gone (410 GoneException) It was closed, or it never was."),
        ("nonsense", "x", "the post was refused: 400 BadRequestException: Invalid connectionId: nonsense"),
        ("a/../b?c#d%", "x", "the post was refused: 400 BadRequestException: Invalid connectionId: a/../b?c#d%"),
        ("AAAAAAAAAAAAAAA=", "x" * 131073, "the post was refused: 413 PayloadTooLargeException"),
    ],
    ids=range(4),
)
def test_a_refused_post_is_explained(emulator, client, tmp_path, identity, body, words):
    (tmp_path / "body").write_text(body)
    result = client("post", "--url", url_of(emulator), identity, "--file", tmp_path / "body")
    assert (result.returncode, result.stdout) == (1, "")
    assert words in said(result)


def test_a_wrong_stage_is_explained(emulator, client):
    result = client("post", "--url", f"http://127.0.0.1:{emulator.port}/nope", "AAAAAAAAAAAAAAA=", "x")
    assert result.returncode == 1
    assert "403 ForbiddenException: Forbidden There is no such stage or API" in said(result)


def test_a_stage_behind_a_custom_domain_is_explained(start, client):
    emulator = start(harness.api(domains={"chat.example.com": {"": "dev"}}))
    where = ("--url", f"http://chat.example.com:{emulator.port}/dev", "--connect-to", f"127.0.0.1:{emulator.port}")
    result = client("post", *where, "AAAAAAAAAAAAAAA=", "x")
    assert result.returncode == 1
    assert "404 NotFoundException: No method found matching route dev/@connections/" in said(result)
    assert "behind a custom domain the key of its mapping in place of STAGE" in said(result)


def test_a_post_is_signed_if_there_are_keys(start, client):
    emulator = start(harness.api(iam=signing.iam(connections=True)))
    receiver = emulator.connect()
    identity = emulator.identify(receiver)
    unsigned = client("post", "--url", url_of(emulator), identity, "x")
    assert unsigned.returncode == 1
    assert "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in said(unsigned)
    keys = {"AWS_ACCESS_KEY_ID": signing.KEY_ID, "AWS_SECRET_ACCESS_KEY": signing.SECRET, "AWS_REGION": "us-east-1"}
    assert client("post", "--url", url_of(emulator), identity, "signed", **keys).returncode == 0
    assert receiver.receive() == "signed"
    wrong = client("post", "--url", url_of(emulator), identity, "x", **{**keys, "AWS_SECRET_ACCESS_KEY": "no"})
    assert "InvalidSignatureException" in said(wrong)


def test_a_session_token_is_signed_too(start, client):
    emulator = start(harness.api(iam=signing.iam(connections=True, sessionToken=signing.TOKEN)))
    receiver = emulator.connect()
    identity = emulator.identify(receiver)
    keys = {"AWS_ACCESS_KEY_ID": signing.KEY_ID, "AWS_SECRET_ACCESS_KEY": signing.SECRET, "AWS_SESSION_TOKEN": signing.TOKEN}
    assert client("post", "--url", url_of(emulator), identity, "signed", AWS_DEFAULT_REGION="us-east-1", **keys).returncode == 0
    assert receiver.receive() == "signed"


@pytest.mark.parametrize(
    "arguments, words",
    [
        ((), "which connection? 'apigw connections' lists their IDs"),
        (("id",), "what is to be posted? A TEXT, - for standard input, or --file FILE"),
        (("id", "text", "more"), "'more' is one argument too many"),
        (("id", "text", "--file", "x"), "'text' is one argument too many"),
        (("id", "--file", "/nowhere/at/all", "--url", "http://h/dev"), "/nowhere/at/all: No such file"),
        (("id", "text", "--url", "ftp://h"), "is no URL of a WebSocket API"),
        (("id", "text", "--timeout", "1"), "no emulator runs, so a URL is needed"),
        (("id", "text", "--nonsense"), "there is no option '--nonsense'"),
    ],
)
def test_a_mistake_is_explained(client, arguments, words):
    result = client("post", *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert words in said(result)


def test_where_nobody_listens_is_told(client):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for command in (("post", "id", "text"), ("connections",)):
        result = client(*command, "--url", f"http://127.0.0.1:{port}/dev")
        assert result.returncode == 1
        assert f"apigw {command[0]}: 127.0.0.1:{port} cannot be reached: Connection refused" in said(result)


# ---- connections ----


def test_who_is_connected_is_a_table(emulator, client):
    empty = client("connections", "--url", url_of(emulator))
    assert empty.returncode == 0, empty.stderr
    assert empty.stdout.split() == ["ID", "API", "STAGE", "SINCE", "IDLE", "LEFT", "IN", "OUT", "QUEUE", "PRINCIPAL"]
    one, two = emulator.connect(), emulator.connect()
    identities = {emulator.identify(one), emulator.identify(two)}
    one.ask("hello")
    head, *rows = client("connections", "--url", url_of(emulator)).stdout.splitlines()
    cells = {row.split()[0]: row.split() for row in rows}
    assert set(cells) == identities
    mine = cells[emulator.identify(one)]
    assert mine[1:3] == ["test", "dev"]
    assert re.fullmatch(r"\d\d:\d\d:\d\dZ", mine[3])
    assert mine[4] in ("10m00s", "9m59s", "9m58s") and mine[5] in ("2h00m", "1h59m")
    assert mine[6:8] == ["2", "2"] and mine[8:] == ["0", "-"]
    assert [row.index("dev") for row in rows] == [head.index("STAGE")] * 2


def test_who_is_connected_is_json_with_all_there_is(emulator, client):
    assert json.loads(client("connections", "--json", "--url", url_of(emulator)).stdout) == []
    one = emulator.connect(headers=[("User-Agent", "not \"me\"")])
    identity = emulator.identify(one)
    result = client("connections", "--json", "--url", url_of(emulator))
    (connection,) = json.loads(result.stdout)
    assert connection["id"] == identity
    assert connection["sourcePort"] == one.stream.socket.getsockname()[1]
    assert connection["userAgent"] == 'not "me"'


def test_a_connection_is_closed(emulator, client):
    one = emulator.connect()
    identity = emulator.identify(one)
    result = client("connections", "kick", identity, "--url", url_of(emulator))
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert one.wait_closed() == (1000, "Connection Closed Normally")
    gone = client("connections", "kick", identity, "--url", url_of(emulator))
    assert gone.returncode == 1
    assert f"connection {identity} was not closed: 404: " in said(gone)


def test_all_apis_of_an_emulator_are_listed_and_one_if_it_is_named(start, client, tmp_path):
    emulator = start(
        harness.api(name="one", stages={"dev": {}, "prod": {}}), also=[harness.api(name="two", apiId="two1234567", stages={"beta": {}})],
        env={"XDG_RUNTIME_DIR": str(tmp_path)},
    )  # fmt: skip
    for path in ("/dev", "/prod", "/beta"):
        emulator.identify(emulator.connect(path=path))
    assert len(client("connections").stdout.splitlines()) == 4
    assert [row.split()[1:3] for row in client("connections", "--api", "two").stdout.splitlines()[1:]] == [["two", "beta"]]
    assert [row.split()[1:3] for row in client("connections", "--stage", "prod").stdout.splitlines()[1:]] == [["one", "prod"]]
    start(env={"XDG_RUNTIME_DIR": str(tmp_path)})
    several = client("connections")
    assert several.returncode == 2
    assert "several emulators run; give a --url, or --api:" in said(several)


def test_a_long_list_comes_in_pages(client):
    """Of a server that has two; hostile texts do no harm."""

    def scenario(peer):
        raise AssertionError("nobody shakes hands here")

    class Pages(Server):
        def _serve_one(self, connection):
            stream = wire.Stream.__new__(wire.Stream)
            stream.socket, stream.buffer = connection, b""
            head = stream.read_until(b"\r\n\r\n").decode()
            rest = "next=7" in head
            one = {"id": "second" if rest else "first", "api": "\x1b[2J\nx", "stage": "d", "principalId": "\u202eme"}
            body = json.dumps({"version": 1, "connections": [one, {}], "next": None if rest else "7"}).encode()
            stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))
            stream.close()

    server = Pages(scenario)
    result = client("connections", "--url", f"http://127.0.0.1:{server.port}")
    server.close()
    assert result.returncode == 0, result.stderr
    rows = result.stdout.splitlines()
    assert [row.split()[0] for row in rows] == ["ID", "first", "-", "second", "-"]
    assert r"\x1b[2J\nx" in rows[1] and r"\u{202e}me" in rows[1]
    column = rows[0].index("STAGE")
    assert [row[column : column + 2] for row in rows[1:]] == ["d ", "- ", "d ", "- "]


@pytest.mark.parametrize(
    "answer, words",
    [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "is not JSON: is it an apigw?"),
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "has answered 403 The emulator answers this only to requests from this machine"),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "has answered 404 There is no apigw at this URL, or one that is older."),
        ("SSH-2.0-OpenSSH\r\n", "127.0.0.1:"),
        ("", "has closed the connection without an answer"),
    ],
)
def test_an_answer_that_is_no_list_is_explained(client, answer, words):
    class Plain(Server):
        def _serve_one(self, connection):
            connection.recv(65536)
            connection.sendall(answer.encode())
            connection.close()

    server = Plain(None)
    result = client("connections", "--url", f"http://127.0.0.1:{server.port}")
    server.close()
    assert (result.returncode, result.stdout) == (1, "")
    assert words in said(result)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("kick",), "which connection? 'apigw connections' lists their IDs"),
        (("kick", "a", "b"), "'b' is one argument too many"),
        (("close", "a"), "'close' is nothing that can be done: 'kick ID' closes a connection"),
        (("--nonsense",), "there is no option '--nonsense'"),
        ((), "no emulator runs, so a URL is needed"),
    ],
)
def test_a_mistake_about_connections_is_explained(client, arguments, words):
    result = client("connections", *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert words in said(result)


@pytest.mark.parametrize("command", ["post", "connections"])
def test_help_is_the_clients(command):
    for arguments in ((command, "--help"), ("help", command)):
        result = harness.run(*arguments)
        assert (result.returncode, result.stderr) == (0, "")
        assert result.stdout.startswith(f"Usage: apigw {command} [OPTION]...")
