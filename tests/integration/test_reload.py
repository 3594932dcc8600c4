"""A plugin that is built anew, and a configuration that is saved, take effect while clients stay connected."""

import itertools
import json
import os
import shutil
import subprocess

import harness
import pytest

SOURCE = """
#include <apigw/plugin.h>
#include <stdio.h>
#include <unistd.h>

static int count;

static int answer(const struct apigw_event *event, struct apigw_context *context)
{
    char text[64];
    int len = snprintf(text, sizeof(text), "%s %d %d", VERSION, (int)getpid(), ++count);

    (void)event;
    return apigw_respond(context, 200, apigw_span_of(text, (size_t)len));
}

static int start(struct apigw_context *context)
{
    (void)context;
    return FAILS;
}

APIGW_PLUGIN_WITH_INIT("answer", VERSION, start, NULL, APIGW_HANDLER(NAME, answer));
"""


@pytest.fixture(scope="module")
def builds(tmp_path_factory):
    """builds(version, …): the path of a plugin that answers with its version, its process and how often it was asked."""
    folder = tmp_path_factory.mktemp("builds")
    (folder / "answer.c").write_text(SOURCE)

    def build(version, name="answer", fails=0):
        path = folder / f"{version}-{name}-{fails}.so"
        if not path.exists():
            defines = [f'-DVERSION="{version}"', f'-DNAME="{name}"', f"-DFAILS={fails}"]
            include = harness.ROOT / "sdk" / "include"
            subprocess.run(
                ["cc", "-shared", "-fPIC", f"-I{include}", *defines, "-o", path, folder / "answer.c"], check=True
            )
        return path

    return build


class Project:
    """A plugin and its configuration, as somebody works on them."""

    def __init__(self, folder, builds):
        self.builds = builds
        self.plugin = folder / "answer.so"
        self.install(builds("one"))
        self.numbers = itertools.count()

    def install(self, build):
        """As linkers do: another file takes the place of the old one."""
        fresh = self.plugin.with_suffix(".new")
        shutil.copy(build, fresh)
        os.replace(fresh, self.plugin)

    def config(self, routes=None, **members):
        functions = {"answer": {"plugin": str(self.plugin), "handler": "answer"}, **members.pop("functions", {})}
        routes = {"$default": {"function": "answer", "routeResponse": True}, **(routes or {})}
        return harness.api(routes, functions, **members)


@pytest.fixture
def project(tmp_path, builds):
    return Project(tmp_path, builds)


def asked(client):
    """Version, process, and how many messages that process has seen."""
    version, pid, count = client.ask("x").split()
    return version, int(pid), int(count)


def until_version(client, version):
    return harness.until(lambda: asked(client)[0] == version, f"version {version} answers")


def save(emulator, config):
    fresh = emulator.config_path.with_suffix(".new")
    fresh.write_text(json.dumps(config, indent=2))
    os.replace(fresh, emulator.config_path)


# ---- plugins ----


def test_a_plugin_that_is_built_anew_answers_the_next_messages_of_the_same_client(start, project):
    emulator = start(project.config(), watch=True)
    client = emulator.connect()
    assert asked(client)[0] == "one"
    project.install(project.builds("two"))
    until_version(client, "two")
    emulator.wait_log(r"answer: .*answer\.so has changed, and is used from now on")


def test_the_old_environments_end(start, project):
    emulator = start(project.config(), watch=True)
    client = emulator.connect()
    old = asked(client)[1]
    project.install(project.builds("two"))
    until_version(client, "two")
    harness.until(lambda: old not in emulator.hosts(), "the old environment is gone")


def test_what_runs_finishes_on_the_old_build(start, gate, project):
    shutil.copy(harness.plugin("gate"), project.plugin)
    function = {**gate.function(), "plugin": str(project.plugin)}
    emulator = start(harness.api({"$default": "gate"}, {"gate": function}), watch=True)
    first, second = emulator.connect(), emulator.connect()
    first.send("held")
    gate.wait_entered("held")
    (old,) = emulator.hosts()
    with project.plugin.open("ab") as file:
        file.write(b"\0")
    emulator.wait_log("has changed, and is used from now on")
    second.send("new")
    gate.wait_entered("new")
    gate.open("new", "held")
    assert second.receive() == "new"
    assert first.receive() == "held"
    harness.until(lambda: old not in emulator.hosts(), "the old environment is gone")


BROKEN = {
    "no shared object": lambda project: b"int main;",
    "half a file": lambda project: project.builds("two").read_bytes()[:5000],
    "another handler": lambda project: project.builds("two", name="reply").read_bytes(),
    "an init that fails": lambda project: project.builds("two", fails=1).read_bytes(),
}


@pytest.mark.parametrize("build", BROKEN)
def test_a_build_that_does_not_work_leaves_the_last_one_that_did(start, project, build):
    emulator = start(project.config(), watch=True)
    client = emulator.connect()
    _, pid, count = asked(client)
    project.plugin.with_suffix(".broken").write_bytes(BROKEN[build](project))
    project.install(project.plugin.with_suffix(".broken"))
    emulator.wait_log("has changed, but does not work, so the last one that did is used on: ")
    assert asked(client) == ("one", pid, count + 1)
    project.install(project.builds("three"))
    until_version(client, "three")


def test_a_file_that_is_overwritten_where_it_lies_crashes_nothing(start, project):
    emulator = start(project.config(), watch=True)
    client = emulator.connect()
    for version in ("two", "three", "four"):
        project.plugin.write_bytes(project.builds(version).read_bytes())
        until_version(client, version)
    assert "signal" not in emulator.log


def test_a_file_that_is_taken_away_serves_on_and_one_that_comes_back_is_used(start, project):
    emulator = start(project.config(), watch=True)
    client = emulator.connect()
    assert asked(client)[0] == "one"
    project.plugin.unlink()
    assert asked(client)[0] == "one"
    project.install(project.builds("two"))
    until_version(client, "two")


def test_a_storm_of_builds_loses_no_message(start, project):
    emulator = start(project.config(rules={"account-throttle": "off"}), watch=True)
    clients = [emulator.connect() for _ in range(8)]
    for turn in range(100):
        project.install(project.builds(("two", "three")[turn % 2]))
        for client in clients:
            client.send("x")
        answers = [client.receive() for client in clients]
        assert all(answer.split()[0] in ("one", "two", "three") for answer in answers), answers
    until_version(clients[0], "three")
    harness.until(lambda: len(emulator.hosts()) <= 8, "the old environments are gone")


# ---- configurations ----


def test_a_route_that_is_added_is_there_for_clients_that_are_connected(start, project):
    emulator = start(project.config(), watch=True)
    client = emulator.connect()
    _, pid, count = asked(client)
    save(emulator, project.config({"hello": "echo"}))
    emulator.wait_log("taken over")
    assert client.ask('{"action":"hello"}') == '{"action":"hello"}'
    assert asked(client) == ("one", pid, count + 1), "a function that did not change keeps its environment"


def test_a_route_that_is_taken_away_is_gone(start):
    emulator = start(harness.api({"hello": "echo"}), watch=True)
    client = emulator.connect()
    assert client.ask('{"action":"hello"}') == '{"action":"hello"}'
    save(emulator, harness.api({"other": "echo"}))
    emulator.wait_log("taken over")
    assert json.loads(client.ask('{"action":"hello"}'))["message"] == "Forbidden"


def test_a_function_that_changes_gets_new_environments(start, project):
    emulator = start(project.config(), watch=True)
    client = emulator.connect()
    old = asked(client)[1]
    save(emulator, project.config(functions={"answer": {"plugin": str(project.plugin), "handler": "answer", "timeout": 5}}))
    emulator.wait_log("taken over")
    assert asked(client)[1] != old
    harness.until(lambda: old not in emulator.hosts(), "the old environment is gone")


def test_changes_are_taken_no_notice_of_if_that_is_wanted(start, project):
    emulator = start(project.config())
    client = emulator.connect()
    _, pid, count = asked(client)
    project.install(project.builds("two"))
    save(emulator, harness.api({"$default": "echo"}))
    assert asked(client) == ("one", pid, count + 1)
    client.send("x")
    assert client.receive().startswith("one ")


def test_what_runs_finishes_with_the_function_it_began_with(start, gate):
    emulator = start(harness.api({"$default": "gate"}, {"gate": gate.function()}), watch=True)
    client = emulator.connect()
    client.send("held")
    gate.wait_entered("held")
    save(emulator, harness.api({"$default": "echo"}))
    emulator.wait_log("taken over")
    assert emulator.connect().ask("new") == "new"
    gate.open("held")
    assert client.receive() == "held"
    assert client.ask("after") == "after"


def test_a_configuration_with_errors_is_explained_and_changes_nothing(start):
    emulator = start(watch=True)
    client = emulator.connect()
    broken = harness.api()
    broken["routes"]["$default"]["function"] = "ehco"
    save(emulator, broken)
    emulator.wait_log('did you mean "echo"')
    emulator.wait_log("has errors, what was served before is served on")
    assert client.ask("x") == "x"


@pytest.mark.parametrize("key, value", [("stage", "prod"), ("name", "other"), ("rules", {"idle-timeout": 1000})])
def test_what_clients_were_told_already_cannot_change(start, key, value):
    emulator = start(watch=True)
    client = emulator.connect()
    save(emulator, harness.api(**{key: value}))
    emulator.wait_log(f'"{key}" cannot change while clients are served')
    assert client.ask("x") == "x"


def test_a_storm_of_configurations_loses_no_message(start):
    emulator = start(harness.api(rules={"account-throttle": "off"}), watch=True)
    clients = [emulator.connect() for _ in range(8)]
    for turn in range(30):
        extra = {f"extra{turn}": "echo"}
        save(emulator, harness.api({"$default": "echo", **extra}, {"echo": {"timeout": 3 + turn % 2}}, rules={"account-throttle": "off"}))
        for client in clients:
            client.send("x")
        assert [client.receive() for client in clients] == ["x"] * 8
    harness.until(lambda: clients[0].ask('{"action":"extra29"}') and "taken over" in emulator.log, "the last is served")
    harness.until(lambda: len(emulator.hosts()) <= 8, "the old environments are gone")
