"""What is under /_apigw: health, connections, functions; and what web pages of others get there: nothing."""

import datetime
import json
import os
import re
import resource
import shutil
import signal
import socket
import time
import urllib.parse

import harness
import pytest
import wire

IDLE_MS, LIFETIME_MS = 600_000, 7_200_000
SLACK_MS = 20_000  # of a slow machine


def ask(emulator, path, status=200, headers=()):
    response = emulator.http("GET", f"/_apigw{path}", headers=headers)
    assert response.status == status, response.text
    assert response.get("Content-Type") == "application/json"
    body = json.loads(response.text)
    assert list(body)[0] == ("version" if "message" not in body else "message")
    return body


def close(emulator, connection_id, headers=harness.JSON):
    target = f"/_apigw/connections/{urllib.parse.quote(connection_id, safe='')}"
    return emulator.http("DELETE", target, headers=headers)


def connections(emulator, query=""):
    return ask(emulator, f"/connections{query}")["connections"]


def connection(emulator, connection_id):
    return ask(emulator, f"/connections/{connection_id}")


def function(emulator, name):
    (found,) = [f for f in ask(emulator, "/functions")["functions"] if f["name"] == name and not f["retired"]]
    return found


def states(emulator, name):
    return sorted(environment["state"] for environment in function(emulator, name)["environments"])


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def broken(plugin, **members):
    """A function of one of the plugins whose init goes wrong; they have one handler each, named like them."""
    return {"plugin": harness.plugin(plugin), "handler": plugin, **members}


# ---- connections ----


def test_a_connection_is_shown_with_all_that_is_known_of_it(emulator):
    client = emulator.connect(headers=[("User-Agent", 'test "1"/\xe9'), ("Host", "chat.localhost:99")])
    shown = connections(emulator)
    assert len(shown) == 1
    config = json.loads(emulator.config_path.read_text())
    alone = connection(emulator, shown[0]["id"])
    assert list(alone) == ["version", *shown[0]]
    assert all(alone[key] == shown[0][key] for key in shown[0] if not key.endswith("LeftMs"))
    assert list(shown[0]) == [
        *("id", "apiId", "api", "stage", "state", "connectedAt", "lastActiveAt", "idleLeftMs", "lifetimeLeftMs"),
        *("sourceIp", "sourcePort", "userAgent", "domainName", "principalId", "secure", "received", "sent", "queue"),
    ]
    local_port = client.stream.socket.getsockname()[1]
    expected = {
        "api": config["name"],
        "stage": "dev",
        "state": "open",
        "sourceIp": "127.0.0.1",
        "sourcePort": local_port,
        "domainName": "chat.localhost:99",
        "principalId": None,
        "secure": False,
        "received": {"messages": 0, "bytes": 0},
        "sent": {"messages": 0, "bytes": 0},
        "queue": {"messages": 0, "bytes": 0},
    }
    assert {key: shown[0][key] for key in expected} == expected
    assert shown[0]["userAgent"].startswith('test "1"/')
    assert IDLE_MS - SLACK_MS < shown[0]["idleLeftMs"] <= IDLE_MS
    assert LIFETIME_MS - SLACK_MS < shown[0]["lifetimeLeftMs"] <= LIFETIME_MS
    assert abs(moment(shown[0]["connectedAt"]) - time.time()) < SLACK_MS / 1000
    event = json.loads(client.ask('{"action":"whoami"}'))
    assert event["requestContext"]["connectionId"] == shown[0]["id"]
    assert event["requestContext"]["apiId"] == shown[0]["apiId"]
    assert event["requestContext"]["connectedAt"] == round(moment(shown[0]["connectedAt"]) * 1000)


def test_messages_and_bytes_are_counted_each_way(emulator):
    client = emulator.connect()
    connection_id = emulator.identify(client)
    first = connection(emulator, connection_id)
    for _ in range(3):
        client.ask("12345")
    client.send_fragmented(b"x" * 40_000, 10_000)
    client.receive()
    assert emulator.post(connection_id, "12").status == 200
    client.receive()
    last = connection(emulator, connection_id)
    assert last["received"]["messages"] - first["received"]["messages"] == 4
    assert last["received"]["bytes"] - first["received"]["bytes"] == 40_015
    assert last["sent"]["messages"] - first["sent"]["messages"] == 5
    assert last["sent"]["bytes"] - first["sent"]["bytes"] == 40_017


def test_what_a_client_does_not_read_is_in_its_queue(emulator):
    client = emulator.connect(receive_buffer=4096)
    connection_id = emulator.identify(client)
    sent = 0
    while connection(emulator, connection_id)["queue"]["messages"] < 3:
        assert emulator.post(connection_id, b"x" * 65536).status == 200
        sent += 65536
        assert sent < 32 << 20
    queue = connection(emulator, connection_id)["queue"]
    assert queue == {"messages": 3, "bytes": 3 * 65536}
    for _ in range(sent // 65536):
        client.receive()
    harness.until(
        lambda: connection(emulator, connection_id)["queue"] == {"messages": 0, "bytes": 0}, "the queue is empty"
    )


def test_what_is_left_shrinks_with_the_clock_and_traffic_makes_it_whole_again(emulator):
    client = emulator.connect()
    connection_id = emulator.identify(client)
    emulator.advance("9m")
    shown = connection(emulator, connection_id)
    assert 60_000 - SLACK_MS < shown["idleLeftMs"] <= 60_000
    assert LIFETIME_MS - 540_000 - SLACK_MS < shown["lifetimeLeftMs"] <= LIFETIME_MS - 540_000
    client.ask("hello")
    shown = connection(emulator, connection_id)
    assert IDLE_MS - SLACK_MS < shown["idleLeftMs"] <= IDLE_MS
    assert moment(shown["lastActiveAt"]) - moment(shown["connectedAt"]) >= 540
    emulator.advance("9m")
    client.send_frame(wire.PING, b"ping")
    client.receive_frame()
    assert connection(emulator, connection_id)["idleLeftMs"] > IDLE_MS - SLACK_MS


def test_the_principal_of_an_authorizer_is_shown(start):
    emulator = start(harness.guarded("answer", ["route.request.querystring.answer"]))
    answer = {
        "principalId": 'me "and" you',
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": "*"}],
        },
        "context": {"principalid": "another", "n": 5},
    }
    emulator.connect("?answer=" + urllib.parse.quote(json.dumps(answer)))
    assert [c["principalId"] for c in connections(emulator)] == ['me "and" you']


def test_a_client_whose_connect_still_runs_is_connecting(start, gate):
    emulator = start(harness.api({"$connect": "gate", "$default": "echo"}, {"gate": gate.function(timeout=60)}))
    stream = wire.Stream(emulator.address)
    request, _ = wire.handshake_request("/dev")
    stream.send(request)
    gate.wait_entered("CONNECT")
    (shown,) = connections(emulator)
    assert (shown["state"], shown["idleLeftMs"], shown["lifetimeLeftMs"]) == ("connecting", None, None)
    response = close(emulator, shown["id"])
    assert response.status == 409
    assert "$connect" in json.loads(response.text)["message"]
    gate.open("CONNECT")
    stream.close()


def test_a_delete_closes_as_connections_of_aws_does_and_runs_disconnect(start, events):
    emulator = start(harness.api({"$disconnect": "event", "$default": "echo"}, {"event": events.function}))
    client = emulator.connect()
    (shown,) = connections(emulator)
    response = close(emulator, shown["id"])
    assert (response.status, response.body, response.get("Content-Type")) == (204, b"", None)
    with pytest.raises(wire.Closed) as closed:
        client.receive()
    assert (closed.value.code, closed.value.reason) == (1000, "Connection Closed Normally")
    context = json.loads(events.wait("DISCONNECT")[0])["requestContext"]
    assert (context["connectionId"], context["disconnectStatusCode"]) == (shown["id"], 1000)
    assert connections(emulator) == []
    response = close(emulator, shown["id"])
    assert response.status == 404
    assert "no connection of that id" in json.loads(response.text)["message"]


@pytest.fixture
def many_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8192)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_two_thousand_connections_come_in_pages_of_a_thousand(many_descriptors, start):
    emulator = start(harness.api(rules={"connections-per-second": "off", "account-throttle": "off"}))
    clients = [emulator.connect() for _ in range(2001)]
    seen, pages, query = [], 0, ""
    while query is not None:
        page = ask(emulator, f"/connections{query}")
        assert page["total"] == len(clients)
        assert len(page["connections"]) <= 1000
        seen += [c["id"] for c in page["connections"]]
        pages += 1
        query = f"?next={page['next']}" if page["next"] is not None else None
    assert pages == 3
    assert len(seen) == len(set(seen)) == len(clients)
    assert len({c["sourcePort"] for c in connections(emulator, "?limit=700")}) == 700
    moments = [moment(c["connectedAt"]) for c in connections(emulator)]
    assert moments == sorted(moments)
    for client in clients:
        client.drop()
    harness.until(lambda: ask(emulator, "/connections")["total"] == 0, "all of them are gone")


def test_connections_of_one_api_or_stage_can_be_asked_for(emulator):
    emulator.connect()
    (shown,) = connections(emulator)
    for query in (f"?api={shown['api']}", f"?api={shown['apiId']}", "?stage=dev", "?stage=%64ev&limit=1"):
        assert len(connections(emulator, query)) == 1
    for query in ("?api=other", "?stage=prod", f"?api={shown['api']}&stage=prod"):
        assert connections(emulator, query) == []
    assert "api, limit, next and stage" in ask(emulator, "/connections?staeg=dev", 400)["message"]


HOSTILE_IDS = ["x", "..", "%2e%2e", "%00", "%2Fclock", "%", "'%22%3E", "%ff%fe", "A" * 3000, "AAAAAAAAAAAAAAA=" * 2, "{id}"]


@pytest.mark.parametrize("connection_id", HOSTILE_IDS)
def test_an_id_that_nobody_has_finds_nobody(emulator, connection_id):
    client = emulator.connect()
    for method in ("GET", "DELETE"):
        response = emulator.http(method, f"/_apigw/connections/{connection_id}", headers=harness.JSON)
        assert response.status == 404
        assert "no connection of that id" in json.loads(response.text)["message"]
    assert client.ask("still here") == "still here"


# ---- functions ----


def test_a_function_is_shown_with_its_environment_and_what_it_has_done(emulator):
    client = emulator.connect()
    before = function(emulator, "echo")
    assert (before["environments"], before["environmentCount"]) == ([], 0)
    for _ in range(5):
        client.ask("hello")
    shown = function(emulator, "echo")
    assert list(shown) == [
        *("name", "apis", "plugin", "handler", "timeoutMs", "memorySizeMb", "concurrency", "reservedConcurrency"),
        *("provisioned", "retired", "queue", "running", "environmentCount", "environments", "counts", "durationMs"),
    ]
    expected = {
        "name": "echo",
        "apis": ["test"],
        "plugin": str(harness.SUITE),
        "handler": "echo",
        "timeoutMs": 3000,
        "memorySizeMb": 128,
        "concurrency": 100,
        "reservedConcurrency": None,
        "provisioned": 0,
        "queue": {"invocations": 0, "bytes": 0},
        "running": 0,
        "environmentCount": 1,
        "counts": {"invocations": 5, "errors": 0, "timeouts": 0, "throttles": 0, "coldStarts": 1},
    }
    assert {key: shown[key] for key in expected} == expected
    duration = shown["durationMs"]
    assert list(duration) == ["count", "sum", "max"]
    assert duration["count"] == 5 and 0 < duration["max"] <= duration["sum"]
    (environment,) = shown["environments"]
    assert list(environment) == [
        *("pid", "state", "provisioned", "startedAt", "invocations", "waiting", "memoryKb", "memoryMaxKb"),
        *("logStream", "current"),
    ]
    assert (environment["state"], environment["current"], environment["invocations"]) == ("idle", None, 5)
    assert environment["pid"] in emulator.hosts()
    assert 0 < environment["memoryKb"] <= environment["memoryMaxKb"]
    assert abs(moment(environment["startedAt"]) - time.time()) < SLACK_MS / 1000


def test_an_environment_that_runs_is_shown_with_its_invocation_and_what_waits_is_counted(start, gate):
    emulator = start(
        harness.api({"$default": "gate"}, {"gate": gate.function(timeout=60, concurrency=1, reservedConcurrency=3)})
    )
    client = emulator.connect()
    client.send("a")
    gate.wait_entered("a")
    harness.until(lambda: states(emulator, "gate") == ["slow"], "it takes long")
    client.send("b")
    client.send("c")
    shown = harness.until(
        lambda: (f := function(emulator, "gate"))["queue"]["invocations"] == 2 and f, "two invocations wait"
    )
    assert shown["queue"]["bytes"] > 100
    assert shown["running"] == 1
    (environment,) = shown["environments"]
    assert environment["current"]["requestId"].count("-") == 4
    assert moment(environment["current"]["startedAt"]) >= moment(environment["startedAt"]) - 1
    client.send("d")
    harness.until(lambda: function(emulator, "gate")["counts"]["throttles"] == 1, "one is throttled")
    assert ask(emulator, "/health")["invocations"] == 3
    gate.open("a", "b", "c")
    harness.until(lambda: function(emulator, "gate")["counts"]["invocations"] == 3, "all are done")
    assert function(emulator, "gate")["queue"] == {"invocations": 0, "bytes": 0}


def test_an_environment_whose_init_takes_long_is_starting(start):
    emulator = start(harness.api({"$default": "f"}, {"f": broken("init_hangs")}))
    emulator.connect().send("x")
    harness.until(lambda: states(emulator, "f") == ["starting"], "it starts")
    emulator.advance("11s")
    harness.until(lambda: function(emulator, "f")["counts"]["errors"] >= 1, "the start has failed")


def test_errors_and_timeouts_are_counted(start):
    emulator = start(
        harness.api(
            {"$default": "echo", "fail": "fail", "crash": "crash", "hang": "hang"},
            {"hang": {"timeout": 1}},
        )
    )
    client = emulator.connect()
    for action in ("fail", "crash", "hang"):
        client.ask(json.dumps({"action": action}))
    counts = {name: function(emulator, name)["counts"] for name in ("fail", "crash", "hang")}
    assert [(c["invocations"], c["errors"], c["timeouts"]) for c in counts.values()] == [(1, 1, 0), (1, 1, 0), (1, 1, 1)]
    assert function(emulator, "hang")["durationMs"]["max"] == 1000


def test_a_function_that_changed_finishes_as_a_retired_one(start, gate):
    config = harness.api({"$default": "gate"}, {"gate": gate.function(timeout=60)})
    emulator = start(config, watch=True)
    client = emulator.connect()
    client.send("a")
    gate.wait_entered("a")
    config["functions"]["gate"]["timeout"] = 61
    emulator.config_path.write_text(json.dumps(config))
    harness.until(lambda: len(ask(emulator, "/functions")["functions"]) == 3, "there are two of it")
    (retired,) = [f for f in ask(emulator, "/functions")["functions"] if f["retired"]]
    assert (retired["name"], retired["timeoutMs"], retired["running"], retired["apis"]) == ("gate", 60_000, 1, [])
    assert function(emulator, "gate")["timeoutMs"] == 61_000
    gate.open("a")
    client.receive()
    harness.until(lambda: len(ask(emulator, "/functions")["functions"]) == 2, "the retired one has ended")


# ---- health ----


def test_health_is_ready_and_says_what_is_served(emulator):
    health = ask(emulator, "/health")
    assert list(health) == [
        *("version", "status", "reasons", "apigw", "pid", "uptimeMs", "apis", "connections", "invocations")
    ]
    assert (health["status"], health["reasons"], health["pid"]) == ("ready", [], emulator.process.pid)
    assert (health["connections"], health["invocations"]) == (0, 0)
    (api,) = health["apis"]
    assert (api["name"], api["stages"]) == ("test", ["dev"])
    emulator.advance("1d")
    assert 0 <= ask(emulator, "/health")["uptimeMs"] < 3_600_000


def reasons(emulator, status):
    health = ask(emulator, "/health", 503)
    assert health["status"] == status
    return {reason["code"]: reason for reason in health["reasons"]}


def test_health_is_degraded_while_a_function_does_not_start(start, tmp_path):
    plugin = tmp_path / "plugin.so"
    shutil.copy(harness.plugin("init_fails"), plugin)
    routes = {"$default": "echo", "broken": "f"}
    functions = {"f": {**broken("init_fails"), "plugin": str(plugin)}}
    emulator = start(harness.api(routes, functions), watch=True)
    assert ask(emulator, "/health")["status"] == "ready"  # nobody has tried
    emulator.connect().send('{"action":"broken"}')
    harness.until(lambda: emulator.http("GET", "/_apigw/health").status == 503, "it has been tried")
    reason = reasons(emulator, "degraded")["function-not-starting"]
    assert reason["subject"] == "f"
    assert "no environment could be started" in reason["message"]
    # when the file has changed, what was wrong with it is past
    fresh = plugin.with_suffix(".new")
    shutil.copy(harness.plugin("init_fails"), fresh)
    os.replace(fresh, plugin)
    harness.until(lambda: emulator.http("GET", "/_apigw/health").status == 200, "nobody has tried the new one")


def test_health_is_degraded_while_a_changed_plugin_is_not_used(start, tmp_path):
    plugin = tmp_path / "plugin.so"
    shutil.copy(harness.SUITE, plugin)

    def install(source):
        fresh = plugin.with_suffix(".new")
        shutil.copy(source, fresh)
        os.replace(fresh, plugin)

    emulator = start(harness.api({"$default": "echo"}, {"echo": {"plugin": str(plugin)}}), watch=True)
    client = emulator.connect()
    assert client.ask("one") == "one"
    install(harness.plugin("init_crashes"))
    harness.until(lambda: emulator.http("GET", "/_apigw/health").status == 503, "the new one does not work")
    assert reasons(emulator, "degraded")["plugin-not-used"]["subject"] == "echo"
    assert client.ask("two") == "two"
    install(harness.SUITE)
    harness.until(lambda: emulator.http("GET", "/_apigw/health").status == 200, "it works again")


def test_health_is_degraded_while_the_configuration_has_errors(start):
    config = harness.api()
    emulator = start(config, watch=True)
    emulator.config_path.write_text("{")
    harness.until(lambda: emulator.http("GET", "/_apigw/health").status == 503, "the errors are seen")
    reason = reasons(emulator, "degraded")["configuration-not-used"]
    assert (reason["subject"], "has errors" in reason["message"]) == ("routes.json", True)
    emulator.config_path.write_text(json.dumps({**config, "name": "renamed"}))
    harness.until(
        lambda: "started anew" in json.dumps(json.loads(emulator.http("GET", "/_apigw/health").text)["reasons"]),
        "the name cannot change",
    )
    emulator.config_path.write_text(json.dumps(config))
    harness.until(lambda: emulator.http("GET", "/_apigw/health").status == 200, "it is as it was")


def test_health_is_starting_until_the_provisioned_environments_are_there(start):
    emulator = start(harness.api({"$default": "f"}, {"f": broken("init_hangs", provisioned=1)}))
    assert reasons(emulator, "starting")["provisioned-missing"]["subject"] == "f"
    emulator.advance("11s")
    harness.until(lambda: json.loads(emulator.http("GET", "/_apigw/health").text)["status"] == "degraded", "it failed")
    assert "provisioned-missing" not in reasons(emulator, "degraded")


def test_provisioned_environments_make_it_ready_and_one_that_is_replaced_does_not_unmake_it(start):
    emulator = start(harness.api({"$default": "exit3"}, {"exit3": {"provisioned": 2}}))
    harness.until(lambda: emulator.http("GET", "/_apigw/health").status == 200, "both are there")
    assert states(emulator, "exit3") == ["idle", "idle"]
    client = emulator.connect()
    for _ in range(3):
        client.ask("die")
        assert ask(emulator, "/health")["status"] == "ready"


def test_health_is_degraded_when_there_are_no_descriptors_for_more_clients(start):
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

    emulator = start(preexec=few)
    stream = wire.Stream(emulator.address)  # kept open: later there is no room for another

    def health():
        stream.send(b"GET /_apigw/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        response = stream.read_response()
        return response.status, json.loads(response.text)

    assert health()[0] == 200
    others = []
    while "descriptors-exhausted" not in emulator.log:
        sock = socket.socket()
        sock.settimeout(harness.DEADLINE_S)
        sock.connect(emulator.address)
        others.append(sock)
        assert len(others) < 1000
        health()  # it has had a turn
    status, body = health()
    assert (status, body["status"]) == (503, "degraded")
    assert [reason["code"] for reason in body["reasons"]] == ["descriptors-exhausted"]
    for sock in others:
        sock.close()
    harness.until(lambda: emulator.http("GET", "/_apigw/health").status == 200, "there is room again")


def test_health_is_stopping_while_running_handlers_are_waited_for(start, gate):
    emulator = start(harness.api({"$default": "gate"}, {"gate": gate.function(timeout=60)}))
    client = emulator.connect()
    client.send("a")
    gate.wait_entered("a")
    stream = wire.Stream(emulator.address)
    request = b"GET /_apigw/health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    stream.send(request)
    assert stream.read_response().status == 200
    emulator.process.send_signal(signal.SIGTERM)
    with pytest.raises(wire.Closed):
        client.receive()
    stream.send(request)
    response = stream.read_response()
    assert (response.status, json.loads(response.text)["status"]) == (503, "stopping")
    gate.open("a")
    assert emulator.process.wait(harness.DEADLINE_S) == 0


# ---- several APIs ----


@pytest.fixture
def two(start, tmp_path):
    """An emulator of the APIs `one`, with the stages dev and prod, and `two`; both have the function echo."""
    folder = tmp_path / "two"
    folder.mkdir()
    other = harness.api({"$default": "echo"}, name="two", stage="other")
    (folder / "two.json").write_text(json.dumps(other))
    config = harness.api({"$default": "echo", "pid": "pid"}, name="one")
    config["stages"] = {config.pop("stage"): {}, "prod": {}}
    return start(config, folder=folder, arguments=("two.json",), watch=True)


def test_what_is_served_is_told_of_all_apis_and_stages(two):
    clients = [two.connect(path=f"/{stage}") for stage in ("dev", "prod", "other")]
    assert [(api["name"], api["stages"]) for api in ask(two, "/health")["apis"]] == [
        ("one", ["dev", "prod"]),
        ("two", ["other"]),
    ]
    ids = {api["name"]: api["apiId"] for api in ask(two, "/health")["apis"]}
    assert [(c["api"], c["apiId"], c["stage"]) for c in connections(two)] == [
        ("one", ids["one"], "dev"),
        ("one", ids["one"], "prod"),
        ("two", ids["two"], "other"),
    ]
    for query, stages in (
        ("?api=one", ["dev", "prod"]),
        (f"?api={ids['two']}", ["other"]),
        ("?stage=prod", ["prod"]),
        ("?api=two&stage=dev", []),
    ):
        assert [c["stage"] for c in connections(two, query)] == stages
    assert clients[2].ask("hello") == "hello"
    assert (function(two, "echo")["apis"], function(two, "pid")["apis"]) == (["one", "two"], ["one"])
    assert close(two, connections(two, "?api=two")[0]["id"]).status == 204
    with pytest.raises(wire.Closed):
        clients[2].receive()


def test_health_is_degraded_while_a_changed_api_does_not_fit_to_the_others(two):
    path = two.folder / "two.json"
    config = json.loads(path.read_text())
    changed = json.loads(path.read_text())
    changed["functions"]["echo"]["timeout"] = 9
    path.write_text(json.dumps(changed))
    harness.until(lambda: two.http("GET", "/_apigw/health").status == 503, "it does not fit")
    reason = reasons(two, "degraded")["configuration-not-used"]
    assert (reason["subject"], "does not fit" in reason["message"]) == ("two.json", True)
    path.write_text(json.dumps(config))
    harness.until(lambda: two.http("GET", "/_apigw/health").status == 200, "it fits again")


# ---- what there is ----


def test_the_index_names_what_there_is_and_each_of_it_answers(emulator):
    index = ask(emulator, "")
    assert index == ask(emulator, "/")
    paths = [resource_["path"] for resource_ in index["resources"]]
    for path in ("/_apigw", "/_apigw/health", "/_apigw/connections", "/_apigw/functions", "/_apigw/clock"):
        assert path in paths
        assert emulator.http("GET", path).status == 200
    missing = ask(emulator, "/nothing", 404)["message"]
    assert all(path in missing for path in paths)


def test_a_method_that_is_not_there_is_a_405_that_allows_the_others(emulator):
    allowed = {
        resource_["path"]: [m["method"] for m in resource_["methods"]] for resource_ in ask(emulator, "")["resources"]
    }
    for path, methods in allowed.items():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - set(methods):
            response = emulator.http(method, path.replace("{id}", "x"), headers=harness.JSON)
            assert (response.status, response.get("Allow")) == (405, ", ".join(methods))


def test_a_head_is_a_get_without_its_body(emulator):
    stream = wire.Stream(emulator.address)
    stream.send(b"HEAD /_apigw/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    head, body = stream.read_to_end().split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 200 ")
    assert body == b""


# ---- requests that browsers send for the pages of others ----

FORM_TYPES = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"]


class Page:
    """What a browser sends for a web page (Fetch standard, "HTTP-network-or-cache fetch"; "Fetch Metadata").

    `site` is how its origin and that of the emulator are related, as Sec-Fetch-Site says; None: the emulator's is not
    trustworthy, as http://rebound.test is not, and the browser says nothing."""

    def __init__(self, emulator, origin, site, host=None):
        self.emulator, self.origin, self.site = emulator, origin, site
        self.host = host or f"localhost:{emulator.port}"

    def headers(self, mode, *more):
        fields = [("User-Agent", "Mozilla/5.0"), ("Accept", "*/*")]
        if self.site:
            fields += [("Sec-Fetch-Site", self.site), ("Sec-Fetch-Mode", mode)]
        return [*fields, *more]

    def request(self, method, path, body=b"", headers=()):
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}"]
        lines += [f"{name}: {value}" for name, value in headers]
        lines.append(f"Content-Length: {len(body)}")
        stream = wire.Stream(self.emulator.address)
        stream.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        response = stream.read_response()
        stream.close()
        return response

    def navigate(self, path):
        """A link, or an image."""
        return self.request("GET", path, headers=self.headers("navigate"))

    def submit(self, path, body, content_type):
        """A form, or a fetch with mode no-cors."""
        headers = self.headers("navigate", ("Origin", self.origin), ("Content-Type", content_type))
        return self.request("POST", path, body, headers)

    def fetch(self, method, path, body=b"", headers=()):
        """A fetch with mode cors: with a preflight, where there must be one. None: the browser does not send it."""
        content_types = [value for name, value in headers if name == "Content-Type"]
        simple = method in ("GET", "HEAD", "POST") and all(value in FORM_TYPES for value in content_types)
        if not simple and self.site != "same-origin":
            preflight = self.request(
                "OPTIONS",
                path,
                headers=self.headers(
                    "cors",
                    ("Origin", self.origin),
                    ("Access-Control-Request-Method", method),
                    ("Access-Control-Request-Headers", "content-type"),
                ),
            )
            assert not self.is_granted(preflight)
            return None
        return self.request(method, path, body, self.headers("cors", ("Origin", self.origin), *headers))

    @staticmethod
    def is_granted(response):
        """May the page go on, or read the answer?"""
        return any(name.lower().startswith("access-control-") for name in response.names)


ATTACKERS = {
    "another site": ("https://evil.test", "cross-site", None),
    "another site, in an old browser": ("http://evil.test", None, None),
    "a sandboxed frame or a file": ("null", "cross-site", None),
    "a name that resolves to this machine": ("http://rebound.test:3001", None, "rebound.test:3001"),
    "a name like localhost": ("http://localhost.evil.test", None, "localhost.evil.test"),
    "a name like an API's": ("http://evil.test", None, "abcdefghij.execute-api.us-east-1.evil.test"),
    "the address that means any": ("http://evil.test", None, "0.0.0.0:3001"),
}


@pytest.fixture(params=ATTACKERS)
def attacker(request, emulator):
    return Page(emulator, *ATTACKERS[request.param])


def clock_of(emulator):
    return json.loads(emulator.http("GET", "/_apigw/clock").text)


def refused(response):
    assert response.status in (403, 415), response.text
    assert not Page.is_granted(response)
    assert list(json.loads(response.text)) == ["message"]


@pytest.mark.parametrize("content_type", FORM_TYPES)
def test_no_form_of_another_page_moves_the_clock(emulator, attacker, content_type):
    refused(attacker.submit("/_apigw/clock", b'{"advance":"1h"}', content_type))
    assert clock_of(emulator)["advancedMs"] == 0


def test_no_fetch_of_another_page_changes_anything(emulator, attacker):
    client = emulator.connect()
    (shown,) = connections(emulator)
    body = b'{"advance":"1h"}'
    for headers in ([("Content-Type", "application/json")], [("Content-Type", "text/plain")], []):
        response = attacker.fetch("POST", "/_apigw/clock", body, headers)
        if response:
            refused(response)
    assert attacker.fetch("DELETE", f"/_apigw/connections/{shown['id']}") is None
    # and were a preflight granted by whatever is between, the request itself is refused
    for headers in (attacker.headers("cors", ("Origin", attacker.origin), *harness.JSON),):
        refused(attacker.request("DELETE", f"/_apigw/connections/{shown['id']}", headers=headers))
        refused(attacker.request("POST", "/_apigw/clock", body, headers))
    assert clock_of(emulator)["advancedMs"] == 0
    assert client.ask("still here") == "still here"


@pytest.mark.parametrize("path", ["/_apigw", "/_apigw/health", "/_apigw/connections", "/_apigw/functions", "/_apigw/clock", "/_apigw/x"])
def test_no_other_page_reads_anything(emulator, attacker, path):
    refused(attacker.fetch("GET", path))
    if attacker.site or attacker.host != f"localhost:{emulator.port}":
        refused(attacker.navigate(path))


def test_a_page_of_a_name_that_was_bound_anew_gets_nothing_though_it_is_of_the_same_origin(emulator):
    page = Page(emulator, "http://rebound.test:3001", "same-origin", "rebound.test:3001")
    response = page.fetch("POST", "/_apigw/clock", b'{"advance":"1h"}', harness.JSON)
    refused(response)
    assert "--allow-host" in json.loads(response.text)["message"]
    refused(page.navigate("/_apigw/connections"))
    emulator.wait_log(r"refused POST /_apigw/clock: .*rebound\.test:3001")
    assert clock_of(emulator)["advancedMs"] == 0


def test_a_page_of_this_machine_is_granted_nothing_but_may_be_told(emulator):
    page = Page(emulator, "http://localhost:81", "same-site")
    response = page.fetch("GET", "/_apigw/health")
    assert response.status == 200
    assert not Page.is_granted(response)  # so the browser does not let it read
    assert page.fetch("POST", "/_apigw/clock", b'{"advance":1}', harness.JSON) is None
    refused(page.submit("/_apigw/clock", b'{"advance":1}', "text/plain"))
    assert clock_of(emulator)["advancedMs"] == 0


def test_what_a_user_types_into_the_address_bar_is_answered(emulator):
    response = Page(emulator, None, "none").navigate("/_apigw/connections")
    assert response.status == 200


def test_programs_are_answered_under_each_name_of_this_machine(emulator):
    for host in (
        *("localhost", f"localhost:{emulator.port}", "127.0.0.1", f"127.0.0.1:{emulator.port}", "[::1]:3001"),
        *("LocalHost.", "abcdefghij.execute-api.us-east-1.localhost:81", "127.9.9.9"),
    ):
        page = Page(emulator, None, None, host)
        assert page.request("GET", "/_apigw/health").status == 200
        assert page.request("POST", "/_apigw/clock", b'{"advance":0}', harness.JSON).status == 200


def test_a_request_without_a_host_or_with_two_is_refused(emulator):
    for head in (
        b"GET /_apigw/health HTTP/1.0\r\n\r\n",
        b"GET /_apigw/health HTTP/1.1\r\nHost: localhost\r\nHost: evil.test\r\nConnection: close\r\n\r\n",
        b"GET /_apigw/health HTTP/1.1\r\nHost: evil.test\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET /_apigw/health HTTP/1.1\r\nHost: localhost\r\nX: y\r\n Host: a\r\nHost:\r\nConnection: close\r\n\r\n",
    ):
        stream = wire.Stream(emulator.address)
        stream.send(head)
        assert stream.read_response().status in (400, 403)
        stream.close()


def test_a_change_without_a_content_type_says_how_curl_gives_one(emulator):
    for headers in ((), [("Content-Type", "application/x-www-form-urlencoded")]):
        response = emulator.http("POST", "/_apigw/clock", b'{"advance":1}', headers)
        assert response.status == 415
        assert "-H 'Content-Type: application/json'" in json.loads(response.text)["message"]
    assert clock_of(emulator)["advancedMs"] == 0
    response = emulator.http("POST", "/_apigw/clock", b'{"advance":1}', [("Content-Type", "application/json; charset=utf-8")])
    assert response.status == 200


def test_names_that_were_allowed_are_answered(start):
    emulator = start(arguments=("--allow-host", "Apigw.test", "--allow-host", "192.0.2.7"))
    for host, status in (("apigw.test:3001", 200), ("192.0.2.7", 200), ("other.test", 403), ("x.apigw.test", 403)):
        assert Page(emulator, None, None, host).request("GET", "/_apigw/health").status == status
    page = Page(emulator, "http://apigw.test:3001", "same-origin", "apigw.test:3001")
    assert page.fetch("POST", "/_apigw/clock", b'{"advance":1}', harness.JSON).status == 200
    refused(Page(emulator, "http://apigw.test:8080", "same-site", "apigw.test:3001").fetch("GET", "/_apigw/clock"))


@pytest.mark.parametrize("name", ["", "http://a", "a:80", "*.a", "a/b", "[::1]:80"])
def test_a_name_that_is_none_cannot_be_allowed(tmp_path, name):
    (tmp_path / "routes.json").write_text(json.dumps(harness.api()))
    result = harness.run("run", "--port", "0", "--allow-host", name, cwd=tmp_path)
    assert result.returncode == 2
    assert f"--allow-host: '{name}' is neither a host name nor an address" in result.stderr


def test_there_is_a_limit_to_allowed_names(tmp_path):
    arguments = [word for number in range(65) for word in ("--allow-host", f"n{number}.test")]
    result = harness.run("run", *arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert "'n64.test' is one too many; there may be 64" in result.stderr


def test_a_custom_domain_of_the_configuration_is_answered(start):
    emulator = start(harness.api(domains={"chat.example.test": {"": "dev"}}))
    assert Page(emulator, None, None, "chat.example.test").request("GET", "/_apigw/health").status == 200
    assert Page(emulator, None, None, "other.example.test").request("GET", "/_apigw/health").status == 403


# ---- what is documented ----


def members(value):
    if isinstance(value, list):
        return set().union(*map(members, value), set())
    return set(value).union(*map(members, value.values())) if isinstance(value, dict) else set()


def test_each_member_and_each_reason_is_documented(start, gate):
    emulator = start(harness.api({"$default": "gate"}, {"gate": gate.function(timeout=60)}))
    emulator.connect().send("a")
    gate.wait_entered("a")
    harness.until(lambda: states(emulator, "gate") == ["slow"], "it takes long")
    found = set().union(*(members(ask(emulator, path)) for path in ("/health", "/connections", "/functions")))
    assert {"requestId", "idleLeftMs", "uptimeMs"} <= found
    text = (harness.ROOT / "docs" / "inspection.md").read_text()
    assert sorted(name for name in found if f"`{name}`" not in text) == []
    sources = [*harness.ROOT.glob("emulator/management/health.c"), *harness.ROOT.glob("emulator/cli/service.c")]
    codes = set(re.findall(r"HEALTH_[A-Z]+,\s+\"([a-z-]+)\"", "".join(source.read_text() for source in sources)))
    codes |= {"function-not-starting", "plugin-not-used"}
    assert len(codes) >= 7
    assert sorted(code for code in codes if f"| `{code}` |" not in text) == []
    gate.open("a")
