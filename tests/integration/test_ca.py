"""The local CA: how it is made, `apigw ca`, and what programs that `exec` and handlers start know of it."""

import json
import os
import re
import ssl
import stat
import subprocess
import sys

import harness
import pytest


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "ca"


def ca(folder, *arguments, env=None):
    return harness.run("ca", *arguments, env={"APIGW_CA_DIR": str(folder), **(env or {})})


def execute(tmp_path, folder, code, env=None):
    """Runs Python code under `apigw exec`; what it printed as JSON, and what was logged."""
    (tmp_path / "routes.json").write_text(json.dumps(harness.api()))
    environment = {**dict.fromkeys(TRUST), "CURL_CA_BUNDLE": None, "APIGW_CA_DIR": str(folder), **(env or {})}
    result = harness.run("exec", "--", sys.executable, "-c", code, cwd=tmp_path, env=environment)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout), result.stderr


TRUST = ("NODE_EXTRA_CA_CERTS", "AWS_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
ENVIRONMENT = "import json, os; print(json.dumps(dict(os.environ)))"
CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


def certificates(path):
    return set(CERTIFICATE.findall(open(path, encoding="utf-8").read()))


# ---- making it ----


def test_ca_makes_a_ca_and_says_how_to_trust_it(folder):
    result = ca(folder)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"{folder}/ca.pem\n")
    for word in ("Node.js", "AWS CLI", "boto3", "curl --cacert", "update-ca-certificates", "certutil", "Firefox", "SHA-256"):
        assert word in result.stdout
    ssl.create_default_context(cafile=folder / "ca.pem")


def test_path_is_the_path_alone(folder):
    assert ca(folder, "--path").stdout == f"{folder}/ca.pem\n"
    assert (folder / "ca.pem").exists()


def test_a_ca_that_is_there_stays(folder):
    ca(folder, "--path")
    before = (folder / "ca.pem").read_bytes(), (folder / "ca-key.pem").read_bytes()
    assert ca(folder).returncode == 0
    assert ((folder / "ca.pem").read_bytes(), (folder / "ca-key.pem").read_bytes()) == before


def test_only_its_user_can_read_the_key(folder):
    previous = os.umask(0)
    try:
        ca(folder, "--path")
    finally:
        os.umask(previous)
    assert stat.S_IMODE((folder / "ca-key.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_processes_that_start_at_once_make_one_ca(folder):
    command = [str(harness.PROGRAM), "ca"]
    env = harness.environment({"APIGW_CA_DIR": str(folder)})
    started = [subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(12)]
    results = [process.communicate(timeout=harness.DEADLINE_S) for process in started]
    assert [process.returncode for process in started] == [0] * 12, results
    assert len({re.search("SHA-256 .*", out)[0] for out, _ in results}) == 1
    assert sorted(path.name for path in folder.iterdir()) in (
        ["bundle.pem", "ca-key.pem", "ca.pem", "lock"],
        ["ca-key.pem", "ca.pem", "lock"],  # a system without authorities of its own
    )


@pytest.mark.parametrize(
    "env,place", [({"XDG_DATA_HOME": "{}/data"}, "data/apigw/ca"), ({"HOME": "{}"}, ".local/share/apigw/ca")]
)
def test_it_is_where_a_users_data_is(tmp_path, env, place):
    unset = {"APIGW_CA_DIR": None, "XDG_DATA_HOME": None}
    env = {**unset, **{name: value.format(tmp_path) for name, value in env.items()}}
    assert harness.run("ca", "--path", env=env).stdout == f"{tmp_path}/{place}/ca.pem\n"


# ---- what can be wrong ----


def test_without_a_home_it_says_so_and_plain_clients_are_served(start):
    env = {"APIGW_CA_DIR": None, "XDG_DATA_HOME": None, "HOME": None}
    result = harness.run("ca", env=env)
    assert result.returncode == 1
    assert "HOME is not set; set HOME or APIGW_CA_DIR" in result.stderr
    emulator = start(env=env)
    emulator.wait_log("warn .*TLS is not served: .*HOME is not set")
    assert "secureWebsocket" not in emulator.ready
    assert emulator.connect(tls=None).ask("hello") == "hello"
    stream = harness.wire.Stream(emulator.address)
    stream.send(b"\x16\x03\x01\x02\x00\x01\x00")
    assert stream.read_to_end() == b""
    emulator.wait_log("closed a TLS connection .*: TLS is not served")


def test_a_place_where_nothing_can_be_made_is_said(tmp_path):
    (tmp_path / "file").touch()
    result = ca(tmp_path / "file" / "ca")
    assert result.returncode == 1
    assert "cannot be made" in result.stderr and "Not a directory" in result.stderr and "APIGW_CA_DIR" in result.stderr


def spoil(folder, kind, tmp_path):
    ca(folder, "--path")
    if kind == "no key":
        (folder / "ca-key.pem").unlink()
    elif kind == "junk":
        (folder / "ca.pem").write_text("junk")
    elif kind == "junk key":
        (folder / "ca-key.pem").write_text("junk")
    elif kind == "empty":
        (folder / "ca.pem").write_text("")
    elif kind == "another key":
        ca(tmp_path / "other", "--path")
        (folder / "ca-key.pem").write_bytes((tmp_path / "other" / "ca-key.pem").read_bytes())


WRONG = {
    "no key": "the key of the local CA cannot be read: .*ca-key.pem: No such file",
    "junk": "ca.pem has no certificate",
    "empty": "ca.pem has no certificate",
    "junk key": "ca-key.pem has no key",
    "another key": "ca-key.pem does not belong to the local CA",
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_ca_that_is_damaged_is_told_of_and_plain_clients_are_served(start, tmp_path, folder, kind):
    spoil(folder, kind, tmp_path)
    result = ca(folder)
    assert result.returncode == 1
    assert re.search(WRONG[kind] + ".*remove", result.stderr), result.stderr
    emulator = start(env={"APIGW_CA_DIR": str(folder)})
    stream = harness.wire.Stream(emulator.address)
    stream.send(b"\x16\x03\x01\x02\x00\x01\x00")
    assert stream.read_to_end() == b""
    emulator.wait_log("error .*TLS cannot be served: .*" + WRONG[kind])
    assert emulator.connect().ask("hello") == "hello"


def test_a_ca_that_was_mended_is_used_without_a_new_start(start, tmp_path, folder):
    spoil(folder, "junk", tmp_path)
    emulator = start(env={"APIGW_CA_DIR": str(folder)})
    stream = harness.wire.Stream(emulator.address)
    stream.send(b"\x16\x03\x01\x02\x00\x01\x00")
    assert stream.read_to_end() == b""
    (folder / "ca.pem").unlink()
    ca(folder, "--path")
    assert emulator.connect(tls=emulator.tls()).ask("hello") == "hello"


def test_a_wrong_command_line_ends_with_2(folder):
    assert ca(folder, "--nope").returncode == 2
    assert ca(folder, "more").returncode == 2
    assert not folder.exists()


# ---- what programs know of it ----


def test_exec_tells_its_command_of_the_ca(tmp_path, folder):
    environment, _ = execute(tmp_path, folder, ENVIRONMENT)
    (ours,) = certificates(folder / "ca.pem")
    assert environment["NODE_EXTRA_CA_CERTS"] == str(folder / "ca.pem")
    for name in TRUST:
        assert ours in certificates(environment[name])


def test_what_the_system_trusts_stays_trusted(tmp_path, folder):
    system = "/etc/ssl/certs/ca-certificates.crt"
    if not os.path.exists(system):
        pytest.skip("this system has no authorities of its own")
    environment, _ = execute(tmp_path, folder, ENVIRONMENT)
    for name in TRUST[1:]:
        assert certificates(environment[name]) > certificates(system)


@pytest.mark.parametrize("name", [*TRUST, "CURL_CA_BUNDLE"])
def test_what_the_user_had_set_stays_trusted(tmp_path, folder, name):
    ca(tmp_path / "other", "--path")
    theirs = tmp_path / "other" / "ca.pem"
    environment, _ = execute(tmp_path, folder, ENVIRONMENT, env={name: str(theirs)})
    assert certificates(environment[name]) == certificates(theirs) | certificates(folder / "ca.pem")


def test_a_bundle_follows_what_it_was_made_of(tmp_path, folder):
    theirs = tmp_path / "theirs.pem"
    for number in range(2):
        ca(tmp_path / str(number), "--path")
        theirs.write_bytes((tmp_path / str(number) / "ca.pem").read_bytes())
        environment, _ = execute(tmp_path, folder, ENVIRONMENT, env={"AWS_CA_BUNDLE": str(theirs)})
        assert certificates(theirs) < certificates(environment["AWS_CA_BUNDLE"])


def test_a_bundle_of_the_user_that_is_missing_is_told_of(tmp_path, folder):
    environment, log = execute(tmp_path, folder, ENVIRONMENT, env={"SSL_CERT_FILE": "/nowhere/ca.pem"})
    assert "SSL_CERT_FILE names /nowhere/ca.pem, which cannot be read: No such file" in log
    assert certificates(folder / "ca.pem") <= certificates(environment["SSL_CERT_FILE"])


def test_an_exec_within_an_exec_adds_nothing(tmp_path, folder):
    environment, _ = execute(tmp_path, folder, ENVIRONMENT)
    again, _ = execute(tmp_path, folder, ENVIRONMENT, env={name: environment[name] for name in TRUST})
    assert {name: again[name] for name in TRUST} == {name: environment[name] for name in TRUST}


def test_handlers_are_told_of_the_ca(start, folder):
    emulator = start(harness.api({"$default": "env"}), env={"APIGW_CA_DIR": str(folder), **dict.fromkeys(TRUST)})
    answer = emulator.connect().ask("NODE_EXTRA_CA_CERTS")
    assert str(folder / "ca.pem") in answer


def test_with_a_certificate_of_the_users_nothing_is_made_and_nothing_set(tmp_path, folder):
    ca(tmp_path / "other", "--path")
    other = tmp_path / "other"
    (tmp_path / "routes.json").write_text(json.dumps(harness.api()))
    env = {**dict.fromkeys(TRUST), "APIGW_CA_DIR": str(folder)}
    arguments = ["exec", "--tls-cert", other / "ca.pem", "--tls-key", other / "ca-key.pem", "--"]
    result = harness.run(*arguments, sys.executable, "-c", ENVIRONMENT, cwd=tmp_path, env=env)
    assert result.returncode == 0, result.stderr
    assert not set(TRUST) & set(json.loads(result.stdout))
    assert not folder.exists()
