"""The projects of `apigw new` build, pass their own tests, run, and answer."""

import contextlib
import json
import signal
import subprocess

import harness
import pytest
import wire


@pytest.fixture(params=["prefix", "package"])
def installed(request):
    return request.getfixturevalue("installation" if request.param == "prefix" else "unpacked")


@contextlib.contextmanager
def served(installed, folder):
    """The project as its README says to run it, but for the port: its address."""
    ready = folder / "ready.json"
    log = (folder / "log").open("w+")
    process = subprocess.Popen(
        ["apigw", "run", "--port", "0", "--ready-file", ready],
        cwd=folder,
        env=installed.environment(),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        harness.until(lambda: ready.exists() or process.poll() is not None, "the project is served")
        assert process.poll() is None, (folder / "log").read_text()
        yield "127.0.0.1", json.loads(ready.read_text())["port"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(harness.DEADLINE_S) == 0
    finally:
        process.kill()
        process.wait()
        log.close()


def talk_echo(address):
    assert wire.Client(address, "/dev").ask("hello") == "hello"


def talk_chat(address):
    anna, bob = wire.Client(address, "/dev"), wire.Client(address, "/dev")
    anna.send("hello")
    assert bob.receive() == "hello"


def talk_authorizer(address):
    client = wire.Client(address, "/dev?token=let-me-in&name=anna")
    assert client.ask("who am I?") == "anna"
    with pytest.raises(wire.Refused) as refused:
        wire.Client(address, "/dev?token=wrong")
    assert refused.value.response.status == 401


TALKS = {"echo": talk_echo, "chat": talk_chat, "authorizer": talk_authorizer}


def test_each_template_is_talked_to():
    templates = {path.name for path in (harness.ROOT / "sdk" / "templates").iterdir()} - {"every"}
    assert templates == set(TALKS)


@pytest.mark.parametrize("template", TALKS)
def test_a_project_builds_passes_its_tests_and_runs(installed, tmp_path, template):
    installed.run("apigw", "new", "--template", template, "first-try", cwd=tmp_path)
    folder = tmp_path / "first-try"
    installed.shell("cmake -B build -DCMAKE_C_FLAGS=-Werror && cmake --build build", cwd=folder)
    tested = installed.run("ctest", "--test-dir", "build", "--output-on-failure", cwd=folder)
    assert "100% tests passed, 0 tests failed out of 2" in tested
    assert "ok: first-try, stage dev" in installed.run("apigw", "check", "routes.json", cwd=folder)
    with served(installed, folder) as address:
        TALKS[template](address)


def test_what_a_project_builds_and_keeps_is_not_committed(installation, tmp_path):
    installation.run("apigw", "new", "chat", cwd=tmp_path)
    folder = tmp_path / "chat"
    (folder / "build").mkdir()
    (folder / "build" / "chat.so").touch()
    (folder / ".apigw").mkdir()
    (folder / ".apigw" / "store").touch()
    installation.shell("git init -q . && git add .", cwd=folder)
    committed = installation.run("git", "ls-files", cwd=folder).split()
    assert "chat.c" in committed
    assert not [path for path in committed if path.startswith(("build/", ".apigw/"))]


def test_the_tests_of_a_project_fail_with_its_handler(installation, tmp_path):
    """They are no decoration: a plugin that answers something else is found by both."""
    installation.run("apigw", "new", "broken", cwd=tmp_path)
    source = tmp_path / "broken" / "broken.c"
    source.write_text(source.read_text().replace("event->body", 'APIGW_SPAN("something else")').replace("    return", "    (void)event;\n    return"))
    installation.shell("cmake -B build && cmake --build build", cwd=tmp_path / "broken")
    tested = installation.run("ctest", "--test-dir", "build", cwd=tmp_path / "broken", status=8)
    assert "0% tests passed, 2 tests failed out of 2" in tested
