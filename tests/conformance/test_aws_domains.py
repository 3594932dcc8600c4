"""Custom domains, stages and the API's own host: where a client is led, and what its events say of it."""

import json
import urllib.parse

import facts
import pytest
from facts import DOCUMENTED, INFERRED, OBSERVED, Source, fact, row, table

MAPPINGS = Source("API Gateway developer guide, websocket-api-mappings", DOCUMENTED)
WILDCARD = Source("API Gateway developer guide, http-api-custom-domain-names; for WebSocket APIs inferred", INFERRED)
NO_STAGE = Source("AWS re:Post, QUFMdQ77m5QQytvohV3dvW7A", OBSERVED)
FIREFOX = Source("events of a public pytest file with Firefox captures through a custom domain, Feb 2024", OBSERVED)
UNMAPPED = Source("websocket-api-monitor has no metric for it; the answer is inferred", INFERRED)
DISABLED = Source("websocket-api-disable-default-endpoint; the answer is inferred from REST APIs", INFERRED)
ENDPOINT = Source("API Gateway developer guide, apigateway-how-to-call-websocket-api-connections", DOCUMENTED)
WITH_STAGE = Source("aws-samples/simple-websockets-chat-app#40", OBSERVED)
INSTEAD = Source("simple-websockets-chat-app#40; that it is the key in place of the stage is inferred", INFERRED)
ELSEWHERE = Source("csdcorp.com, aws-websocket-403-using-posttoconnect", OBSERVED)
VARIABLES = Source("API Gateway developer guide, stage variables of WebSocket APIs", DOCUMENTED)

DOMAIN = "chat.example.com"
API_ID = "a1b2c3d4e5"
OWN_HOST = f"{API_ID}.execute-api.us-east-1.amazonaws.com"
CONFIG = facts.api(
    {"$connect": "event", "$default": "${stageVariables.fn}"},
    {"echo": {}, "status": {}},
    apiId=API_ID,
    stages={
        "dev": {"stageVariables": {"fn": "echo"}},
        "prod": {"stageVariables": {"fn": "status", "level": "live"}},
        "same": {"stageVariables": {"fn": "echo"}},
    },
    domains={
        DOMAIN: {"": "prod", "chat": "dev", "chat/eu": "prod", "same": "same", "a$-_.+!*'()": "dev"},
        "*.example.org": {"only": "dev"},
    },
)


@pytest.fixture
def emulator(serve):
    return serve(CONFIG)


def connect(emulator, path, host, headers=()):
    return emulator.connect(path=path, headers=[("Host", host), *headers])


def event_of(client):
    return json.loads(client.ask('{"action":"whoami"}'))


def stage_of(emulator, path, host):
    return event_of(connect(emulator, path, host))["requestContext"]["stage"]


@table(
    "path, host, stage",
    row("the API's host: the path begins with the stage", ENDPOINT, "wss://{apiId}.execute-api.{region}/{stage} is the stage", "/dev", OWN_HOST, "dev"),
    row("another stage of it", ENDPOINT, "each stage of an API has its own path", "/prod", OWN_HOST, "prod"),
    row("an empty key is the domain", MAPPINGS, "an API mapping with an empty key is wss://{domain}", "/", DOMAIN, "prod"),
    row("a key", MAPPINGS, "an API mapping is wss://{domain}/{key}, without the stage", "/chat", DOMAIN, "dev"),
    row("a slash behind a key", MAPPINGS, "a slash may follow the key of an API mapping", "/chat/", DOMAIN, "dev"),
    row("a key of several levels", MAPPINGS, "the key of an API mapping may have several levels, the longest that fits counts", "/chat/eu", DOMAIN, "prod"),
    row("characters of keys", MAPPINGS, "a key has letters, digits and $-_.+!*'()", "/a$-_.+!*'()", DOMAIN, "dev"),
    row("a wildcard", WILDCARD, "a wildcard domain takes any one label", "/only", "any.example.org", "dev"),
    row("key equals stage", NO_STAGE, "a path with the stage works where the key equals it", "/same", DOMAIN, "same"),
)
def test_where_a_client_is_led(emulator, path, host, stage):
    assert stage_of(emulator, path, host) == stage


@table(
    "path, host",
    row("the stage behind a domain", NO_STAGE, "the stage does not belong into the path of a custom domain", "/dev", DOMAIN),
    row("the stage behind a key", NO_STAGE, "the stage behind the key of an API mapping fails", "/chat/dev", DOMAIN),
    row("a path without a mapping", UNMAPPED, "a path of a custom domain without an API mapping is forbidden", "/", "any.example.org"),
)
def test_what_leads_nowhere(emulator, path, host):
    response = facts.handshake(emulator, path=path, headers=[("Host", host)])
    assert (response.status, json.loads(response.text)) == (403, {"message": "Forbidden"})


@fact("an API whose execute-api endpoint is disabled is forbidden there", DISABLED.where, INFERRED)
def test_a_disabled_endpoint(serve):
    emulator = serve({**CONFIG, "disableExecuteApiEndpoint": True})
    assert facts.handshake(emulator, path="/dev", headers=[("Host", OWN_HOST)]).status == 403
    assert stage_of(emulator, "/chat", DOMAIN) == "dev"


# ---- what events say ----


@fact("domainName is the custom domain", FIREFOX.where, OBSERVED)
def test_domain_name(emulator):
    assert event_of(connect(emulator, "/chat", DOMAIN))["requestContext"]["domainName"] == DOMAIN


@fact("stage is the stage's own name behind a custom domain", FIREFOX.where, OBSERVED)
def test_stage_name(emulator):
    assert event_of(connect(emulator, "/", DOMAIN))["requestContext"]["stage"] == "prod"


@fact("the Host header of $connect is the custom domain", FIREFOX.where, OBSERVED)
def test_host_header(emulator):
    connection_id = event_of(connect(emulator, "/chat", DOMAIN))["requestContext"]["connectionId"]
    assert emulator.event(connection_id, "CONNECT")["headers"]["Host"] == DOMAIN


@table(
    "path, lower",
    row("one level", MAPPINGS, "a key of one level leaves the names of headers alone", "/chat", False),
    row("several levels", MAPPINGS, "behind a key of several levels all names of headers are lower case", "/chat/eu", True),
)
def test_names_of_headers(emulator, path, lower):
    client = connect(emulator, path, DOMAIN, [("X-Room", "Lobby")])
    headers = emulator.event(event_of(client)["requestContext"]["connectionId"], "CONNECT")["headers"]
    assert ("x-room" in headers, "X-Room" in headers) == (lower, not lower)


@fact("domainName is the API's host where the client came by it", ENDPOINT.where, DOCUMENTED)
def test_own_domain_name(emulator):
    assert event_of(connect(emulator, "/dev", OWN_HOST))["requestContext"]["domainName"] == OWN_HOST


# ---- stage variables ----


@fact("each stage has variables of its own", VARIABLES.where, DOCUMENTED)
def test_variables_of_stages(emulator):
    variables = [event_of(connect(emulator, f"/{stage}", OWN_HOST))["stageVariables"] for stage in ("dev", "prod")]
    assert variables == [{"fn": "echo"}, {"fn": "status", "level": "live"}]


@fact("a stage variable in the integration's URI picks the function", VARIABLES.where, DOCUMENTED)
def test_function_of_a_stage(emulator):
    assert connect(emulator, "/dev", OWN_HOST).ask("201") == "201"
    assert connect(emulator, "/prod", OWN_HOST).ask("201") != "201"


# ---- @connections ----


def post(emulator, prefix, connection_id, host):
    path = f"{prefix}/@connections/{urllib.parse.quote(connection_id, safe='')}"
    return emulator.http("POST", path, b"hello", [("Host", host)])


@table(
    "prefix, host",
    row("by the API's host", ENDPOINT, "@connections is behind the stage at the API's host", "/dev", OWN_HOST),
    row("by a key", INSTEAD, "@connections is behind the key at a custom domain", "/chat", DOMAIN),
)
def test_a_post(emulator, prefix, host):
    client = connect(emulator, "/chat", DOMAIN)
    connection_id = event_of(client)["requestContext"]["connectionId"]
    assert post(emulator, prefix, connection_id, host).status == 200
    assert client.receive() == "hello"


@fact("the stage in the path of a custom domain is no method: 404", WITH_STAGE.where, OBSERVED)
def test_a_post_with_the_stage(emulator):
    connection_id = event_of(connect(emulator, "/", DOMAIN))["requestContext"]["connectionId"]
    response = emulator.http("POST", f"/dev/@connections/{connection_id}", b"x", [("Host", DOMAIN)])
    assert response.status == 404
    message = f"No method found matching route dev/@connections/{connection_id} for http method POST."
    assert json.loads(response.text) == {"message": message}


@table(
    "prefix, host",
    row("another stage", ELSEWHERE, "a connection of another stage is forbidden", "/prod", OWN_HOST),
    row("another mapping", ELSEWHERE, "a connection of another stage is forbidden behind a custom domain too", "/chat/eu", DOMAIN),
)
def test_a_post_to_another_stage(emulator, prefix, host):
    connection_id = event_of(connect(emulator, "/dev", OWN_HOST))["requestContext"]["connectionId"]
    response = post(emulator, prefix, connection_id, host)
    assert (response.status, response.get("x-amzn-ErrorType")) == (403, "ForbiddenException")
