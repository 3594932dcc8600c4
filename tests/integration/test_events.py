"""The documents that handlers receive: members, order and formats are AWS's."""

import json
import re
import time

import harness
import pytest

CONTEXT_ORDER = [
    "routeKey",
    "disconnectStatusCode",
    "messageId",
    "eventType",
    "extendedRequestId",
    "requestTime",
    "messageDirection",
    "disconnectReason",
    "stage",
    "connectedAt",
    "requestTimeEpoch",
    "identity",
    "requestId",
    "domainName",
    "connectionId",
    "apiId",
]


def context_order(*left_out):
    return [name for name in CONTEXT_ORDER if name not in left_out]


@pytest.fixture
def recording(start, events):
    """An emulator that writes down its $connect and $disconnect events and answers messages with theirs."""

    def start_recording(**members):
        routes = {"$connect": "event", "$disconnect": "event", "$default": "event", "chat": "event"}
        return start(harness.api(routes, {"event": events.function}, **members))

    return start_recording


def connect_event(emulator, events, *arguments, **options):
    client = emulator.connect(*arguments, **options)
    return client, json.loads(events.wait("CONNECT")[0])


# ---- $connect ----


def test_a_connect_event_has_its_members_in_order(recording, events):
    _, event = connect_event(recording(), events)
    assert list(event) == ["headers", "multiValueHeaders", "requestContext", "isBase64Encoded"]
    assert list(event["requestContext"]) == context_order("disconnectStatusCode", "messageId", "disconnectReason")
    assert event["isBase64Encoded"] is False


def test_a_connect_event_with_a_query_has_both_query_maps(recording, events):
    _, event = connect_event(recording(), events, "?room=a%20b&room=c&empty=&plus=1+2")
    assert list(event) == [
        "headers",
        "multiValueHeaders",
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "requestContext",
        "isBase64Encoded",
    ]
    assert event["queryStringParameters"]["room"] == "c"
    assert event["multiValueQueryStringParameters"]["room"] == ["a b", "c"]
    assert event["queryStringParameters"]["empty"] == ""


def test_stage_variables_are_in_every_event_when_the_stage_has_some(recording, events):
    emulator = recording(stageVariables={"table": "rooms"})
    client, event = connect_event(emulator, events)
    assert list(event) == ["headers", "multiValueHeaders", "stageVariables", "requestContext", "isBase64Encoded"]
    message = json.loads(client.ask("x"))
    assert list(message) == ["stageVariables", "requestContext", "body", "isBase64Encoded"]
    client.close()
    gone = json.loads(events.wait("DISCONNECT")[0])
    assert event["stageVariables"] == message["stageVariables"] == gone["stageVariables"] == {"table": "rooms"}


def test_the_headers_of_a_connect_event_are_sorted_and_keep_their_case(recording, events):
    sent = [("x-zeta", "1"), ("Accept-Language", "de"), ("X-alpha", "2"), ("cookie", "a=b")]
    _, event = connect_event(recording(), events, headers=sent)
    names = list(event["headers"])
    assert names == sorted(names, key=str.lower)
    assert {"x-zeta", "Accept-Language", "X-alpha", "cookie"} <= set(names)
    assert list(event["multiValueHeaders"]) == names
    assert all(event["multiValueHeaders"][name][-1] == event["headers"][name] for name in names)


def test_the_gateways_own_headers_are_in_a_connect_event_and_hop_by_hop_ones_are_not(recording, events):
    _, event = connect_event(recording(), events)
    headers = event["headers"]
    assert {"Host", "Sec-WebSocket-Key", "Sec-WebSocket-Version"} <= set(headers)
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", headers["X-Amzn-Trace-Id"])
    assert headers["X-Forwarded-For"] == "127.0.0.1"
    assert headers["X-Forwarded-Port"].isdigit()
    assert headers["X-Forwarded-Proto"] in ("http", "https")
    assert not {"connection", "upgrade"} & {name.lower() for name in headers}


def test_a_repeated_header_keeps_its_last_value_and_lists_all(recording, events):
    _, event = connect_event(recording(), events, headers=[("X-Twice", "one"), ("X-Twice", "two")])
    assert event["headers"]["X-Twice"] == "two"
    assert event["multiValueHeaders"]["X-Twice"] == ["one", "two"]


def test_the_user_agent_is_remembered_before_the_source_ip(recording, events):
    client, event = connect_event(recording(), events, headers=[("User-Agent", "browser/1.0")])
    identity = event["requestContext"]["identity"]
    assert list(identity.items()) == [("userAgent", "browser/1.0"), ("sourceIp", "127.0.0.1")]
    assert json.loads(client.ask("x"))["requestContext"]["identity"] == identity


def test_without_a_user_agent_the_identity_is_the_source_ip_alone(recording, events):
    _, event = connect_event(recording(), events)
    assert event["requestContext"]["identity"] == {"sourceIp": "127.0.0.1"}


# ---- a message ----


def test_a_message_event_has_its_members_in_order(recording):
    event = json.loads(recording().connect().ask('{"action":"chat"}'))
    assert list(event) == ["requestContext", "body", "isBase64Encoded"]
    assert list(event["requestContext"]) == context_order("disconnectStatusCode", "disconnectReason")


def test_the_formats_of_a_message_event_are_those_of_aws(recording):
    client = recording().connect()
    before = time.time() * 1000
    context = json.loads(client.ask('{"action":"chat"}'))["requestContext"]
    for name in ("connectionId", "requestId", "messageId"):
        assert re.fullmatch(harness.CONNECTION_ID, context[name])
    assert context["extendedRequestId"] == context["requestId"]
    assert context["messageId"][-4:] == context["connectionId"][-4:]
    assert (context["routeKey"], context["eventType"], context["messageDirection"]) == ("chat", "MESSAGE", "IN")
    assert (context["stage"], context["domainName"]) == ("dev", "127.0.0.1")
    assert abs(context["requestTimeEpoch"] - before) < 20_000
    assert context["connectedAt"] <= context["requestTimeEpoch"]
    seconds = time.gmtime(context["requestTimeEpoch"] / 1000)
    assert context["requestTime"] == time.strftime("%d/%b/%Y:%H:%M:%S +0000", seconds)
    assert re.fullmatch(r"[a-z0-9]{10}", context["apiId"])


def test_the_document_is_written_without_blanks(recording):
    text = recording().connect().ask('{"action":"chat"}')
    assert text.startswith('{"requestContext":{"routeKey":"chat","messageId":"')


BODIES = {
    "plain text": "hello",
    "json with blanks": '{ "action" : "chat" }',
    "quotes and backslashes": '"a\\b"',
    "control characters": "a\x01\x1f\n\r\t\x7fb",
    "a nul": "a\x00b",
    "several planes": "ä € 😀 \u2028",
    "nothing": "",
}


@pytest.mark.parametrize("kind", BODIES)
def test_the_body_of_a_message_event_is_the_clients_text_exactly(recording, kind):
    event = json.loads(recording().connect().ask(BODIES[kind]))
    assert event["body"] == BODIES[kind]


def test_each_message_has_ids_of_its_own_and_each_client_too(recording):
    emulator = recording()
    first, second = emulator.connect(), emulator.connect()
    contexts = [json.loads(client.ask("x"))["requestContext"] for client in (first, first, second)]
    for name in ("requestId", "messageId"):
        assert len({context[name] for context in contexts}) == 3
    assert len({context["connectionId"] for context in contexts}) == 2


def test_one_api_name_always_gives_the_same_api_id(recording):
    ids = [json.loads(recording().connect().ask("x"))["requestContext"]["apiId"] for _ in range(2)]
    assert ids[0] == ids[1]


# ---- $disconnect ----


def test_a_disconnect_event_has_its_members_in_order(recording, events):
    client = recording().connect()
    client.close(1000, "bye")
    event = json.loads(events.wait("DISCONNECT")[0])
    assert list(event) == ["headers", "multiValueHeaders", "requestContext", "isBase64Encoded"]
    assert list(event["requestContext"]) == context_order("messageId")
    assert list(event["headers"].items()) == [("Host", "127.0.0.1"), ("x-api-key", ""), ("X-Forwarded-For", ""), ("x-restapi", "")]
    assert event["multiValueHeaders"] == {name: [value] for name, value in event["headers"].items()}
    assert event["isBase64Encoded"] is False


def test_one_connection_has_one_id_and_one_time_in_all_its_events(recording, events):
    client, opened = connect_event(recording(), events)
    message = json.loads(client.ask("x"))
    client.close()
    closed = json.loads(events.wait("DISCONNECT")[0])
    for name in ("connectionId", "connectedAt", "apiId", "domainName", "stage"):
        assert opened["requestContext"][name] == message["requestContext"][name] == closed["requestContext"][name]
    ids = {event["requestContext"]["requestId"] for event in (opened, message, closed)}
    assert len(ids) == 3
