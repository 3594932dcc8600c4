"""TLS on the same port: what it takes, what it refuses, and that whatever goes over it is as it is without."""

import json
import os
import pathlib
import re
import resource
import shutil
import socket
import ssl
import struct
import subprocess

import harness
import pytest
import wire

CLIENTS = 1000
NO_RATES = {"connections-per-second": "off", "account-throttle": "off"}
OPENSSL = shutil.which("openssl")

needs_openssl = pytest.mark.skipif(not OPENSSL, reason="there is no openssl to make a certificate with")


@pytest.fixture(autouse=True)
def plain_unless_told(monkeypatch):
    """Here each test says for itself what goes over TLS."""
    monkeypatch.delenv("APIGW_TEST_TLS", raising=False)


class Hello:
    """A TLS client whose bytes the test carries itself."""

    def __init__(self, emulator, context=None, name="localhost"):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = context or emulator.tls()[0]
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name)
        self.stream = wire.Stream(emulator.address)
        self.stream.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def first_bytes(self):
        """The client's hello."""
        with pytest.raises(ssl.SSLWantReadError):
            self.tls.do_handshake()
        return self.outgoing.read()

    def shake_hands(self):
        """The rest of the handshake, once the hello was sent."""
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.stream.send(self.outgoing.read())
                self.incoming.write(self.stream.socket.recv(65536))
        self.stream.send(self.outgoing.read())

    def send(self, data):
        self.tls.write(data)
        self.stream.send(self.outgoing.read())

    def receive(self):
        while True:
            try:
                return self.tls.read(65536)
            except ssl.SSLWantReadError:
                data = self.stream.socket.recv(65536)
                if not data:
                    raise EOFError from None
                self.incoming.write(data)


@pytest.fixture
def opened(emulator):
    """A connection after its handshake."""
    hello = Hello(emulator)
    hello.stream.send(hello.first_bytes())
    hello.shake_hands()
    return hello


def is_closed(stream):
    """The server has said its last word, and closed."""
    stream.read_to_end()
    return True


def cpu_seconds(emulator):
    fields = pathlib.Path(f"/proc/{emulator.process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# ---- what goes over it ----


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_websocket_works_over_each_version_of_tls(emulator, version):
    client = emulator.connect(tls=emulator.tls(minimum_version=version, maximum_version=version))
    assert client.stream.socket.version() == {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name]
    assert client.ask("hello") == "hello"
    assert client.close(1000) == (1000, "")


def test_plain_and_tls_clients_share_the_port_and_the_api(emulator):
    plain, secure = emulator.connect(), emulator.connect(tls=emulator.tls())
    assert (plain.ask("a"), secure.ask("b")) == ("a", "b")
    target = emulator.connection_target(emulator.identify(secure))
    assert emulator.http("POST", target, b"from plain HTTP").status == 200
    assert secure.receive() == "from plain HTTP"
    target = emulator.connection_target(emulator.identify(plain))
    assert emulator.http("POST", target, b"from HTTPS", tls=emulator.tls()).status == 200
    assert plain.receive() == "from HTTPS"


def test_connections_are_posted_to_asked_for_and_deleted_over_https(emulator):
    client = emulator.connect(tls=emulator.tls())
    target = emulator.connection_target(emulator.identify(client))
    assert emulator.http("POST", target, b"pushed", tls=emulator.tls()).status == 200
    assert client.receive() == "pushed"
    assert json.loads(emulator.http("GET", target, tls=emulator.tls()).text)["identity"]["sourceIp"] == "127.0.0.1"
    assert emulator.http("DELETE", target, tls=emulator.tls()).status == 204
    assert client.wait_closed() == (1000, "Connection Closed Normally")
    assert emulator.http("GET", target, tls=emulator.tls()).status == 410


def test_one_https_connection_carries_many_requests(emulator):
    stream = wire.Stream(emulator.address, tls=emulator.tls())
    for _ in range(20):
        stream.send(b"GET /dev/@connections/AAAAAAAAAAAAAAA= HTTP/1.1\r\nHost: x\r\n\r\n")
        assert stream.read_response().status == 410
    stream.close()


def test_a_refused_handshake_may_be_tried_again_on_the_same_connection(start):
    emulator = start(harness.api({"$connect": "status", "$default": "echo"}))
    stream = wire.Stream(emulator.address, tls=emulator.tls())
    refused, _ = wire.handshake_request("/dev?status=403")
    accepted, _ = wire.handshake_request("/dev")
    stream.send(refused * 3 + accepted)
    assert [stream.read_response().status for _ in range(4)] == [403, 403, 403, 101]
    stream.close()


def test_the_event_of_a_tls_client_is_as_that_of_a_plain_one(start):
    emulator = start(harness.api({"$default": "event"}))
    plain = json.loads(emulator.connect().ask("x"))["requestContext"]
    secure = json.loads(emulator.connect(tls=emulator.tls()).ask("x"))["requestContext"]
    assert secure["identity"] == plain["identity"] == {"sourceIp": "127.0.0.1", **plain["identity"]}
    assert secure["domainName"] == plain["domainName"]
    assert sorted(secure) == sorted(plain)


def test_a_message_of_128_kb_goes_both_ways(emulator):
    client = emulator.connect(tls=emulator.tls())
    message = os.urandom(64 * 1024).hex().encode()
    client.send_fragmented(message, 32 * 1024)
    assert client.receive_bytes() == message


def test_http_1_1_is_what_is_agreed_on(emulator):
    context, name = emulator.tls()
    context.set_alpn_protocols(["h2", "http/1.1"])
    stream = wire.Stream(emulator.address, tls=(context, name))
    assert stream.socket.selected_alpn_protocol() == "http/1.1"
    stream.close()
    context.set_alpn_protocols(["h2"])
    stream = wire.Stream(emulator.address, tls=(context, name))
    assert stream.socket.selected_alpn_protocol() is None
    stream.close()


def test_a_session_is_resumed(emulator):
    context, name = emulator.tls(maximum_version=ssl.TLSVersion.TLSv1_2)
    with socket.create_connection(emulator.address) as first, context.wrap_socket(first, server_hostname=name) as tls:
        session = tls.session
    with socket.create_connection(emulator.address) as again:
        with context.wrap_socket(again, server_hostname=name, session=session) as tls:
            assert tls.session_reused


def test_the_event_of_connect_says_which_scheme_the_client_used(start, events):
    emulator = start(harness.api({"$connect": "event", "$default": "echo"}, {"event": events.function}))
    emulator.connect(tls=emulator.tls())
    emulator.connect()
    first, second = (json.loads(text) for text in events.wait("CONNECT", 2))
    assert [event["headers"]["X-Forwarded-Proto"] for event in (first, second)] == ["https", "http"]
    assert first["headers"]["X-Forwarded-Port"] == second["headers"]["X-Forwarded-Port"] == str(emulator.port)


# ---- names ----


def names_of(emulator, name, check=True):
    """The names in the certificate that is shown to who asks for `name`; None asks for none."""
    context, _ = emulator.tls()
    context.check_hostname = check
    stream = wire.Stream(emulator.address, tls=(context, name))
    names = stream.socket.getpeercert()["subjectAltName"]
    stream.close()
    return {value for _, value in names}


NAMES = ["localhost", "127.0.0.1", "a1b2c3d4e5.execute-api.us-east-1.localhost", "x.localhost", "LOCALHOST"]


@pytest.mark.parametrize("name", NAMES)
def test_the_certificate_is_for_the_name_that_is_asked_for(emulator, name):
    assert names_of(emulator, name) >= {"localhost", "127.0.0.1", name.lower()}


def test_each_api_has_its_own_name_and_the_one_that_it_would_have_on_aws(emulator):
    api_id = json.loads(emulator.connect().ask('{"action":"whoami"}'))["requestContext"]["apiId"]
    for end in ("localhost", "amazonaws.com"):
        name = f"{api_id}.execute-api.us-east-1.{end}"
        assert name in names_of(emulator, name)


@pytest.mark.parametrize("name", ["example.com", "localhost.example.com", "xlocalhost", "-" * 60 + ".com"])
def test_a_name_that_is_not_ours_gets_no_certificate(emulator, name):
    assert name not in names_of(emulator, name, check=False)
    with pytest.raises(ssl.SSLCertVerificationError):
        names_of(emulator, name)


def test_a_custom_domain_has_its_certificate(start):
    domains = {name: {"": "dev"} for name in ("ws.example.com", "*.example.org")}
    emulator = start(harness.api(domains=domains))
    for name in ("ws.example.com", "any.example.org"):
        assert name in names_of(emulator, name)
    with pytest.raises(ssl.SSLCertVerificationError):
        names_of(emulator, "other.example.com")


def test_a_thousand_names_are_no_more_than_a_few_certificates(emulator):
    before = emulator.memory_bytes()
    for number in range(300):
        assert f"n{number}.localhost" in names_of(emulator, f"n{number}.localhost")
    if not harness.SANITIZED:
        assert emulator.memory_bytes() - before < 4 * 1024 * 1024


# ---- how it comes ----


def test_a_hello_in_many_segments_is_read_like_one(emulator):
    hello = Hello(emulator)
    for byte in hello.first_bytes():
        hello.stream.send(bytes([byte]))
    hello.shake_hands()
    data, _ = wire.handshake_request("/dev")
    hello.send(data)
    assert hello.receive().startswith(b"HTTP/1.1 101 ")
    hello.stream.close()


def test_a_head_in_many_records_is_read_like_one(opened):
    data, _ = wire.handshake_request("/dev")
    for byte in data:
        opened.send(bytes([byte]))
    assert opened.receive().startswith(b"HTTP/1.1 101 ")
    opened.stream.close()


def test_half_a_head_costs_nothing_while_the_other_half_is_waited_for(start):
    emulator = start(harness.api(rules={"head-timeout": 1500}))
    stream = wire.Stream(emulator.address, tls=emulator.tls())
    before = cpu_seconds(emulator)
    stream.send(b"GET /dev HTTP/1.1\r\nHo")
    assert stream.read_response().status == 408
    assert cpu_seconds(emulator) - before < 0.5
    stream.close()


def test_a_message_in_many_records_is_one(opened):
    data, _ = wire.handshake_request("/dev")
    opened.send(data)
    assert opened.receive().startswith(b"HTTP/1.1 101 ")
    for byte in wire.encode_frame(wire.TEXT, b"hello"):
        opened.send(bytes([byte]))
    assert opened.receive().endswith(b"hello")
    opened.stream.close()


# ---- what is refused ----


def test_plain_text_after_half_a_hello_closes_and_says_why(emulator):
    hello = Hello(emulator)
    hello.stream.send(hello.first_bytes()[:40] + b"GET /dev HTTP/1.1\r\nHost: x\r\n\r\n" * 40)
    assert is_closed(hello.stream)
    emulator.wait_log("TLS handshake has failed: .*rule=tls-failed")
    assert emulator.connect(tls=emulator.tls()).ask("hello") == "hello"


def test_plain_text_after_a_handshake_closes_with_an_alert_and_says_why(emulator, opened):
    opened.stream.send(b"GET /dev HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = opened.stream.read_to_end()
    opened.incoming.write(answer)
    with pytest.raises((ssl.SSLError, EOFError)):
        while True:
            opened.receive()
    emulator.wait_log("closed a TLS connection: .*rule=tls-failed")


def test_plain_text_after_a_handshake_takes_the_websocket_with_it(start, events):
    emulator = start(harness.api({"$disconnect": "event", "$default": "echo"}, {"event": events.function}))
    client = emulator.connect(tls=emulator.tls())
    assert client.ask("hello") == "hello"
    raw = client.stream.socket.detach()
    with socket.socket(fileno=raw) as plain:
        plain.sendall(b"this is no record of TLS")
        context = json.loads(events.wait("DISCONNECT")[0])["requestContext"]
    assert context["disconnectStatusCode"] == 1006


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_older_tls_is_refused_as_on_aws(emulator, version):
    context, name = emulator.tls()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with pytest.raises(ssl.SSLError, match="(?i)alert protocol version"):
        wire.Stream(emulator.address, tls=(context, name))
    emulator.wait_log(f"it speaks {version.name.replace('v', ' ').replace('_', '.').replace('TLS 1 ', 'TLS 1.0 ')}.* at most .*rule=tls-version")


def test_who_does_not_trust_the_ca_is_refused_by_itself_and_the_log_says_what_helps(emulator):
    with pytest.raises(ssl.SSLCertVerificationError):
        wire.Stream(emulator.address, tls=(ssl.create_default_context(), "localhost"))
    emulator.wait_log("the client does not trust the certificate .*rule=tls-failed .*apigw ca")


def test_who_hangs_up_without_a_word_after_the_handshake_is_told_of(emulator):
    wire.Stream(emulator.address, tls=emulator.tls()).close()
    emulator.wait_log("info .*asked for nothing .*apigw ca")


@needs_openssl
def test_renegotiation_is_refused(emulator):
    arguments = ["s_client", "-connect", f"127.0.0.1:{emulator.port}", "-tls1_2", "-CAfile", emulator.ready["caCertificate"]]
    result = subprocess.run(
        [OPENSSL, *arguments], input="R\nGET", capture_output=True, text=True, timeout=wire.DEADLINE_S, check=False
    )
    assert "Verify return code: 0 (ok)" in result.stdout
    assert "RENEGOTIATING" in result.stdout + result.stderr
    assert "no renegotiation" in result.stderr
    assert emulator.connect(tls=emulator.tls()).ask("hello") == "hello"


def test_a_slow_handshake_has_the_deadline_of_a_head(start):
    emulator = start(harness.api(rules={"head-timeout": 200}))
    hello = Hello(emulator)
    hello.stream.send(hello.first_bytes()[:100])
    assert is_closed(hello.stream)
    emulator.wait_log("TLS handshake took too long .*rule=head-timeout")


def test_a_handshake_whose_client_waits_behind_it_has_the_same_deadline(start):
    emulator = start(harness.api(rules={"head-timeout": 200}))
    stream = wire.Stream(emulator.address, tls=emulator.tls())
    assert stream.read_to_end() == b""


@pytest.mark.parametrize("junk", [b"\x16", b"\x16\x03", b"\x16" * 5000, b"\x16\x03\x01\xff\xff" + b"x" * 70000, b"\x16\x03\x03\0\0"])
def test_what_only_begins_like_tls_is_closed(start, junk):
    emulator = start(harness.api(rules={"head-timeout": 300}))
    stream = wire.Stream(emulator.address)
    try:
        stream.send(junk)
    except ConnectionError:
        pass  # it was closed before all was sent
    assert is_closed(stream)
    assert emulator.connect(tls=emulator.tls()).ask("hello") == "hello"


def test_hellos_with_a_wrong_byte_do_no_harm(start):
    emulator = start(harness.api(rules={"head-timeout": 1000}))
    hello = Hello(emulator)
    data = hello.first_bytes()
    streams = [hello.stream]
    for at in range(1, len(data), 5):
        streams.append(wire.Stream(emulator.address))
        streams[-1].send(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
    assert all(is_closed(stream) for stream in streams)
    assert emulator.connect(tls=emulator.tls()).ask("hello") == "hello"


# ---- the ends ----


def test_a_close_is_told_in_tls_too(emulator):
    client = emulator.connect(tls=emulator.tls())
    client.stream.socket.suppress_ragged_eofs = False
    client.send_frame(wire.CLOSE, struct.pack(">H", 1000))
    assert client.receive_frame()[1] == wire.CLOSE
    assert client.stream.socket.recv(100) == b"", "a close_notify, or this would have raised"


@pytest.mark.parametrize("how", ["reset", "close"])
def test_a_client_that_vanishes_is_told_to_the_handler(start, events, how):
    emulator = start(harness.api({"$disconnect": "event", "$default": "echo"}, {"event": events.function}))
    client = emulator.connect(tls=emulator.tls())
    assert client.ask("hello") == "hello"
    getattr(client.stream, how)()
    assert json.loads(events.wait("DISCONNECT")[0])["requestContext"]["disconnectStatusCode"] == 1006


def test_the_end_of_a_service_closes_tls_clients_with_1001(emulator):
    client = emulator.connect(tls=emulator.tls())
    assert client.ask("hello") == "hello"
    emulator.process.terminate()
    assert client.wait_closed() == (1001, "Going away")
    assert emulator.stop() == 0


def test_clients_leave_no_descriptor_behind(emulator):
    emulator.connect(tls=emulator.tls()).close(1000)
    before = harness.until(lambda: sockets(emulator), "its sockets can be counted")
    for number in range(50):
        client = emulator.connect(tls=emulator.tls())
        assert client.ask("hello") == "hello"
        (client.drop if number % 2 else client.close)()
        emulator.http("GET", "/dev", tls=emulator.tls())
        hello = Hello(emulator)
        hello.stream.send(hello.first_bytes()[:50])
        hello.stream.close()
    harness.until(lambda: sockets(emulator) <= before, "the sockets are closed")


def sockets(emulator):
    folder = pathlib.Path(f"/proc/{emulator.process.pid}/fd")
    count = 0
    for entry in folder.iterdir():
        try:
            count += os.readlink(entry).startswith("socket:")
        except FileNotFoundError:
            pass
    return count


# ---- what a plain client has, too ----


def test_an_unmasked_frame_is_a_protocol_error(emulator):
    client = emulator.connect(tls=emulator.tls())
    client.send_frame(wire.TEXT, b"unmasked", mask=False)
    assert client.wait_closed()[0] == 1002


def test_a_ping_keeps_a_connection_and_silence_ends_it(emulator):
    client = emulator.connect(tls=emulator.tls())
    emulator.advance("6m")
    client.send_frame(wire.PING, b"x")
    assert client.receive_frame() == (True, wire.PONG, b"x")
    emulator.advance("6m")
    assert client.ask("still here") == "still here"
    emulator.advance("11m")
    assert client.wait_closed() == (1001, "Going away")


def test_a_client_that_does_not_read_is_bounded_and_gets_all_that_was_taken(emulator):
    client = emulator.connect(tls=emulator.tls(), receive_buffer=4096)
    target = emulator.connection_target(emulator.identify(client))
    taken = 0
    before = emulator.memory_bytes()
    while emulator.http("POST", target, f"{taken:08d}".encode() * 8192).status == 200:
        taken += 1
        assert taken < 200, "there is no end to what is taken"
    assert taken >= 14, "a megabyte waits for it"
    if not harness.SANITIZED:
        assert emulator.memory_bytes() - before < 16 * 1024 * 1024
    for number in range(taken):
        assert client.receive_bytes()[:8] == f"{number:08d}".encode()
    assert client.ask("and now") == "and now"


def test_a_thousand_idle_tls_clients_are_served_and_leave_nothing_behind(start):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4 * CLIENTS)), hard))
    try:
        emulator = start(harness.api(rules=NO_RATES))
        before, memory = sockets(emulator), emulator.memory_bytes()
        clients = [emulator.connect(tls=emulator.tls()) for _ in range(CLIENTS)]
        for number in (0, CLIENTS // 2, CLIENTS - 1):
            assert clients[number].ask(f"from {number}") == f"from {number}"
        if not harness.SANITIZED:
            assert (emulator.memory_bytes() - memory) / CLIENTS < 128 * 1024
        for client in clients:
            client.send("hello")
        for client in clients:
            assert client.receive() == "hello"
        for client in clients:
            client.drop()
        harness.until(lambda: sockets(emulator) <= before, "the sockets are closed")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_tls_clients_beyond_the_descriptors_wait_until_others_leave(start):
    def few_descriptors():
        resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))

    emulator = start(harness.api(rules={**NO_RATES, "head-timeout": 60_000}), preexec=few_descriptors)
    clients = []
    hello = None
    while not hello:
        stream = Hello(emulator)
        stream.stream.send(stream.first_bytes())
        stream.stream.socket.settimeout(1)
        try:
            stream.shake_hands()
            clients.append(stream)
        except TimeoutError:
            hello = stream
        assert len(clients) < 128
    emulator.wait_log("descriptors-exhausted")
    assert len(clients) >= 20
    for client in clients[:5]:
        client.stream.close()
    hello.stream.socket.settimeout(wire.DEADLINE_S)
    hello.incoming.write(hello.stream.socket.recv(65536))
    hello.shake_hands()
    data, _ = wire.handshake_request("/dev")
    hello.send(data)
    assert hello.receive().startswith(b"HTTP/1.1 101 ")
    for client in (hello, *clients):
        client.stream.close()


# ---- certificates that are given ----


def make_certificate(folder, days=30, name="localhost"):
    """A self-signed certificate and its key."""
    certificate, key, request = folder / "cert.pem", folder / "key.pem", folder / "request.pem"
    made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", request]
    names = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1"]
    subprocess.run([OPENSSL, "req", *made, *names], check=True, capture_output=True)
    signed = ["-in", request, "-signkey", key, "-days", str(days), "-copy_extensions", "copy", "-out", certificate]
    subprocess.run([OPENSSL, "x509", "-req", *signed], check=True, capture_output=True)
    return certificate, key


def given(certificate, key):
    return ["--tls-cert", str(certificate), "--tls-key", str(key)]


@needs_openssl
def test_a_certificate_that_is_given_is_shown(start, tmp_path):
    certificate, key = make_certificate(tmp_path)
    emulator = start(arguments=given(certificate, key))
    assert "caCertificate" not in emulator.ready
    assert emulator.ready["secureWebsocket"].startswith("wss://")
    context = ssl.create_default_context(cafile=certificate)
    assert emulator.connect(tls=(context, "localhost")).ask("hello") == "hello"


@needs_openssl
def test_an_expired_certificate_is_served_with_a_warning_and_its_clients_are_told_of(start, tmp_path):
    certificate, key = make_certificate(tmp_path, days=-1)
    emulator = start(arguments=given(certificate, key))
    emulator.wait_log("warn .*--tls-cert: .*cert.pem has expired")
    context = ssl.create_default_context(cafile=certificate)
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        wire.Stream(emulator.address, tls=(context, "localhost"))
    emulator.wait_log('the client does not trust the certificate \\(alert "certificate expired"\\)')
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    assert emulator.connect(tls=(context, "localhost")).ask("hello") == "hello"


def run_with(tmp_path, *arguments):
    (tmp_path / "routes.json").write_text(json.dumps(harness.api()))
    return harness.run("exec", *arguments, "--", "true", cwd=tmp_path)


@pytest.mark.parametrize("option", ["--tls-cert", "--tls-key"])
def test_a_certificate_without_its_key_is_a_wrong_command_line(tmp_path, option):
    result = run_with(tmp_path, option, "x.pem")
    assert result.returncode == 2
    assert "--tls-cert and --tls-key go together" in result.stderr


@needs_openssl
def test_what_is_wrong_with_a_certificate_is_said(tmp_path):
    certificate, key = make_certificate(tmp_path)
    (tmp_path / "other").mkdir()
    _, other_key = make_certificate(tmp_path / "other")
    junk = tmp_path / "junk.pem"
    junk.write_text("-----BEGIN CERTIFICATE-----\nno\n")
    locked = tmp_path / "locked.pem"
    encrypt = ["pkey", "-in", key, "-aes256", "-passout", "pass:secret", "-out", locked]
    subprocess.run([OPENSSL, *encrypt], check=True, capture_output=True)
    wrong = [
        (tmp_path / "absent.pem", key, "--tls-cert: .*absent.pem: No such file"),
        (certificate, tmp_path / "absent.pem", "--tls-key: .*absent.pem: No such file"),
        (junk, key, "--tls-cert: .*junk.pem has no certificate in PEM"),
        (certificate, junk, "--tls-key: .*junk.pem has no private key in PEM"),
        (certificate, locked, "--tls-key: .*locked.pem .*passphrase"),
        (certificate, other_key, "--tls-key: .*key.pem is not the key of the certificate"),
    ]
    for cert, its_key, message in wrong:
        result = run_with(tmp_path, *given(cert, its_key))
        assert result.returncode == 1, (message, result.stderr)
        assert re.search(message, result.stderr), result.stderr
