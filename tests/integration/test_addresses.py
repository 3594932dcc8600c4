"""Where it listens: several addresses, names, IPv4 and IPv6, all with one port."""

import json
import re
import socket

import harness
import pytest
import wire


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")

SECURE = [False, pytest.param(True, id="tls")]


def hosts(*names):
    return [argument for name in names for argument in ("--host", name)]


def source_ip(emulator, address, name=None):
    """How a client at an address of ours is seen by a handler."""
    tls = emulator.tls(name or address) if name else None
    client = wire.Client((address, emulator.port), "/dev", tls=tls)
    emulator.clients.append(client)
    return json.loads(client.ask('{"action":"whoami"}'))["requestContext"]["identity"]["sourceIp"]


def is_refused(emulator, address):
    with pytest.raises(ConnectionRefusedError):
        wire.Stream((address, emulator.port))
    return True


def test_loopback_is_the_default(emulator):
    assert source_ip(emulator, "127.0.0.1") == "127.0.0.1"
    assert is_refused(emulator, "127.0.0.2")
    if has_ipv6():
        assert is_refused(emulator, "::1")


def test_several_addresses_have_one_port(start):
    emulator = start(arguments=hosts("127.0.0.2", "127.0.0.3"))
    assert emulator.ready["websocket"] == f"ws://127.0.0.2:{emulator.port}/dev", "the first is in URLs"
    for address in ("127.0.0.2", "127.0.0.3"):
        assert source_ip(emulator, address) == "127.0.0.1"
        assert source_ip(emulator, address, name=address) == "127.0.0.1", "the certificate has the address"
    assert is_refused(emulator, "127.0.0.1")


@needs_ipv6
@pytest.mark.parametrize("secure", SECURE)
def test_ipv6_works(start, secure):
    emulator = start(arguments=hosts("::1"))
    assert emulator.ready["websocket"] == f"ws://[::1]:{emulator.port}/dev"
    assert source_ip(emulator, "::1", "::1" if secure else None) == "::1"
    assert is_refused(emulator, "127.0.0.1")


@needs_ipv6
@pytest.mark.parametrize("secure", SECURE)
def test_ipv4_and_ipv6_together(start, secure):
    emulator = start(arguments=hosts("127.0.0.1", "::1"))
    for address in ("127.0.0.1", "::1"):
        assert source_ip(emulator, address, address if secure else None) == address


@needs_ipv6
def test_connections_are_posted_to_over_ipv6(start):
    emulator = start(arguments=hosts("::1"))
    client = wire.Client(("::1", emulator.port), "/dev")
    emulator.clients.append(client)
    target = emulator.connection_target(emulator.identify(client))
    for tls in (None, emulator.tls("::1")):
        assert wire.request(("::1", emulator.port), "POST", target, b"pushed", tls=tls).status == 200
        assert client.receive() == "pushed"


@pytest.mark.parametrize("secure", SECURE)
def test_localhost_is_both_loopbacks(start, secure):
    emulator = start(arguments=hosts("localhost"))
    assert emulator.ready["websocket"] == f"ws://localhost:{emulator.port}/dev"
    name = "localhost" if secure else None
    assert source_ip(emulator, "127.0.0.1", name) == "127.0.0.1"
    if has_ipv6():
        assert source_ip(emulator, "::1", name) == "::1"


@needs_ipv6
def test_the_ipv6_wildcard_serves_ipv4_too_and_shows_its_clients_as_such(start):
    emulator = start(arguments=hosts("::"))
    assert source_ip(emulator, "::1") == "::1"
    assert source_ip(emulator, "127.0.0.1") == "127.0.0.1"
    assert source_ip(emulator, "127.0.0.2", "127.0.0.2") == "127.0.0.1", "the certificate has the address that was reached"


@needs_ipv6
def test_both_wildcards_together(start):
    emulator = start(arguments=hosts("0.0.0.0", "::"))
    assert source_ip(emulator, "::1") == "::1"
    assert source_ip(emulator, "127.0.0.1") == "127.0.0.1"


def test_an_address_may_be_given_twice(start):
    emulator = start(arguments=hosts("127.0.0.1", "127.0.0.1", "localhost"))
    assert source_ip(emulator, "127.0.0.1") == "127.0.0.1"


def test_a_free_port_is_free_on_all_addresses(start):
    for _ in range(3):
        emulator = start(arguments=hosts("127.0.0.1", "127.0.0.2", "127.0.0.3"))
        assert {source_ip(emulator, f"127.0.0.{n}") for n in (1, 2, 3)} == {"127.0.0.1"}


def fails(tmp_path, *arguments):
    (tmp_path / "routes.json").write_text(json.dumps(harness.api()))
    return harness.run("run", *arguments, cwd=tmp_path)


def test_one_address_that_cannot_be_listened_on_is_named(tmp_path):
    result = fails(tmp_path, "--port", "0", *hosts("127.0.0.1", "192.0.2.1"))
    assert result.returncode == 1
    assert re.search("cannot listen on 192.0.2.1 port [0-9]+: .*not one of this machine", result.stderr)


def test_a_port_that_is_taken_on_one_address_is_told_of(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.2", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = fails(tmp_path, "--port", str(port), *hosts("127.0.0.1", "127.0.0.2"))
    assert result.returncode == 1
    assert f"cannot listen on 127.0.0.2 port {port}: Address already in use" in result.stderr


def test_a_name_that_is_none_is_told_of(tmp_path):
    result = fails(tmp_path, "--port", "0", *hosts("no.such.host.invalid"))
    assert result.returncode == 1
    assert "cannot listen on no.such.host.invalid: " in result.stderr


def test_there_is_a_limit_to_the_number_of_hosts(tmp_path):
    result = fails(tmp_path, *hosts(*(f"127.0.0.{n}" for n in range(1, 18))))
    assert result.returncode == 2
    assert "--host can be given 16 times at most" in result.stderr
