"""Several APIs and stages in one process: told apart by path, by the API's own host, and by custom domains."""

import json
import os
import re
import signal
import urllib.parse

import harness
import pytest
import signing
import wire

CHAT_ID, GAME_ID = "chatchat01", "gamegame02"
NO_ROUTE = "No method found matching route {} for http method {}."


def host_of(api_id, port=None):
    return f"{api_id}.execute-api.us-east-1.localhost" + (f":{port}" if port else "")


def chat(**members):
    """Two stages, one of which has a domain."""
    stages = {
        "dev": {"stageVariables": {"level": "test"}},
        "prod": {"stageVariables": {"level": "live"}},
    }
    domains = {"chat.example.com": {"": "prod", "v1": "dev", "v1/eu": "prod"}}
    return harness.api(**{"name": "chat", "apiId": CHAT_ID, "stages": stages, "domains": domains, **members})


def game(**members):
    """A stage of the same name as one of chat's, and another."""
    domains = {"*.example.com": {"play": "dev"}}
    return harness.api(**{"name": "game", "apiId": GAME_ID, "stages": {"dev": {}, "beta": {}}, "domains": domains, **members})


@pytest.fixture(name="both")
def fixture_both(start):
    return start(chat(), also=[game()])


def context_of(client):
    return event_of(client)["requestContext"]


def event_of(client):
    return json.loads(client.ask('{"action":"whoami"}'))


def connect(emulator, path, host=None):
    return emulator.connect(path=path, headers=[("Host", host)] if host else [])


def place(client):
    context = context_of(client)
    return context["apiId"], context["stage"], context["domainName"]


def target(prefix, connection_id):
    return f"{prefix}/@connections/{urllib.parse.quote(connection_id, safe='')}"


def post(emulator, prefix, connection_id, host=None, body=b"hello"):
    return emulator.http("POST", target(prefix, connection_id), body, [("Host", host)] if host else [])


def save(emulator, index, config):
    path = emulator.config_paths[index]
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(config, indent=2))
    os.replace(fresh, path)


# ---- where a handshake leads ----

# By path and host: the API, the stage.
WAYS = {
    "the path of a stage that one API has": ("/prod", None, CHAT_ID, "prod"),
    "the path of the other API's": ("/beta", None, GAME_ID, "beta"),
    "an API's host": ("/dev", host_of(CHAT_ID, 3001), CHAT_ID, "dev"),
    "the other API's host": ("/dev/", host_of(GAME_ID), GAME_ID, "dev"),
    "an API's host on AWS": ("/dev", f"{GAME_ID}.execute-api.us-east-1.amazonaws.com", GAME_ID, "dev"),
    "an API's host in capitals": ("/dev", host_of(GAME_ID).upper(), GAME_ID, "dev"),
    "a custom domain": ("/", "chat.example.com", CHAT_ID, "prod"),
    "a custom domain with a port": ("/", "chat.example.com:3001", CHAT_ID, "prod"),
    "a key": ("/v1", "chat.example.com", CHAT_ID, "dev"),
    "a key of two segments": ("/v1/eu", "chat.example.com", CHAT_ID, "prod"),
    "a wildcard": ("/play", "any.example.com", GAME_ID, "dev"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_client_is_led_to_the_stage_of_the_api_that_it_asked_for(both, way):
    path, host, api_id, stage = WAYS[way]
    client = connect(both, path, host)
    event = event_of(client)
    context = event["requestContext"]
    assert (context["apiId"], context["stage"]) == (api_id, stage)
    assert context["domainName"] == (host or "127.0.0.1")
    level = {"dev": "test", "prod": "live"}[stage] if api_id == CHAT_ID else None
    assert event.get("stageVariables") == ({"level": level} if level else None)


# By path and host: what the log says.
NOWHERE = {
    "a stage that two APIs have": ("/dev", None, "several APIs have that stage; the host tells them apart: " + host_of(CHAT_ID)),
    "no stage": ("/", None, "the one to connect to is /dev, /prod, /beta"),
    "a stage that there is not": ("/test", None, "the one to connect to is /dev, /prod, /beta"),
    "a stage of the other API": ("/beta", host_of(CHAT_ID), "the one to connect to is /dev, /prod "),
    "an API that there is not": ("/dev", host_of("nobody"), f"the APIs are {host_of(CHAT_ID)} (chat), {host_of(GAME_ID)} (game)"),
    "another region": ("/dev", f"{CHAT_ID}.execute-api.eu-west-1.localhost", "the APIs are"),
    "a stage behind a custom domain": ("/prod", "chat.example.com", "chat.example.com maps /, /v1, /v1/eu"),
    "a stage behind a key": ("/v1/dev", "chat.example.com", "chat.example.com maps /, /v1, /v1/eu"),
    "no key": ("/", "any.example.com", "any.example.com maps /play"),
    "an encoded slash in a key": ("/v1%2Feu", "chat.example.com", "chat.example.com maps"),
}


@pytest.mark.parametrize("way", NOWHERE)
def test_a_client_that_asked_for_no_stage_is_forbidden_and_the_log_says_which_there_are(both, way):
    path, host, says = NOWHERE[way]
    response = both.refusal(path=path, headers=[("Host", host)] if host else [])
    assert (response.status, response.get("x-amzn-ErrorType"), response.text) == (
        403,
        "ForbiddenException",
        '{"message":"Forbidden"}',
    )
    line = both.wait_log("(?m)^.* rule=stage-unknown.*$").group(0)
    assert says in line


def test_names_of_headers_are_lower_case_behind_a_key_of_several_segments_alone(start, events):
    emulator = start(chat(**connect_event(events)))
    for path in ("/v1", "/v1/eu"):
        emulator.connect(path=path, headers=[("Host", "chat.example.com"), ("X-Room", "Lobby")])
    one, two = (json.loads(text)["headers"] for text in events.wait("CONNECT", 2))
    assert (one["X-Room"], "x-room" in one) == ("Lobby", False)
    assert (two["x-room"], two["host"]) == ("Lobby", "chat.example.com")
    assert not any(name != name.lower() for name in two if not name.startswith("X-"))


def connect_event(events):
    """Members of an API whose $connect writes its event to a file."""
    api = harness.api({"$connect": "event", "whoami": "event", "$default": "echo"}, {"event": events.function})
    return {"routes": api["routes"], "functions": api["functions"]}


def test_an_api_without_its_endpoint_is_reached_by_its_domain_alone(start):
    emulator = start(chat(disableExecuteApiEndpoint=True), also=[game()])
    assert place(connect(emulator, "/", "chat.example.com")) == (CHAT_ID, "prod", "chat.example.com")
    for host in (None, host_of(CHAT_ID)):
        assert emulator.refusal(path="/prod", headers=[("Host", host)] if host else []).status == 403
    emulator.wait_log('"disableExecuteApiEndpoint" is set, so the API is reached through its custom domains')
    assert place(connect(emulator, "/dev"))[0] == GAME_ID, "its stages are in nobody's way"


# ---- what a client's event leads back to ----


@pytest.mark.parametrize("host", [None, host_of(GAME_ID)])
def test_a_handler_reaches_its_client_by_domain_name_and_stage(start, host):
    home = {"plugin": harness.plugin("home"), "handler": "home", "timeout": 20}
    emulator = start(chat(), also=[game(**{"routes": {"$default": {"function": "home", "routeResponse": True}}, "functions": {"home": home}})])
    path = "/dev" if host else "/beta"
    client = connect(emulator, path, f"{host or '127.0.0.1'}:{emulator.port}")
    client.send("x")
    assert sorted([client.receive(), client.receive()]) == ["200", "from home"]


# ---- @connections ----


@pytest.mark.parametrize(
    "way, prefix, host",
    [
        ("/prod", "/prod", None),
        ("/prod", "/%70rod", None),
        ("/prod", "/prod", host_of(CHAT_ID, 3001)),
        ("/prod", "", "chat.example.com"),
        ("/prod", "/v1/eu", "chat.example.com:3001"),
        ("/beta", "/beta", host_of(GAME_ID)),
    ],
)
def test_a_connection_is_reached_by_each_way_to_its_stage(both, way, prefix, host):
    client = connect(both, way)
    connection_id = context_of(client)["connectionId"]
    headers = [("Host", host)] if host else []
    assert post(both, prefix, connection_id, host).status == 200
    assert client.receive() == "hello"
    assert "connectedAt" in json.loads(both.http("GET", target(prefix, connection_id), b"", headers).text)
    assert both.http("DELETE", target(prefix, connection_id), b"", headers).status == 204
    assert client.wait_closed()[0] == 1000
    assert post(both, prefix, connection_id, host).status == 410


@pytest.mark.parametrize(
    "prefix, host", [("/dev", host_of(CHAT_ID)), ("/v1", "chat.example.com"), ("/beta", None), ("/dev", host_of(GAME_ID))]
)
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_the_way_to_another_stage_is_forbidden(both, prefix, host, method):
    client = connect(both, "/prod")
    connection_id = context_of(client)["connectionId"]
    response = both.http(method, target(prefix, connection_id), b"", [("Host", host)] if host else [])
    assert (response.status, response.get("x-amzn-ErrorType")) == (403, "ForbiddenException")
    assert response.text == '{"message":"Forbidden"}'
    line = both.wait_log(f"(?m)^.* rule=connection-elsewhere conn={connection_id}").group(0)
    assert re.search("the connection is of chat/prod, and the request is for (chat|game)/(dev|beta) ", line)
    assert client.ask("still here") == "still here"


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_a_stage_in_the_path_of_a_custom_domain_is_no_method(both, method):
    connection_id = context_of(connect(both, "/", "chat.example.com"))["connectionId"]
    response = both.http(method, f"/prod/@connections/{connection_id}", b"", [("Host", "chat.example.com")])
    assert response.status == 404
    assert json.loads(response.text) == {"message": NO_ROUTE.format(f"prod/@connections/{connection_id}", method)}
    line = both.wait_log("(?m)^.* rule=management-path.*$").group(0)
    assert "and the custom domain chat.example.com maps /, /v1, /v1/eu" in line
    assert "behind a custom domain its key in place of the stage" in line


@pytest.mark.parametrize(
    "path, host, says",
    [
        ("/dev/@connections/x", None, "several APIs have that stage"),
        ("/@connections/x", None, "the one to connect to is"),
        ("/@connections/x", "any.example.com", "maps /play"),
    ],
)
def test_a_post_to_no_stage_is_forbidden_and_explained(both, path, host, says):
    response = both.http("POST", path, b"x", [("Host", host)] if host else [])
    assert (response.status, response.text) == (403, '{"message":"Forbidden"}')
    assert says in both.wait_log("(?m)^.* rule=stage-unknown.*$").group(0)


def test_a_browser_at_the_root_of_a_custom_domain_is_told_to_upgrade(both):
    assert both.http("GET", "/", b"", [("Host", "chat.example.com")]).status == 426


def test_a_handler_reaches_connections_of_every_stage(start):
    """As on AWS, where any endpoint of the account can be named; handlers here name none."""
    emulator = start(chat(**routes_of({"post": "post", "whoami": "event"})), also=[game()])
    other = connect(emulator, "/beta")
    sender = connect(emulator, "/prod")
    assert sender.ask(harness.compact(action="post", to=context_of(other)["connectionId"], data="across")) == "0"
    assert other.receive() == "across"


def routes_of(routes, functions=None):
    api = harness.api(routes, functions)
    return {"routes": api["routes"], "functions": api["functions"]}


# ---- stage variables ----


def test_a_stage_variable_picks_the_function_of_each_event(start, events):
    variables = {stage: {"stageVariables": {"fn": fn}} for stage, fn in (("dev", "echo"), ("prod", "event"))}
    config = harness.api(
        {
            "$connect": "${stageVariables.fn}",
            "$disconnect": "${stageVariables.fn}",
            "$default": "${stageVariables.fn}",
        },
        {"echo": {}, "event": events.function},
        stages=variables,
    )
    emulator = start(config)
    assert connect(emulator, "/dev").ask("hi") == "hi"
    client = connect(emulator, "/prod")
    assert json.loads(client.ask("hi"))["body"] == "hi"
    client.close()
    events.wait("DISCONNECT")
    assert [json.loads(text)["requestContext"]["stage"] for text in events.texts("CONNECT")] == ["prod"]


def test_a_reload_may_give_a_stage_another_function(start):
    def config(fn):
        routes = {"$default": "${stageVariables.fn}"}
        return harness.api(routes, {"echo": {}, "pid": {}}, stages={"dev": {"stageVariables": {"fn": fn}}})

    emulator = start(config("echo"), watch=True)
    client = emulator.connect()
    assert client.ask("x") == "x"
    save(emulator, 0, config("pid"))
    emulator.wait_log("taken over")
    assert "pid" in json.loads(client.ask("x"))


def test_an_identity_source_is_the_stage_s_own_variable(start):
    stages = {"dev": {"stageVariables": {"level": "test"}}, "prod": {}}
    emulator = start(harness.guarded("policy_allow", ["stageVariables.level"], stages=stages))
    assert connect(emulator, "/dev").ask("x") == "x"
    assert emulator.refusal(path="/prod").status == 401


# ---- what each stage has of its own ----


def test_each_stage_has_rates_of_its_own(start):
    slow = {"routeSettings": {"$default": {"throttlingRateLimit": 0.01, "throttlingBurstLimit": 1}}}
    emulator = start(chat(stages={"dev": slow, "prod": slow}, domains={}), also=[game()])
    clients = [connect(emulator, "/dev", host_of(CHAT_ID)), connect(emulator, "/prod")]
    for client in clients:
        assert client.ask("first") == "first"
        assert json.loads(client.ask("second"))["message"] == "Too Many Requests"
    other = connect(emulator, "/dev", host_of(GAME_ID))
    assert [other.ask("x"), other.ask("y")] == ["x", "y"]


def test_the_account_s_rate_is_that_of_all_apis(start):
    rules = {"account-throttle": 1, "account-burst": 3}
    emulator = start(chat(rules=rules), also=[game()])
    connect(emulator, "/prod")
    client = connect(emulator, "/beta")
    texts = [client.ask("x") for _ in range(2)]
    assert texts[0] == "x" and json.loads(texts[1])["message"] == "Too Many Requests"


def test_a_policy_names_api_and_stage(start):
    def statement(resource):
        return {"Statement": {"Effect": "Allow", "Action": "execute-api:*", "Resource": f"arn:aws:execute-api:us-east-1:123456789012:{resource}"}}

    signed = {"routes": {"$connect": {"authorizationType": "AWS_IAM"}, "$default": {"function": "echo", "routeResponse": True}}}
    members = {**signed, "functions": {"echo": harness.suite_function("echo")}}
    iam = signing.iam(connections=True, policy=statement(f"{CHAT_ID}/prod/*"))
    emulator = start(chat(iam=iam, **members), also=[game(iam=iam, **members)])
    signer = signing.Signer()
    assert signer.connect(emulator, "/prod").ask("x") == "x"
    with pytest.raises(wire.Refused) as refused:
        signer.connect(emulator, "/beta")
    assert refused.value.response.status == 403
    assert signer.http(emulator, "POST", "/prod/@connections/AAAAAAAAAAAAAAA%3D", b"x").status == 410
    assert signer.http(emulator, "POST", "/beta/@connections/AAAAAAAAAAAAAAA%3D", b"x").status == 403


def test_an_authorizer_is_asked_about_its_own_api_and_stage(start):
    emulator = start(
        harness.guarded("answer", name="chat", apiId=CHAT_ID, stages={"dev": {}, "prod": {}}, domains={"chat.example.com": {"": "prod"}}),
        also=[game()],
    )
    arn = f"arn:aws:execute-api:us-east-1:123456789012:{CHAT_ID}/prod/$connect"
    for resource, accepted in ((arn, True), (arn.replace("prod", "dev"), False)):
        policy = {
            "principalId": "me",
            "policyDocument": {
                "Version": "2012-10-17",
                "Statement": [{"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": resource}],
            },
        }
        query = "?answer=" + urllib.parse.quote(harness.compact(**policy), safe="")
        for path, host in (("/prod", None), ("/", "chat.example.com")):
            try:
                assert place(connect(emulator, path + query, host))[1] == "prod"
                assert accepted
            except wire.Refused as refused:
                assert (refused.response.status, accepted) == (403, False)


# ---- what they share ----


def invoke(emulator, function):
    return emulator.http("POST", f"/2015-03-31/functions/{function}/invocations", b'{"requestContext":{"eventType":"MESSAGE"},"body":"x"}')


def test_functions_of_every_api_can_be_invoked(start):
    emulator = start(chat(**routes_of({"$default": "echo"})), also=[game(**routes_of({"$default": "pid"}))])
    assert json.loads(invoke(emulator, "echo").text)["body"] == "x"
    assert "pid" in json.loads(json.loads(invoke(emulator, "pid").text)["body"])
    assert invoke(emulator, "pdi").status == 404
    emulator.wait_log("did you mean pid?")


def test_a_function_that_both_have_has_one_set_of_environments(start):
    emulator = start(chat(**routes_of({"$default": "pid"})), also=[game(**routes_of({"$default": "pid"}))])
    one, two = connect(emulator, "/prod"), connect(emulator, "/beta")
    answers = [json.loads(client.ask("x")) for client in (one, two)]
    assert [(answer["pid"], answer["count"]) for answer in answers] == [(answers[0]["pid"], 1), (answers[0]["pid"], 2)]
    assert len(emulator.hosts()) == 1


def test_the_clock_is_that_of_all(both):
    clients = [connect(both, "/prod"), connect(both, "/beta")]
    both.advance("10m")
    assert [client.wait_closed() for client in clients] == [(1001, "Going away")] * 2


def test_a_stop_closes_the_clients_of_all(both):
    clients = [connect(both, "/prod"), connect(both, "/beta"), connect(both, "/play", "a.example.com")]
    both.process.send_signal(signal.SIGTERM)
    assert [client.wait_closed()[0] for client in clients] == [1001] * 3
    assert both.stop() == 0


# ---- reload ----


def test_one_of_two_files_is_taken_over_and_clients_of_both_stay(start):
    emulator = start(chat(), also=[game()], watch=True)
    one, two = connect(emulator, "/prod"), connect(emulator, "/beta")
    save(emulator, 1, game(**routes_of({"$default": "pid", "whoami": "event"})))
    emulator.wait_log(r"also-0\.json: taken over")
    assert "pid" in json.loads(two.ask("x"))
    assert one.ask("x") == "x"
    assert place(connect(emulator, "/", "chat.example.com"))[1] == "prod"


def test_a_domain_that_is_added_leads_to_its_stage_from_then_on(start):
    emulator = start(chat(domains={}), also=[game()], watch=True)
    assert emulator.refusal(path="/", headers=[("Host", "new.test")]).status == 403
    save(emulator, 0, chat(domains={"new.test": {"": "dev"}}))
    emulator.wait_log("taken over")
    assert place(connect(emulator, "/", "new.test")) == (CHAT_ID, "dev", "new.test")


def test_stages_may_change_their_order_but_not_their_names(start):
    emulator = start(chat(), also=[game()], watch=True)
    stages = chat()["stages"]
    save(emulator, 0, chat(stages={"prod": stages["prod"], "dev": stages["dev"]}))
    emulator.wait_log("taken over")
    assert event_of(connect(emulator, "/v1", "chat.example.com"))["stageVariables"] == {"level": "test"}
    assert event_of(connect(emulator, "/prod"))["stageVariables"] == {"level": "live"}
    save(emulator, 0, chat(stages={**stages, "more": {}}))
    emulator.wait_log('"stages" cannot change while clients are served')
    assert emulator.refusal(path="/more").status == 403


def test_a_change_that_does_not_fit_to_the_others_is_refused_with_the_reason(start):
    emulator = start(chat(), also=[game()], watch=True)
    save(emulator, 1, game(domains={"chat.example.com": {"v1": "beta"}}))
    emulator.wait_log(r'error: /domains/chat\.example\.com: routes\.json maps "v1" of this domain too')
    emulator.wait_log(r"also-0\.json: does not fit to the other APIs")
    assert place(connect(emulator, "/v1", "chat.example.com"))[0] == CHAT_ID
    assert place(connect(emulator, "/play", "a.example.com"))[0] == GAME_ID


def test_a_function_that_apis_share_is_changed_in_one_file_after_the_other(start):
    slow = {"echo": {"timeout": 5}}
    emulator = start(chat(), also=[game()], watch=True)
    client = connect(emulator, "/prod")
    save(emulator, 0, chat(functions=slow))
    emulator.wait_log(r"routes\.json: does not fit to the other APIs")
    assert client.ask("x") == "x"
    save(emulator, 1, game(functions=slow))
    emulator.wait_log(r"routes\.json: taken over")
    emulator.wait_log(r"also-0\.json: taken over")
    assert [client.ask("y"), connect(emulator, "/beta").ask("z")] == ["y", "z"]


# ---- what is said of them ----


def test_the_ready_file_has_every_api_stage_and_domain(both):
    port = both.port
    assert both.ready["websocket"] == f"ws://{host_of(CHAT_ID, port)}/dev"
    first, second = both.ready["apis"]
    assert [first["name"], first["apiId"], first["host"]] == ["chat", CHAT_ID, host_of(CHAT_ID, port)]
    assert [stage["websocket"] for stage in first["stages"]] == [
        f"ws://{host_of(CHAT_ID, port)}/dev",
        f"ws://127.0.0.1:{port}/prod",
    ]
    assert first["domains"][1] == {
        "domain": "chat.example.com",
        "key": "v1",
        "stage": "dev",
        "websocket": f"ws://chat.example.com:{port}/v1",
        "connections": f"http://chat.example.com:{port}/v1/@connections",
    }
    assert second["stages"][1] == {
        "name": "beta",
        "websocket": f"ws://127.0.0.1:{port}/beta",
        "connections": f"http://127.0.0.1:{port}/beta/@connections",
    }


def test_the_banner_has_every_api(start):
    variables = {stage: {"stageVariables": {"fn": fn}} for stage, fn in (("dev", "echo"), ("prod", "pid"))}
    members = routes_of({"$default": "${stageVariables.fn}"}, {"echo": {}, "pid": {}})
    emulator = start(chat(stages=variables, **members), also=[game()], split=True)
    banner = (emulator.folder / "banner").read_text()
    for line in (
        "serves 2 APIs",
        "chat, stages dev, prod",
        "game, stages dev, beta",
        f"WebSocket     ws://{host_of(CHAT_ID, emulator.port)}/dev",
        f"@connections  http://127.0.0.1:{emulator.port}/prod/@connections",
        f"WebSocket     ws://chat.example.com:{emulator.port}/v1  (stage dev)",
        f"@connections  http://chat.example.com:{emulator.port}/v1/@connections\n",
        f"Invoke API    http://127.0.0.1:{emulator.port}\n",
        "needs a line for it in /etc/hosts",
        "dev: echo, prod: pid  two-way",
    ):
        assert line in banner, banner
    assert banner.count("Invoke API") == 1


def test_the_banner_of_an_api_without_endpoint_has_its_domains_alone(start):
    emulator = start(chat(disableExecuteApiEndpoint=True), split=True)
    banner = (emulator.folder / "banner").read_text()
    assert f"Try it:  apigw connect ws://chat.example.com:{emulator.port}/v1\n" in banner
    assert f"127.0.0.1:{emulator.port}/" not in banner
    assert "execute-api" not in banner


def test_the_banner_of_an_api_that_needs_no_host_has_no_word_of_hosts(start):
    emulator = start(harness.api(stages={"dev": {}, "prod": {}}), split=True)
    assert "/etc/hosts" not in (emulator.folder / "banner").read_text()


def write(folder, **configs):
    for name, config in configs.items():
        (folder / f"{name}.json").write_text(json.dumps(config, indent=1))


def test_exec_serves_several_files(tmp_path):
    write(tmp_path, chat=chat(), game=game())
    script = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); import wire, urllib.parse as u;"
        "url = u.urlparse(os.environ['APIGW_WEBSOCKET_URL']);"
        "print(wire.Client(('127.0.0.1', url.port), '/beta').ask('ping'), url.hostname, os.environ['AWS_REGION'])"
    )
    result = harness.run(
        *("exec", "chat.json", "--ephemeral", "game.json", "--", "python3", "-c", script, os.path.dirname(harness.__file__)),
        cwd=tmp_path,
        env={"AWS_REGION": None},
    )
    assert result.returncode == 0, result.stderr
    assert f"ping {host_of(CHAT_ID)} us-east-1" in result.stdout


def test_check_reads_several_files_and_says_what_each_is(tmp_path):
    write(tmp_path, chat=chat(), game=game())
    result = harness.run("check", "chat.json", "game.json", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == (
        "chat.json: ok: chat, stages dev, prod, 2 functions, 2 routes\n"
        "game.json: ok: game, stages dev, beta, 2 functions, 2 routes\n"
    )


CLASHES = {
    "two APIs of one name": (game(name="chat", apiId=CHAT_ID), 'chat.json is the API "chat" too; give one of them another "name"'),
    "two APIs of one id": (game(apiId=CHAT_ID), f"chat.json has the id {CHAT_ID} too"),
    "another region": (game(region="eu-west-1"), "/region: is eu-west-1, and that of chat.json is us-east-1"),
    "a mapping twice": (game(domains={"Chat.example.com": {"v1": "dev"}}), '/domains/chat.example.com: chat.json maps "v1"'),
    "a function that differs": (game(functions={"echo": {"timeout": 9}}), "/functions/echo: chat.json has another function"),
    "a rule that differs": (game(rules={"idle-timeout": 2}), "/rules/idle-timeout: chat.json sets this rule to something else"),
}


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize("clash", CLASHES)
def test_apis_that_do_not_fit_together_are_refused_with_the_reason(tmp_path, clash, command):
    config, says = CLASHES[clash]
    write(tmp_path, chat=chat(rules={"idle-timeout": 1}), game=config)
    result = harness.run(command, "chat.json", "game.json", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert re.search(r"^game\.json: error: " + re.escape(says), result.stderr, re.MULTILINE), result.stderr
    assert result.stderr.endswith("\n1 error\n")


def test_a_file_that_is_given_twice_is_said_to_be(tmp_path):
    write(tmp_path, chat=chat())
    result = harness.run("check", "chat.json", "chat.json", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (2, "chat.json: error: is given twice\n1 error\n")


def test_each_wrong_file_is_said_at_once(tmp_path):
    write(tmp_path, chat=chat(stage="dev"), game=game(region="?"), other=game(name="other", apiId="other"))
    result = harness.run("check", "chat.json", "game.json", "other.json", cwd=tmp_path)
    assert result.returncode == 2
    assert 'either "stage" or "stages", not both' in result.stderr
    assert "/region: a region's name has" in result.stderr


def test_more_files_than_can_be_served_are_too_many(tmp_path):
    for command in ("check", "run"):
        result = harness.run(command, *["x.json"] * 101, cwd=tmp_path)
        assert result.returncode == 2
        assert "more than 100 CONFIGs cannot be served at once" in result.stderr


# ---- events of a stage ----


def test_an_event_is_of_the_stage_that_is_asked_for(tmp_path):
    write(tmp_path, chat=chat())
    for arguments, stage, level in ((), "dev", "test"), (("--stage", "prod"), "prod", "live"):
        result = harness.run("event", "message", *arguments, "chat.json", cwd=tmp_path)
        event = json.loads(result.stdout)
        assert (event["requestContext"]["stage"], event["stageVariables"]) == (stage, {"level": level})
    result = harness.run("event", "authorizer", "--stage", "prod", "chat.json", cwd=tmp_path)
    assert json.loads(result.stdout)["methodArn"].endswith(f":{CHAT_ID}/prod/$connect")
    result = harness.run("event", "message", "--stage", "prd", "chat.json", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert "no stage 'prd' in chat.json; did you mean 'prod'?" in result.stderr
    result = harness.run("event", "message", "--stage", "prod", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert "--stage is one of a CONFIG, and there is none" in result.stderr
