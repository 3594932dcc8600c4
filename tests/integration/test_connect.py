"""`apigw connect` as scripts use it, and what it says when it cannot connect."""

import json
import os
import pathlib
import re
import socket
import ssl
import struct
import subprocess

import harness
import pytest
import signing
import wire
from foreign import Server


@pytest.fixture
def serve():
    """serve(scenario): the URL of a server of somebody else's."""
    servers = []

    def serve_one(scenario):
        servers.append(Server(scenario))
        return servers[-1].url

    yield serve_one
    for server in servers:
        server.close()


@pytest.fixture
def client(tmp_path):
    """client(ARGUMENTS…, input=…): a finished `apigw connect ARGUMENTS`; its output is bytes."""

    def run(*arguments, command="connect", input=b"", **env):
        input = input.encode() if isinstance(input, str) else input
        cleared = {"APIGW_WEBSOCKET_URL": None, "AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
        return subprocess.run(
            [str(harness.PROGRAM), command, *map(str, arguments)],
            input=input,
            capture_output=True,
            timeout=60,
            check=False,
            env=harness.environment({**cleared, "XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path), **env}),
        )

    return run


def url_of(emulator, path="/dev"):
    return f"ws://127.0.0.1:{emulator.port}{path}"


def said(result):
    return re.sub(r"\s+", " ", result.stderr.decode())


# ---- scripts ----


def test_each_line_is_sent_and_what_comes_is_printed(emulator, client):
    result = client(url_of(emulator), input="one\ntwo\n\nthree")
    assert (result.returncode, result.stdout, result.stderr) == (0, b"one\ntwo\nthree\n", b"")


def test_it_ends_when_as_many_messages_have_come_as_are_expected(emulator, client):
    result = client(url_of(emulator), "--expect", "2", "--wait", "60", input="one\ntwo\n")
    assert (result.returncode, result.stdout) == (0, b"one\ntwo\n")


def test_too_few_messages_are_a_status_of_their_own(emulator, client):
    result = client(url_of(emulator), "--expect", "3", "--wait", "0.2", input="one\ntwo\n")
    assert (result.returncode, result.stdout) == (4, b"one\ntwo\n")
    assert said(result) == "apigw connect: 2 of 3 messages have come in 0.2 seconds "


def test_texts_of_the_command_line_are_sent(emulator, client):
    result = client(url_of(emulator), "--send", "one", "--send", "two\nlines", "--expect", "2", "--null")
    assert (result.returncode, result.stdout) == (0, b"one\0two\nlines\0")


def test_a_script_may_be_a_file(emulator, client, tmp_path):
    (tmp_path / "script").write_bytes(b"one\r\n//two\n")
    result = client(url_of(emulator), "--script", tmp_path / "script", "--expect", "2")
    assert (result.returncode, result.stdout) == (0, b"one\n/two\n")


def test_wait_holds_a_script_up_until_the_answer_is_there(serve, client):
    got = []

    def scenario(peer):
        peer.accept()
        got.append(peer.receive_frame()[2])
        assert not peer.stream.is_readable(), "the next line waits"
        peer.send("first")
        got.append(peer.receive_frame()[2])
        peer.send("second")
        peer.finish()

    result = client(serve(scenario), "--expect", "2", input="one\n/wait\ntwo\n/wait 1\n/close 1000\n")
    assert (result.returncode, result.stdout) == (0, b"first\nsecond\n")
    assert got == [b"one", b"two"]


def test_a_wait_in_vain_ends_a_script(emulator, client):
    result = client(url_of(emulator), "--wait", "0.2", input="one\n/wait 2\ntwo\n")
    assert (result.returncode, result.stdout) == (4, b"one\n")


def test_a_line_that_makes_no_sense_ends_a_script(emulator, client):
    result = client(url_of(emulator), input="one\n/wait\n/nonsense\ntwo\n")
    assert (result.returncode, result.stdout) == (2, b"one\n")
    assert "there is no command '/nonsense'" in said(result)
    assert "line 3 of the script makes no sense" in said(result)


def test_a_script_that_closes_ends_well(serve, client):
    got = []

    def scenario(peer):
        peer.accept()
        got.append(peer.wait_close())
        peer.send_frame(wire.CLOSE, got[0])

    result = client(serve(scenario), input="/close 4321 done\nnever sent\n")
    assert result.returncode == 0
    assert got == [struct.pack(">H", 4321) + b"done"]


def test_a_failed_post_in_a_script_is_told_in_its_status(emulator, client):
    result = client(url_of(emulator), input="/post AAAAAAAAAAAAAAA= hello\none\n")
    assert (result.returncode, result.stdout) == (1, b"one\n")
    assert "connection AAAAAAAAAAAAAAA= is gone" in said(result)


def test_it_ends_even_if_messages_never_stop(serve, client):
    def scenario(peer):
        peer.accept()
        while True:
            peer.send("more")

    result = client(serve(scenario), "--wait", "0.05", "--send", "go")
    assert result.returncode == 3, "this server does not answer a close"
    assert result.stdout.count(b"more\n") > 1


def test_each_message_is_one_line_whatever_is_in_it(serve, client):
    def scenario(peer):
        peer.accept()
        peer.send('{\n  "a": [1.50,\n 2],\r\n "b": "x\\ny"\n}')
        peer.send("two\nlines")
        peer.send("")
        peer.send("\x1b[31mas it came")
        peer.finish()

    result = client(serve(scenario), "--expect", "4")
    assert result.stdout == b'{"a":[1.50,2],"b":"x\\ny"}\ntwo\\nlines\n\n\x1b[31mas it came\n'


def test_json_is_laid_out_if_that_is_wanted(emulator, client):
    text = json.dumps({"numbers": list(range(40)), "text": "x"})
    result = client(url_of(emulator), "--send", text, "--expect", "1", "--pretty")
    assert result.stdout.decode().startswith('{\n  "numbers": [\n    0,\n')
    assert json.loads(result.stdout) == json.loads(text)
    coloured = client(url_of(emulator), "--send", '{"a":1}', "--expect", "1", "--pretty", "--color=always")
    assert coloured.stdout == b'{\x1b[34m"a"\x1b[0m: \x1b[33m1\x1b[0m}\n'


def test_times_are_shown_if_they_are_wanted(emulator, client):
    result = client(url_of(emulator), "--send", "hello", "--expect", "1", "--timestamps")
    assert re.fullmatch(rb"\d\d:\d\d:\d\d\.\d\d\d < hello\n", result.stdout)


def test_a_binary_message_is_told_of_and_null_prints_it(serve, client):
    def scenario(peer):
        peer.accept()
        peer.send_frame(wire.BINARY, b"\x00\xff\n")
        peer.finish()

    result = client(serve(scenario), "--expect", "1")
    assert (result.stdout, said(result)) == (b"", "apigw connect: a binary message of 3 bytes has come; --null prints it ")
    assert client(serve(scenario), "--expect", "1", "--null").stdout == b"\x00\xff\n\0"


@pytest.mark.parametrize("size", [125, 126, 32768])
def test_a_message_of_one_frame_goes_and_comes_whole(emulator, client, size):
    text = "x" * size
    result = client(url_of(emulator), "--expect", "1", input=text)
    assert (result.returncode, result.stdout) == (0, text.encode() + b"\n")


def test_a_frame_that_is_too_large_is_closed_with_1009_and_fragment_sends_it(emulator, client):
    text = "x" * 131072
    refused = client(url_of(emulator), "--expect", "1", input=text)
    assert refused.returncode == 3
    assert "closed by the server: 1009 message too big, 'Message too big'" in said(refused)
    assert "--fragment sends a message as several frames" in said(refused)
    whole = client(url_of(emulator), "--expect", "1", "--fragment", input=text)
    assert (whole.returncode, whole.stdout) == (0, text.encode() + b"\n")


def test_a_megabyte_comes_in_fragments(serve, client):
    def scenario(peer):
        peer.accept()
        peer.send_frame(wire.TEXT, b"a" * 300_000, fin=False)
        peer.send_frame(wire.PING, b"between")
        peer.send_frame(wire.CONTINUATION, b"b" * 700_000)
        assert peer.receive_frame() == (True, wire.PONG, b"between")
        peer.finish()

    result = client(serve(scenario), "--expect", "1")
    assert result.stdout == b"a" * 300_000 + b"b" * 700_000 + b"\n"


def test_many_messages_go_and_come(emulator, client):
    lines = "".join(f"message {i}\n" for i in range(2000))
    result = client(url_of(emulator), "--expect", "2000", input=lines)
    assert result.returncode == 0
    assert sorted(result.stdout.decode().splitlines()) == sorted(lines.splitlines()), "several environments keep no order"


def test_a_reader_that_ends_ends_it(emulator, tmp_path):
    command = f"yes | head -n 20000 | '{harness.PROGRAM}' connect {url_of(emulator)} --wait 20 | head -n 1"
    result = subprocess.run(["sh", "-c", command], capture_output=True, timeout=60, check=False)
    assert result.stdout.count(b"\n") == 1


# ---- how it ends ----


@pytest.mark.parametrize(
    "code, reason, words",
    [
        (1000, "Connection Closed Normally", "1000 normal closure, 'Connection Closed Normally' (somebody has deleted the connection"),
        (1001, "Going away", "1001 going away, 'Going away' (10 minutes without a message, 2 hours in all"),
        (1003, "", "1003 unsupported data (API Gateway takes text alone"),
        (1008, "", "1008 policy violation (too many messages"),
        (1011, "", "1011 internal error (the server has failed"),
        (1012, "", "1012 service restart"),
        (4999, "app", "4999, 'app'"),
    ],
)
def test_a_close_by_the_server_is_explained(serve, client, code, reason, words):
    def scenario(peer):
        peer.accept()
        peer.close(code, reason)

    result = client(serve(scenario), "--expect", "1")
    assert result.returncode == 3
    assert f"closed by the server: {words}" in said(result)


def test_a_close_without_a_code_is_told(serve, client):
    def scenario(peer):
        peer.accept()
        peer.send_frame(wire.CLOSE)
        assert peer.wait_close() == b""

    result = client(serve(scenario), "--expect", "1")
    assert (result.returncode, said(result)) == (3, "apigw connect: closed by the server: 1005 no code ")


def test_an_end_without_a_close_frame_is_told(serve, client):
    result = client(serve(lambda peer: peer.accept()), "--expect", "1")
    assert result.returncode == 3
    assert "closed by the server: 1006 no close frame, 'the server has ended the connection without a close frame'" in said(result)


@pytest.mark.parametrize(
    "frame, code",
    [
        (wire.encode_frame(wire.TEXT, b"\xff\xfe", mask=False), 1007),
        (wire.encode_frame(wire.TEXT, b"x", mask=False, rsv=4), 1002),
        (wire.encode_frame(11, b"x", mask=False), 1002),
        (wire.encode_frame(wire.PING, b"x" * 126, mask=False), 1002),
        (b"\x81\x7f" + struct.pack(">Q", 1 << 40) + b"x", 1009),
        (b"\x81\x7f" + struct.pack(">Q", 1 << 63) + b"x", 1002),
    ],
    ids=range(6),
)
def test_a_server_that_breaks_the_protocol_is_closed(serve, client, frame, code):
    got = []

    def scenario(peer):
        peer.accept()
        peer.stream.send(frame)
        got.append(peer.wait_close())

    result = client(serve(scenario), "--expect", "1")
    assert result.returncode == 3
    harness.until(lambda: got, "the close frame")
    assert got in ([struct.pack(">H", code)], [b""])
    assert f"closed by us: {code}" in said(result)


def test_messages_that_come_with_the_answer_of_the_handshake_are_not_lost(serve, client):
    def scenario(peer):
        peer.accept(behind=wire.encode_frame(wire.TEXT, b"early", mask=False))
        peer.finish()

    result = client(serve(scenario), "--expect", "1")
    assert (result.returncode, result.stdout) == (0, b"early\n")


# ---- the handshake ----


def test_the_handshake_has_what_was_asked_for(serve, client):
    heads = []

    def scenario(peer):
        heads.append(peer.head)
        peer.accept("Sec-WebSocket-Protocol: two")
        peer.finish()

    url = serve(scenario)
    result = client(
        url + "/?room=a b&x=1", "--header", "X-Test: yes, really", "--header", "Authorization:Bearer t", "--subprotocol", "one",
        "--subprotocol", "two", "--wait", "0", "--verbose",
    )  # fmt: skip
    assert result.returncode == 0
    (head,) = heads
    lines = head.split("\r\n")
    assert lines[0] == "GET /dev/?room=a%20b&x=1 HTTP/1.1"
    for line in ("X-Test: yes, really", "Authorization:Bearer t", "Sec-WebSocket-Protocol: one, two", "Sec-WebSocket-Version: 13"):
        assert line in lines
    assert f"Host: {url.removeprefix('ws://').removesuffix('/dev')}" in lines
    assert "Sec-WebSocket-Extensions" not in head
    shown = result.stderr.decode()
    assert "> X-Test: yes, really" in shown
    assert "< HTTP/1.1 101 Switching Protocols" in shown


def test_each_handshake_has_a_key_of_its_own(serve, client):
    keys = set()

    def scenario(peer):
        keys.add(peer.header("Sec-WebSocket-Key"))
        peer.accept()
        peer.finish()

    url = serve(scenario)
    for _ in range(3):
        assert client(url, "--wait", "0").returncode == 0
    assert len(keys) == 3


@pytest.mark.parametrize(
    "lines, words",
    [
        ((), "Sec-WebSocket-Accept does not match"),
        (("Sec-WebSocket-Protocol: mine",), "chosen the subprotocol 'mine', which was not offered"),
        (("Sec-WebSocket-Extensions: permessage-deflate",), "the extension 'permessage-deflate', which was not offered"),
    ],
)
def test_an_answer_to_another_question_is_no_connection(serve, client, lines, words):
    def scenario(peer):
        if lines:
            peer.accept(*lines)
        else:
            peer.answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n")

    result = client(serve(scenario))
    assert result.returncode == 1
    assert words in said(result)


def test_a_custom_domain_is_reached_by_saying_where_it_is(serve, client):
    hosts = []

    def scenario(peer):
        hosts.append(peer.header("Host"))
        peer.accept()
        peer.finish()

    place = serve(scenario).removeprefix("ws://").removesuffix("/dev")
    result = client("ws://chat.example.test/", "--connect-to", place, "--wait", "0")
    assert (result.returncode, hosts) == (0, ["chat.example.test"])


def test_the_handshake_is_signed_if_that_is_wanted(start, client):
    emulator = start(harness.api({"$connect": {"authorizationType": "AWS_IAM", "function": "status"}, "$default": "echo"}, iam=signing.iam()))
    keys = {"AWS_ACCESS_KEY_ID": signing.KEY_ID, "AWS_SECRET_ACCESS_KEY": signing.SECRET, "AWS_REGION": "us-east-1"}
    signed = client(url_of(emulator, "/dev?room=a b&x=%2F"), "--sign", "--send", "hello", "--expect", "1", **keys)
    assert (signed.returncode, signed.stdout) == (0, b"hello\n"), signed.stderr
    unsigned = client(url_of(emulator), "--send", "hello", **keys)
    assert unsigned.returncode == 1
    assert "x-amzn-ErrorType: MissingAuthenticationTokenException" in said(unsigned)
    assert "--sign makes one" in said(unsigned)
    wrong = client(url_of(emulator), "--sign", "--send", "hello", **{**keys, "AWS_SECRET_ACCESS_KEY": "wrong"})
    assert "is AWS_SECRET_ACCESS_KEY the one of this key?" in said(wrong)


# ---- refusals ----


def answering(text):
    return lambda peer: peer.answer(text)


@pytest.mark.parametrize(
    "answer, words",
    [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "refused: 200 OK hi The server speaks HTTP, but no WebSocket"),
        ("HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n", "Location: /login It is somewhere else"),
        ("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "401 Unauthorized The authorizer wants to know who it is"),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "There is nothing at this path"),
        ("HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\n\r\n", "429 Too Many Requests Too many connections"),
        ('HTTP/1.1 502 Bad Gateway\r\n\r\n{"message": "Internal server error"}', '{"message": "Internal server error"} The handler of $connect has failed'),
        ("HTTP/1.1 504 Gateway Timeout\r\n\r\n", "longer than 29 seconds"),
        ("HTTP/1.1 418 I'm a \x1b[2Jteapot\r\nX: \x1b\r\nContent-Length: 9\r\n\r\n\x1b]0;x\x07y\x9bz", r"418"),
        ("SSH-2.0-OpenSSH_9.2\r\n", "what the server answers is no HTTP"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "the server speaks TLS Use wss:// in place of ws://."),
        ("", "the server has closed the connection without an answer"),
        ("HTTP/1.1 403 Forb", "the server has closed the connection without an answer"),
        ("HTTP/1.1 403 Forbidden\r\n" + "".join(f"X-{i}: y\r\n" for i in range(200)) + "\r\n", "it has too many headers"),
        ("HTTP/1.1 403 Forbidden\r\nX: " + "y" * 200_000 + "\r\n\r\n", "what the server answers is no HTTP"),
    ],
    ids=range(14),
)  # fmt: skip
def test_an_answer_that_is_no_101_is_shown_and_explained(serve, client, answer, words):
    result = client(serve(answering(answer)), "--timeout", "20")
    assert result.returncode == 1
    assert words in said(result)
    assert b"\x1b" not in result.stderr


def test_a_refusal_of_the_emulators_is_shown_and_explained(emulator, client):
    result = client(url_of(emulator, "/nope"))
    assert result.returncode == 1
    assert f"apigw connect: {url_of(emulator, '/nope')} has refused: 403 Forbidden" in said(result)
    assert 'x-amzn-ErrorType: ForbiddenException {"message": "Forbidden"} There is no such stage' in said(result)
    assert b"\n  There is no such stage" in result.stderr
    assert "The URL has no stage" in said(client(url_of(emulator, "")))


def test_a_server_that_says_nothing_is_given_up(serve, client):
    result = client(serve(lambda peer: peer.stream.read_to_end()), "--timeout", "0.3")
    assert result.returncode == 1
    assert "the handshake was not answered in time" in said(result)


def test_where_nobody_listens_is_told(client):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    result = client(f"ws://127.0.0.1:{port}/dev")
    assert result.returncode == 1
    assert f"127.0.0.1:{port} cannot be reached: Connection refused Is the emulator running?" in said(result)


def test_a_name_that_there_is_not_is_told(client):
    result = client("ws://no-such-host.invalid/dev")
    assert result.returncode == 1
    assert "there is no host named no-such-host.invalid" in said(result)
    assert "--connect-to 127.0.0.1:80 says" in said(result)
    assert "--connect-to 127.0.0.1:45 says" in said(client("wss://no-such-host.invalid:45/dev"))


# ---- TLS ----


@pytest.fixture
def certificate(tmp_path):
    """A certificate for 127.0.0.1 that signs itself: (folder, certificate, key)."""
    folder = tmp_path / "ca"
    folder.mkdir()
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test"
    subprocess.run(
        [*command.split(), "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem", "-out", folder / "ca.pem"],
        capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    return folder, folder / "ca.pem", folder / "key.pem"


@pytest.fixture
def tls_url(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate[1], certificate[2])

    def scenario(peer):
        peer.accept()
        payload = peer.receive_frame()[2]
        peer.send(payload)
        peer.finish()

    server = Server(scenario, context)
    yield server.url.replace("ws://", "wss://")
    server.close()


def test_a_certificate_must_be_trusted(tls_url, certificate, client):
    folder, path, _ = certificate
    big = "x" * 300_000
    distrusted = client(tls_url, "--send", "hello")
    assert distrusted.returncode == 1
    assert "is not trusted" in said(distrusted)
    assert "--cacert FILE trusts another authority, --insecure any" in said(distrusted)
    for arguments, env in (
        (("--cacert", path), {}),
        (("--insecure",), {}),
        ((), {"APIGW_CA_DIR": str(folder)}),
    ):
        result = client(tls_url, "--expect", "1", *arguments, input=big, **env)
        assert (result.returncode, result.stdout) == (0, big.encode() + b"\n")


def test_the_emulators_own_authority_is_trusted_where_it_keeps_it(tls_url, certificate, client, tmp_path):
    for variable, place in (("XDG_DATA_HOME", "data/apigw/ca"), ("HOME", "home/.local/share/apigw/ca")):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "ca.pem").write_bytes(certificate[1].read_bytes())
        result = client(
            tls_url, "--send", "hello", "--expect", "1", APIGW_CA_DIR="", **{variable: str(tmp_path / place.split("/")[0])}
        )
        assert (result.returncode, result.stdout) == (0, b"hello\n")


def test_a_file_of_authorities_that_is_not_there_is_told(client, tmp_path):
    result = client("wss://127.0.0.1:1/dev", "--cacert", tmp_path / "none.pem")
    assert result.returncode == 1
    assert "none.pem: No such file or directory" in said(result)


def test_tls_spoken_to_a_server_that_does_not_is_explained(serve, client):
    url = serve(answering("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")).replace("ws://", "wss://")
    result = client(url)
    assert result.returncode == 1
    assert "use ws:// (or http://) in place of wss://" in said(result)


# ---- the command line ----


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("http://127.0.0.1:1/dev",), "http:// is for HTTP requests; for a WebSocket it is ws://127.0.0.1:1/dev"),
        (("https://h/dev",), "https:// is for HTTP requests; for a WebSocket it is wss://h/dev"),
        (("ftp://h/dev",), "those begin with ws:// or wss://, such as ws://127.0.0.1:"),
        (("ws://",), "has no host; a URL looks like ws://127.0.0.1:"),
        (("/dev",), "has no host"),
        (("ws://h:99999/dev",), "is no URL"),
        (("ws://user:pass@h/dev",), "a name or password in a URL is not sent"),
        (("ws://h/dev#x",), "has no #fragment ('#x')"),
        (("wss://abc.execute-api.us-east-1.amazonaws.com",), "has no stage: it is the path, as in wss://abc.execute-api"),
        (("ws://abc.execute-api.eu-west-1.localhost/",), "has no stage: it is the path, as in ws://abc.execute-api.eu-west-1.localhost/dev"),
        (("ws://h/" + "x" * 9000,), "a URL has at most 8192 bytes"),
        (("ws://h/a", "ws://h/b"), "one URL is enough; 'ws://h/b' is another"),
        (("--nonsense",), "there is no option '--nonsense'"),
        (("--header",), "--header needs a value"),
        (("--header", "no colon"), "a header is written 'Name: value'"),
        (("--header", "Upgrade: x"), "the header Upgrade is part of every handshake"),
        (("--header", "X: a\r\nY: b"), "the header X has a line break in it"),
        (("--header", "Sec-WebSocket-Protocol: x"), "--subprotocol says which"),
        (("--subprotocol", "a, b"), "'a, b' is no name of a subprotocol"),
        (("--expect", "0"), "--expect takes a number of messages"),
        (("--wait", "soon"), "--wait takes seconds"),
        (("--wait", "1e9"), "--wait takes seconds"),
        (("--timeout", "0"), "--timeout takes seconds, more than 0"),
        (("--connect-to", "h"), "--connect-to takes HOST:PORT"),
        (("--connect-to", "::1:80"), "--connect-to takes HOST:PORT"),
        (("--color=pink",), "--color takes auto, always or never"),
        (("--script", "x", "--send", "y"), "take one"),
        (("--null", "--pretty"), "--null prints messages as they came"),
        (("--sign",), "--sign needs AWS_ACCESS_KEY_ID"),
        (("--script", "/nowhere/at/all", "ws://h/dev"), "/nowhere/at/all: No such file"),
        (("--ready-file", "/nowhere/at/all"), "/nowhere/at/all: No such file"),
    ],
)  # fmt: skip
def test_a_mistake_of_the_command_line_is_explained(client, arguments, words):
    result = client(*arguments)
    assert (result.returncode, result.stdout) == (2, b"")
    assert words in said(result)
    assert said(result).endswith("Try 'apigw connect --help'. ")


# ---- which emulator ----


def test_without_a_url_the_emulator_that_runs_is_found(start, client, tmp_path):
    none = client("--send", "x")
    assert none.returncode == 2
    assert "no emulator runs, so a URL is needed, such as ws://127.0.0.1:" in said(none)

    one = start(env={"XDG_RUNTIME_DIR": str(tmp_path)})
    result = client("--send", "hello", "--expect", "1")
    assert (result.returncode, result.stdout) == (0, b"hello\n"), result.stderr

    other = start(env={"XDG_RUNTIME_DIR": str(tmp_path)})
    both = client("--send", "x")
    assert both.returncode == 2
    assert "several APIs or stages are served" in said(both)
    assert url_of(one) in said(both) and url_of(other) in said(both)

    other.stop()
    assert client("--send", "hello", "--expect", "1").stdout == b"hello\n"


def test_an_emulator_that_was_killed_is_not_found(start, client, tmp_path):
    emulator = start(env={"XDG_RUNTIME_DIR": str(tmp_path)})
    emulator.process.kill()
    emulator.process.wait()
    emulator.finish = lambda: None
    folder = tmp_path / "apigw"
    assert [path.name for path in folder.iterdir()] == [f"{emulator.process.pid}.json"], "it could not remove it"
    assert "no emulator runs" in said(client("--send", "x"))
    next_one = start(env={"XDG_RUNTIME_DIR": str(tmp_path)})
    assert [path.name for path in folder.iterdir()] == [f"{next_one.process.pid}.json"], "the next one has"


def test_where_emulators_announce_themselves_is_nobody_elses(start, client, tmp_path):
    emulator = start(env={"XDG_RUNTIME_DIR": str(tmp_path)})
    folder = tmp_path / "apigw"
    (path,) = folder.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text()) == emulator.ready
    folder.chmod(0o755)
    assert "no emulator runs" in said(client("--send", "x")), "somebody else could have written there"
    folder.chmod(0o700)
    emulator.stop()
    assert list(folder.iterdir()) == []


def test_what_others_put_there_does_no_harm(start, client, tmp_path):
    start(env={"XDG_RUNTIME_DIR": str(tmp_path)})
    folder = tmp_path / "apigw"
    (folder / "1.json").write_text("{")
    (folder / "2.json").mkdir()
    os.mkfifo(folder / "3.json")
    (folder / "4.json").symlink_to("/etc/passwd")
    (folder / "notes.txt").touch()
    assert client("--send", "hello", "--expect", "1").stdout == b"hello\n"


def test_an_emulator_runs_where_it_cannot_announce_itself(start, tmp_path):
    (tmp_path / "apigw").symlink_to("/")
    emulator = start(env={"XDG_RUNTIME_DIR": str(tmp_path), "HOME": "/nonexistent"}, arguments=["--log-level", "debug"])
    assert emulator.connect().ask("hello") == "hello"


def test_a_ready_file_and_the_environment_say_where_it_is(emulator, client, tmp_path):
    assert client("--ready-file", emulator.ready_path, "--send", "hello", "--expect", "1").stdout == b"hello\n"
    assert client("--send", "hello", "--expect", "1", APIGW_WEBSOCKET_URL=url_of(emulator)).stdout == b"hello\n"
    (tmp_path / "other.json").write_text('{"port":1}')
    result = client("--ready-file", tmp_path / "other.json")
    assert result.returncode == 2
    assert "is no ready file: 'apigw run --ready-file" in said(result)


def test_exec_gives_its_command_the_url(tmp_path):
    (tmp_path / "routes.json").write_text(json.dumps(harness.api()))
    result = harness.run("exec", "routes.json", "--", harness.PROGRAM, "connect", "--send", "hello", "--expect", "1", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (0, "hello\n")


def test_a_url_needs_no_scheme(emulator, client):
    assert client(url_of(emulator).removeprefix("ws://"), "--send", "hello", "--expect", "1").stdout == b"hello\n"


# ---- the program ----


def test_help_is_the_clients(client):
    for arguments in (("connect", "--help"), ("help", "connect")):
        result = harness.run(*arguments)
        assert (result.returncode, result.stderr) == (0, "")
        assert result.stdout.startswith("Usage: apigw connect [OPTION]... [URL]\n")


def test_a_missing_client_is_told(tmp_path):
    program = pathlib.Path(tmp_path) / "apigw"
    program.write_bytes(harness.PROGRAM.read_bytes())
    program.chmod(0o755)
    result = subprocess.run([program, "connect", "ws://h/dev"], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    assert f"{tmp_path}/apigw-client cannot be run: No such file or directory" in result.stderr


def test_the_client_alone_says_what_it_is_for():
    result = subprocess.run([harness.BUILD / "apigw-client"], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 2
    assert result.stderr.startswith("Usage: apigw-client connect|post|connections ")


# ---- several APIs ----


def test_one_of_several_apis_and_stages_is_chosen_by_name(start, client, tmp_path):
    chat = harness.api(name="chat", stages={"dev": {}, "prod": {}})
    emulator = start(chat, also=[harness.api(name="other", apiId="other12345")], env={"XDG_RUNTIME_DIR": str(tmp_path)})
    both = client("--send", "x")
    assert both.returncode == 2
    for words in ("/dev (chat, stage dev, process", "/prod (chat, stage prod, process", "/dev (other, stage dev, process"):
        assert words in said(both)
    for arguments in (("--api", "chat", "--stage", "prod"), ("--stage", "prod"), ("--api", "other"), ("--api", "other12345")):
        result = client(*arguments, "--send", '{"action":"whoami"}', "--expect", "1")
        context = json.loads(result.stdout)["requestContext"]
        assert context["stage"] == ("prod" if "prod" in arguments else "dev")
        assert (context["apiId"] == "other12345") == (arguments[0] == "--api" and arguments[1].startswith("other"))
    none = client("--api", "nobody", "--send", "x")
    assert none.returncode == 2
    assert "none of what is served has that name: ws://" in said(none)
    assert emulator.process.poll() is None


def test_a_custom_domain_of_a_running_emulator_is_reached_by_itself(start, client, tmp_path):
    """No DNS knows it."""
    api = harness.api(disableExecuteApiEndpoint=True, domains={"chat.example.test": {"v1": "dev"}})
    start(api, env={"XDG_RUNTIME_DIR": str(tmp_path)})
    result = client("--send", '{"action":"whoami"}', "--expect", "1", "--verbose")
    assert result.returncode == 0, said(result)
    assert json.loads(result.stdout)["requestContext"]["domainName"].startswith("chat.example.test")
