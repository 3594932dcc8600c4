"""The documents that functions get: which members there are, in which order, and what they look like."""

import base64
import datetime
import json
import re

import facts
import pytest
from facts import DOCUMENTED, INFERRED, OBSERVED, Source, fact, policy, query, row, table

CONNECT_CAPTURE = Source("aws-powertools/powertools-lambda-python, apiGatewayWebSocketApiConnect.json (Nov 2024)", OBSERVED)
MESSAGE_CAPTURE = Source("aws-powertools/powertools-lambda-python, apiGatewayWebSocketApiMessage.json (Nov 2024)", OBSERVED)
DISCONNECT_CAPTURE = Source("aws-powertools/powertools-lambda-python, apiGatewayWebSocketApiDisconnect.json (Nov 2024)", OBSERVED)
CAPTURES = Source("aws-powertools/powertools-lambda-python, the three events of a WebSocket API (Nov 2024)", OBSERVED)
BROWSER = Source("captures of Firefox through a custom domain (Feb 2024)", OBSERVED)
REST = Source("REST APIs' proxy events", INFERRED)
MAPPING = Source("API Gateway developer guide, apigateway-websocket-api-mapping-template-reference", DOCUMENTED)
AUTHORIZER_GUIDE = Source("API Gateway developer guide, apigateway-websocket-api-lambda-auth, a real capture", DOCUMENTED)
AUTHORIZER_CAPTURE = Source("localstack/localstack#7191, a capture", OBSERVED)
HASHMAP = Source("the iteration order of a Java HashMap with 32 buckets, which all captures have", INFERRED)
QUERY = Source("serverless-offline's end-to-end suite, written against AWS", OBSERVED)
VARIABLES = Source("DefinitelyTyped's APIGatewayProxyWebsocketEventV2 and localstack/localstack#10734", INFERRED)
IDS = Source("about 40 captured ids", INFERRED)

CONTEXT_ORDER = [
    "routeKey", "authorizer", "disconnectStatusCode", "messageId", "eventType", "extendedRequestId", "requestTime",
    "messageDirection", "disconnectReason", "stage", "connectedAt", "requestTimeEpoch", "identity", "requestId",
    "domainName", "connectionId", "apiId",
]  # fmt: skip
NEVER = ["version", "resource", "path", "httpMethod", "pathParameters"]

ALL_EVENTS = {"$connect": "event", "$disconnect": "event", "$default": "event", "chat": "event"}
PLAIN = facts.api(ALL_EVENTS)
WITH_VARIABLES = facts.api(ALL_EVENTS, stageVariables={"level": "test", "table": "rooms"})
AUTHORIZED = facts.authorized("count")


class Story:
    """The documents of one connection that connects, sends a message and closes."""

    def __init__(self, emulator, headers, query_string):
        client = emulator.connect(query_string, headers=headers)
        self.message_text = client.ask('{"action":"chat"}')
        self.message = json.loads(self.message_text)
        self.id = self.message["requestContext"]["connectionId"]
        client.close()
        self.disconnect = emulator.event(self.id, "DISCONNECT")
        texts = [text for text in emulator.events(self.id) if '"eventType":"CONNECT"' in text]
        documents = [json.loads(text) for text in texts]
        self.connect = next(document for document in documents if "type" not in document)
        self.connect_text = next(text for text, document in zip(texts, documents) if "type" not in document)
        self.authorizer = next((document for document in documents if "type" in document), None)
        self.all = {"CONNECT": self.connect, "MESSAGE": self.message, "DISCONNECT": self.disconnect}

    def context(self, event_type):
        return self.all[event_type]["requestContext"]


@pytest.fixture
def tell(serve):
    def tell_one(config=PLAIN, headers=(), query_string=""):
        return Story(serve(config), headers, query_string)

    return tell_one


def order_without(*left_out):
    return [name for name in CONTEXT_ORDER if name not in left_out]


# ---- members and their order ----


TOP = {
    "CONNECT": ["headers", "multiValueHeaders", "requestContext", "isBase64Encoded"],
    "MESSAGE": ["requestContext", "body", "isBase64Encoded"],
    "DISCONNECT": ["headers", "multiValueHeaders", "requestContext", "isBase64Encoded"],
}


@table(
    "event_type",
    row("CONNECT", CONNECT_CAPTURE, "the members of a CONNECT, in order", "CONNECT"),
    row("MESSAGE", MESSAGE_CAPTURE, "the members of a MESSAGE, in order: no headers", "MESSAGE"),
    row("DISCONNECT", DISCONNECT_CAPTURE, "the members of a DISCONNECT, in order: no body", "DISCONNECT"),
)
def test_the_members_of_an_event(tell, event_type):
    assert list(tell().all[event_type]) == TOP[event_type]


@table(
    "event_type,left_out",
    row("CONNECT", CONNECT_CAPTURE, "the members of a CONNECT's requestContext, in order", "CONNECT",
        ["authorizer", "disconnectStatusCode", "disconnectReason", "messageId"]),
    row("MESSAGE", MESSAGE_CAPTURE, "the members of a MESSAGE's requestContext, in order", "MESSAGE",
        ["authorizer", "disconnectStatusCode", "disconnectReason"]),
    row("DISCONNECT", DISCONNECT_CAPTURE, "the members of a DISCONNECT's requestContext, in order", "DISCONNECT",
        ["authorizer", "messageId"]),
)  # fmt: skip
def test_the_members_of_a_request_context(tell, event_type, left_out):
    assert list(tell().context(event_type)) == order_without(*left_out)


@table(
    "event_type,left_out",
    row("CONNECT", HASHMAP, "authorizer stands behind routeKey in a CONNECT", "CONNECT",
        ["disconnectStatusCode", "disconnectReason", "messageId"]),
    row("MESSAGE", HASHMAP, "authorizer stands behind routeKey in a MESSAGE", "MESSAGE", ["disconnectStatusCode", "disconnectReason"]),
)  # fmt: skip
def test_the_place_of_the_authorizer(tell, event_type, left_out):
    assert list(tell(AUTHORIZED).context(event_type)) == order_without(*left_out)


@fact("in a DISCONNECT authorizer stands behind disconnectStatusCode, which is in the same bucket", "boto/boto3#3789, a log of 2023", OBSERVED)
def test_the_place_of_the_authorizer_in_a_disconnect(tell):
    members = list(tell(AUTHORIZED).context("DISCONNECT"))
    assert members[:3] == ["routeKey", "disconnectStatusCode", "authorizer"]
    assert members[3:] == order_without("routeKey", "authorizer", "disconnectStatusCode", "messageId")


@table(
    "event_type,members",
    row("CONNECT", VARIABLES, "stageVariables stand in front of requestContext", "CONNECT",
        ["headers", "multiValueHeaders", "stageVariables", "requestContext", "isBase64Encoded"]),
    row("MESSAGE", VARIABLES, "stageVariables stand in front of requestContext", "MESSAGE",
        ["stageVariables", "requestContext", "body", "isBase64Encoded"]),
    row("DISCONNECT", VARIABLES, "stageVariables stand in front of requestContext", "DISCONNECT",
        ["headers", "multiValueHeaders", "stageVariables", "requestContext", "isBase64Encoded"]),
)  # fmt: skip
def test_stage_variables(tell, event_type, members):
    event = tell(WITH_VARIABLES).all[event_type]
    assert list(event) == members
    assert event["stageVariables"] == {"level": "test", "table": "rooms"}


@fact("a query adds queryStringParameters and multiValueQueryStringParameters behind the headers", QUERY.where, OBSERVED)
def test_the_members_of_a_connect_with_a_query(tell):
    assert list(tell(query_string="?a=b").connect) == [
        "headers", "multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters", "requestContext", "isBase64Encoded",
    ]  # fmt: skip


@table(
    "member,event_type",
    *(row(f"{member} in {event_type}", CAPTURES, f"{member} is in no {event_type}", member, event_type)
      for event_type in TOP for member in NEVER),
    row("body in CONNECT", CONNECT_CAPTURE, "a CONNECT has no body", "body", "CONNECT"),
    row("body in DISCONNECT", DISCONNECT_CAPTURE, "a DISCONNECT has no body", "body", "DISCONNECT"),
    row("headers in MESSAGE", MESSAGE_CAPTURE, "headers exist at the connection's start only", "headers", "MESSAGE"),
    row("multiValueHeaders in MESSAGE", MESSAGE_CAPTURE, "headers exist at the connection's start only", "multiValueHeaders", "MESSAGE"),
    row("query in MESSAGE", MESSAGE_CAPTURE, "the query exists at the connection's start only", "queryStringParameters", "MESSAGE"),
    row("query in DISCONNECT", DISCONNECT_CAPTURE, "the query exists at the connection's start only", "queryStringParameters", "DISCONNECT"),
    row("stageVariables in CONNECT", CONNECT_CAPTURE, "a stage without variables gives none", "stageVariables", "CONNECT"),
    row("stageVariables in MESSAGE", MESSAGE_CAPTURE, "a stage without variables gives none", "stageVariables", "MESSAGE"),
    row("stageVariables in DISCONNECT", DISCONNECT_CAPTURE, "a stage without variables gives none", "stageVariables", "DISCONNECT"),
)  # fmt: skip
def test_what_an_event_does_not_have(tell, member, event_type):
    assert member not in tell(query_string="?a=b").all[event_type]


@table(
    "event_type",
    row("CONNECT", CONNECT_CAPTURE, "nothing is null in a CONNECT", "CONNECT"),
    row("MESSAGE", MESSAGE_CAPTURE, "nothing is null in a MESSAGE", "MESSAGE"),
    row("DISCONNECT", DISCONNECT_CAPTURE, "nothing is null in a DISCONNECT", "DISCONNECT"),
)
def test_nothing_is_null(tell, event_type):
    assert "null" not in json.dumps(tell().all[event_type])


@table(
    "event_type,member",
    row("CONNECT: messageId", CONNECT_CAPTURE, "a CONNECT has no messageId", "CONNECT", "messageId"),
    row("CONNECT: disconnectStatusCode", CONNECT_CAPTURE, "a CONNECT has no disconnectStatusCode", "CONNECT", "disconnectStatusCode"),
    row("CONNECT: disconnectReason", CONNECT_CAPTURE, "a CONNECT has no disconnectReason", "CONNECT", "disconnectReason"),
    row("CONNECT: authorizer", CONNECT_CAPTURE, "without an authorizer there is none in the context", "CONNECT", "authorizer"),
    row("MESSAGE: disconnectStatusCode", MESSAGE_CAPTURE, "a MESSAGE has no disconnectStatusCode", "MESSAGE", "disconnectStatusCode"),
    row("MESSAGE: disconnectReason", MESSAGE_CAPTURE, "a MESSAGE has no disconnectReason", "MESSAGE", "disconnectReason"),
    row("MESSAGE: authorizer", MESSAGE_CAPTURE, "without an authorizer there is none in the context", "MESSAGE", "authorizer"),
    row("DISCONNECT: messageId", DISCONNECT_CAPTURE, "a DISCONNECT has no messageId", "DISCONNECT", "messageId"),
    row("DISCONNECT: authorizer", DISCONNECT_CAPTURE, "without an authorizer there is none in the context", "DISCONNECT", "authorizer"),
)
def test_what_a_request_context_does_not_have(tell, event_type, member):
    assert member not in tell().context(event_type)


# ---- values ----


@table(
    "event_type,member,value",
    row("CONNECT routeKey", CONNECT_CAPTURE, "a CONNECT's routeKey is $connect", "CONNECT", "routeKey", "$connect"),
    row("MESSAGE routeKey", MESSAGE_CAPTURE, "a MESSAGE's routeKey is the selected route", "MESSAGE", "routeKey", "chat"),
    row("DISCONNECT routeKey", DISCONNECT_CAPTURE, "a DISCONNECT's routeKey is $disconnect", "DISCONNECT", "routeKey", "$disconnect"),
    row("CONNECT eventType", CONNECT_CAPTURE, "the eventType is CONNECT", "CONNECT", "eventType", "CONNECT"),
    row("MESSAGE eventType", MESSAGE_CAPTURE, "the eventType is MESSAGE", "MESSAGE", "eventType", "MESSAGE"),
    row("DISCONNECT eventType", DISCONNECT_CAPTURE, "the eventType is DISCONNECT", "DISCONNECT", "eventType", "DISCONNECT"),
    row("CONNECT messageDirection", CONNECT_CAPTURE, "messageDirection is always IN", "CONNECT", "messageDirection", "IN"),
    row("MESSAGE messageDirection", MESSAGE_CAPTURE, "messageDirection is always IN", "MESSAGE", "messageDirection", "IN"),
    row("DISCONNECT messageDirection", DISCONNECT_CAPTURE, "messageDirection is always IN", "DISCONNECT", "messageDirection", "IN"),
    row("CONNECT stage", CONNECT_CAPTURE, "stage is the stage's name", "CONNECT", "stage", "dev"),
    row("MESSAGE stage", MESSAGE_CAPTURE, "stage is the stage's name", "MESSAGE", "stage", "dev"),
    row("DISCONNECT stage", DISCONNECT_CAPTURE, "stage is the stage's name", "DISCONNECT", "stage", "dev"),
    row("CONNECT identity", CONNECT_CAPTURE, "identity is the source address", "CONNECT", "identity", {"sourceIp": "127.0.0.1"}),
    row("MESSAGE identity", MESSAGE_CAPTURE, "identity is the source address", "MESSAGE", "identity", {"sourceIp": "127.0.0.1"}),
    row("DISCONNECT identity", DISCONNECT_CAPTURE, "identity is the source address", "DISCONNECT", "identity", {"sourceIp": "127.0.0.1"}),
    row("DISCONNECT code", DISCONNECT_CAPTURE, "disconnectStatusCode is a number", "DISCONNECT", "disconnectStatusCode", 1005),
    row("DISCONNECT reason", DISCONNECT_CAPTURE, "disconnectReason is a text", "DISCONNECT", "disconnectReason",
        "Client-side close frame status not set"),
    row("CONNECT domainName", BROWSER, "domainName is the host that the client used", "CONNECT", "domainName", "127.0.0.1"),
    row("MESSAGE domainName", BROWSER, "domainName is the host that the client used", "MESSAGE", "domainName", "127.0.0.1"),
    row("DISCONNECT domainName", BROWSER, "domainName is the host that the client used", "DISCONNECT", "domainName", "127.0.0.1"),
)  # fmt: skip
def test_the_value_of_a_member(tell, event_type, member, value):
    assert tell().context(event_type)[member] == value


@table(
    "event_type,member,pattern",
    *(row(f"{event_type} {member}", IDS, f"{member} has 15 characters of URL-safe base64 and a =", event_type, member, facts.ID)
      for event_type in TOP for member in ("connectionId", "requestId", "extendedRequestId")),
    row("MESSAGE messageId", IDS, "messageId has 15 characters of URL-safe base64 and a =", "MESSAGE", "messageId", facts.ID),
    *(row(f"{event_type} requestTime", CAPTURES, "requestTime is CLF's, in UTC", event_type, "requestTime",
          r"\d\d/(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)/\d{4}:\d\d:\d\d:\d\d \+0000") for event_type in TOP),
    row("apiId", Source("stored dumps of live accounts", OBSERVED), "an API id has 10 small letters and digits", "CONNECT", "apiId",
        "[a-z0-9]{10}"),
)  # fmt: skip
def test_the_form_of_a_member(tell, event_type, member, pattern):
    assert re.fullmatch(pattern, tell().context(event_type)[member])


@table(
    "event_type",
    row("CONNECT", MAPPING, "requestId and extendedRequestId are the same", "CONNECT"),
    row("MESSAGE", MAPPING, "requestId and extendedRequestId are the same", "MESSAGE"),
    row("DISCONNECT", MAPPING, "requestId and extendedRequestId are the same", "DISCONNECT"),
)
def test_both_request_ids(tell, event_type):
    context = tell().context(event_type)
    assert context["requestId"] == context["extendedRequestId"]


@table(
    "event_type",
    row("CONNECT", CONNECT_CAPTURE, "requestTime is requestTimeEpoch, to the second", "CONNECT"),
    row("MESSAGE", MESSAGE_CAPTURE, "requestTime is requestTimeEpoch, to the second", "MESSAGE"),
    row("DISCONNECT", DISCONNECT_CAPTURE, "requestTime is requestTimeEpoch, to the second", "DISCONNECT"),
)
def test_both_times(tell, event_type):
    context = tell().context(event_type)
    moment = datetime.datetime.fromtimestamp(context["requestTimeEpoch"] // 1000, datetime.timezone.utc)
    assert context["requestTime"] == moment.strftime("%d/%b/%Y:%H:%M:%S +0000")


@table(
    "event_type",
    row("CONNECT", CONNECT_CAPTURE, "times are whole milliseconds, with connectedAt not behind", "CONNECT"),
    row("MESSAGE", MESSAGE_CAPTURE, "times are whole milliseconds, with connectedAt not behind", "MESSAGE"),
    row("DISCONNECT", DISCONNECT_CAPTURE, "times are whole milliseconds, with connectedAt not behind", "DISCONNECT"),
)
def test_times_are_milliseconds(tell, event_type):
    context = tell().context(event_type)
    assert isinstance(context["connectedAt"], int) and isinstance(context["requestTimeEpoch"], int)
    assert 1_600_000_000_000 < context["connectedAt"] <= context["requestTimeEpoch"]


@fact("a CONNECT's requestTimeEpoch is 0 to 8 ms behind connectedAt", CONNECT_CAPTURE.where, OBSERVED)
def test_connect_follows_connected_at(tell):
    context = tell().context("CONNECT")
    assert 0 <= context["requestTimeEpoch"] - context["connectedAt"] <= 8


@table(
    "member",
    *(row(member, CAPTURES, f"{member} is the same in all events of a connection", member)
      for member in ("connectionId", "connectedAt", "apiId", "domainName", "stage", "identity")),
)  # fmt: skip
def test_what_a_connection_keeps(tell, member):
    story = tell(headers=[("User-Agent", "browser/1.0")])
    assert len({json.dumps(story.context(event_type)[member]) for event_type in TOP}) == 1


@fact("each event has a request id of its own", CAPTURES.where, OBSERVED)
def test_request_ids_are_new(tell):
    story = tell()
    assert len({story.context(event_type)["requestId"] for event_type in TOP}) == 3


@fact("a messageId is not the requestId", MESSAGE_CAPTURE.where, OBSERVED)
def test_message_ids_are_not_request_ids(tell):
    context = tell().context("MESSAGE")
    assert context["messageId"] != context["requestId"]


# ---- ids ----


def decoded(text):
    return base64.urlsafe_b64decode(text)


@fact("an id is 11 bytes in URL-safe base64", IDS.where, OBSERVED)
def test_ids_are_11_bytes(tell):
    context = tell().context("MESSAGE")
    assert [len(decoded(context[name])) for name in ("connectionId", "messageId", "requestId")] == [11, 11, 11]


@fact("a messageId ends as its connectionId does", IDS.where, INFERRED)
def test_message_ids_end_as_the_connections(tell):
    context = tell().context("MESSAGE")
    assert context["messageId"][-5:] == context["connectionId"][-5:]


@table(
    "member,kind",
    row("connectionId", IDS, "byte 8 of a connectionId is 2", "connectionId", 2),
    row("messageId", IDS, "byte 8 of a messageId is 2", "messageId", 2),
    row("requestId", IDS, "byte 8 of a requestId is 5", "requestId", 5),
)
def test_the_kind_of_an_id(tell, member, kind):
    assert decoded(tell().context("MESSAGE")[member])[8] == kind


@table(
    "member,high",
    row("connectionId", IDS, "byte 4 of a connectionId is 0xc0 or more", "connectionId", True),
    row("messageId", IDS, "byte 4 of a messageId is 0xc0 or more", "messageId", True),
    row("requestId", IDS, "byte 4 of a requestId is less than 0xc0", "requestId", False),
)
def test_the_fifth_byte_of_an_id(tell, member, high):
    assert (decoded(tell().context("MESSAGE")[member])[4] >= 0xC0) is high


@fact("the counter in ids goes up by 1 every 25 ms", IDS.where, INFERRED)
def test_the_counter_of_ids(serve):
    emulator = serve(PLAIN)
    client = emulator.connect()
    first = json.loads(client.ask("x"))["requestContext"]
    emulator.advance("250s")
    second = json.loads(client.ask("x"))["requestContext"]
    ticks = int.from_bytes(decoded(second["requestId"])[:4], "big") - int.from_bytes(decoded(first["requestId"])[:4], "big")
    elapsed = second["requestTimeEpoch"] - first["requestTimeEpoch"]
    assert abs(ticks - elapsed / 25) <= 2


# ---- headers and query ----


@fact("headers are sorted by name, case aside, with the client's case kept", BROWSER.where, OBSERVED)
def test_headers_are_sorted(tell):
    story = tell(headers=[("x-zeta", "1"), ("Accept-Language", "de"), ("X-alpha", "2"), ("cookie", "a=b")])
    names = list(story.connect["headers"])
    assert names == sorted(names, key=str.lower)
    assert {"x-zeta", "Accept-Language", "X-alpha", "cookie"} <= set(names)


@fact("the headers of a bare client's CONNECT", CONNECT_CAPTURE.where, OBSERVED)
def test_the_headers_of_a_bare_client(tell):
    story = tell(headers=[("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")])
    assert list(story.connect["headers"]) == [
        "Host", "Sec-WebSocket-Extensions", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "X-Amzn-Trace-Id", "X-Forwarded-For",
        "X-Forwarded-Port", "X-Forwarded-Proto",
    ]  # fmt: skip


@table(
    "name,pattern",
    row("X-Amzn-Trace-Id", CONNECT_CAPTURE, "X-Amzn-Trace-Id is Root=1-{8 hex}-{24 hex}", "X-Amzn-Trace-Id", facts.TRACE),
    row("X-Forwarded-For", CONNECT_CAPTURE, "X-Forwarded-For is the client's address", "X-Forwarded-For", r"127\.0\.0\.1"),
    row("X-Forwarded-Port", CONNECT_CAPTURE, "X-Forwarded-Port is the port the client used", "X-Forwarded-Port", r"\d+"),
    row("X-Forwarded-Proto", CONNECT_CAPTURE, "X-Forwarded-Proto is the scheme the client used", "X-Forwarded-Proto", "http"),
    row("Sec-WebSocket-Version", CONNECT_CAPTURE, "Sec-WebSocket-Version is passed on", "Sec-WebSocket-Version", "13"),
    row("Sec-WebSocket-Key", CONNECT_CAPTURE, "Sec-WebSocket-Key is passed on", "Sec-WebSocket-Key", "[A-Za-z0-9+/]{22}=="),
)
def test_a_header_of_a_connect(tell, name, pattern):
    assert re.fullmatch(pattern, tell().connect["headers"][name])


@fact("the first part of a trace id is the time in seconds", CONNECT_CAPTURE.where, OBSERVED)
def test_the_time_in_a_trace_id(tell):
    story = tell()
    seconds = int(story.connect["headers"]["X-Amzn-Trace-Id"][7:15], 16)
    assert abs(seconds - story.context("CONNECT")["requestTimeEpoch"] / 1000) < 2


@table(
    "name",
    row("Connection", AUTHORIZER_CAPTURE, "Connection is not in a CONNECT", "connection"),
    row("Upgrade", AUTHORIZER_CAPTURE, "Upgrade is not in a CONNECT", "upgrade"),
    row("content-length", AUTHORIZER_CAPTURE, "content-length is not in a CONNECT", "content-length"),
)
def test_a_header_that_a_connect_does_not_have(tell, name):
    assert name not in [header.lower() for header in tell().connect["headers"]]


@table(
    "name,value",
    row("Origin", BROWSER, "Origin is passed on", "Origin", "https://example.com"),
    row("Cookie", BROWSER, "Cookie is passed on", "Cookie", "a=b; c=d"),
    row("User-Agent", BROWSER, "User-Agent is passed on", "User-Agent", "Mozilla/5.0 (X11)"),
    row("Accept-Encoding", BROWSER, "Accept-Encoding is passed on", "Accept-Encoding", "gzip, deflate, br"),
    row("Sec-WebSocket-Protocol", Source("API Gateway developer guide, websocket-connect-route-subprotocol", DOCUMENTED),
        "the subprotocols arrive as one text", "Sec-WebSocket-Protocol", "a, b"),
    row("Sec-WebSocket-Protocol without blanks", Source("API Gateway developer guide, websocket-connect-route-subprotocol", DOCUMENTED),
        "the subprotocols arrive exactly as sent", "Sec-WebSocket-Protocol", "a,b"),
    row("Authorization", CONNECT_CAPTURE, "Authorization is passed on", "Authorization", "Bearer abc"),
    row("an empty value", REST, "an empty header is passed on", "X-Empty", ""),
    row("quotes", REST, "a header's text is passed on", "X-Quoted", 'a "quoted" \\ text'),
)  # fmt: skip
def test_a_header_is_passed_on(tell, name, value):
    connect = tell(headers=[(name, value)]).connect
    assert connect["headers"][name] == value
    assert connect["multiValueHeaders"][name] == [value]


@fact("multiValueHeaders have an array for each header, in the same order", CONNECT_CAPTURE.where, OBSERVED)
def test_multi_value_headers(tell):
    connect = tell().connect
    assert connect["multiValueHeaders"] == {name: [value] for name, value in connect["headers"].items()}
    assert list(connect["multiValueHeaders"]) == list(connect["headers"])


@fact("of a repeated header the map has the last value", REST.where, INFERRED)
def test_a_repeated_header(tell):
    assert tell(headers=[("X-Twice", "one"), ("X-Twice", "two")]).connect["headers"]["X-Twice"] == "two"


@fact("of a repeated header multiValueHeaders have all values, in order", REST.where, INFERRED)
def test_all_values_of_a_repeated_header(tell):
    connect = tell(headers=[("X-Twice", "one"), ("X-Twice", "two")]).connect
    assert connect["multiValueHeaders"]["X-Twice"] == ["one", "two"]


@table(
    "query_string,single,multi",
    row("one", QUERY, "a query becomes a map", "?a=b", {"a": "b"}, {"a": ["b"]}),
    row("two", QUERY, "all parameters are there", "?a=b&c=d", {"a": "b", "c": "d"}, {"a": ["b"], "c": ["d"]}),
    row("decoded", REST, "values arrive decoded", "?a=b%20c%26", {"a": "b c&"}, {"a": ["b c&"]}),
    row("utf-8", REST, "values are UTF-8", "?a=%C3%A4", {"a": "ä"}, {"a": ["ä"]}),
    row("plus", REST, "a plus is a blank", "?a=b+c", {"a": "b c"}, {"a": ["b c"]}),
    row("repeated", REST, "of a repeated parameter the map has the last value, the other all", "?a=1&a=2", {"a": "2"}, {"a": ["1", "2"]}),
    row("empty value", REST, "a parameter may be empty", "?a=", {"a": ""}, {"a": [""]}),
    row("no value", REST, "a parameter without = is empty", "?a", {"a": ""}, {"a": [""]}),
    row("name decoded", REST, "names arrive decoded", "?a%20b=c", {"a b": "c"}, {"a b": ["c"]}),
    row("equals in a value", REST, "the first = ends the name", "?a=b=c", {"a": "b=c"}, {"a": ["b=c"]}),
)  # fmt: skip
def test_a_query(tell, query_string, single, multi):
    connect = tell(query_string=query_string).connect
    assert (connect["queryStringParameters"], connect["multiValueQueryStringParameters"]) == (single, multi)


@fact("without a query there are no query maps", QUERY.where, OBSERVED)
def test_no_query(tell):
    assert not {"queryStringParameters", "multiValueQueryStringParameters"} & set(tell().connect)


# ---- identity ----


@fact("identity has userAgent in front of sourceIp when the client sent one", BROWSER.where, OBSERVED)
def test_the_user_agent(tell):
    identity = tell(headers=[("User-Agent", "browser/1.0")]).context("CONNECT")["identity"]
    assert list(identity.items()) == [("userAgent", "browser/1.0"), ("sourceIp", "127.0.0.1")]


@table(
    "event_type",
    row("MESSAGE", BROWSER, "the user agent is remembered for messages", "MESSAGE"),
    row("DISCONNECT", BROWSER, "the user agent is remembered for $disconnect", "DISCONNECT"),
)
def test_the_user_agent_is_remembered(tell, event_type):
    assert tell(headers=[("User-Agent", "browser/1.0")]).context(event_type)["identity"]["userAgent"] == "browser/1.0"


# ---- bodies ----


@table(
    "text",
    row("JSON", MESSAGE_CAPTURE, "the body is the client's text verbatim", '{"action": "chat", "message": "Hello from client"}'),
    row("odd JSON", MESSAGE_CAPTURE, "the body is not re-serialised", '{ "action" :"x" ,\n "n":1.50 }'),
    row("text", MESSAGE_CAPTURE, "the body may be anything", "hello"),
    row("empty", MESSAGE_CAPTURE, "an empty message has an empty body", ""),
    row("unicode", MESSAGE_CAPTURE, "the body is UTF-8", "ä€😀"),
    row("quotes", MESSAGE_CAPTURE, "quotes and backslashes survive", '"\\"\\\\'),
    row("control characters", MESSAGE_CAPTURE, "control characters survive", "\x00\x01\x1f\x7f\t\r\n"),
    row("line separators", MESSAGE_CAPTURE, "line separators survive", "\u2028\u2029"),
)
def test_the_body_of_a_message(serve, text):
    assert json.loads(serve(PLAIN).connect().ask(text))["body"] == text


@fact("the fragments of a message are joined: one MESSAGE for each message", MESSAGE_CAPTURE.where, INFERRED)
def test_fragments_are_joined(serve):
    client = serve(PLAIN).connect()
    client.send_fragmented("a message in fragments, ä€😀".encode(), 3)
    assert json.loads(client.receive())["body"] == "a message in fragments, ä€😀"


@table(
    "event_type",
    row("CONNECT", CONNECT_CAPTURE, "isBase64Encoded is false", "CONNECT"),
    row("MESSAGE", MESSAGE_CAPTURE, "isBase64Encoded is false", "MESSAGE"),
    row("DISCONNECT", DISCONNECT_CAPTURE, "isBase64Encoded is false", "DISCONNECT"),
)
def test_nothing_is_base64(tell, event_type):
    assert tell().all[event_type]["isBase64Encoded"] is False


@table(
    "which",
    row("MESSAGE", MESSAGE_CAPTURE, "an event is JSON without blanks", "message_text"),
    row("CONNECT", CONNECT_CAPTURE, "an event is JSON without blanks", "connect_text"),
)
def test_an_event_has_no_blanks(tell, which):
    story = tell()
    text = getattr(story, which)
    assert text == json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False)


# ---- DISCONNECT ----


@fact("a DISCONNECT has the four headers that AWS makes up, all but Host empty", DISCONNECT_CAPTURE.where, OBSERVED)
def test_the_headers_of_a_disconnect(tell):
    headers = tell().disconnect["headers"]
    assert list(headers.items()) == [("Host", "127.0.0.1"), ("x-api-key", ""), ("X-Forwarded-For", ""), ("x-restapi", "")]


@fact("a DISCONNECT's multiValueHeaders are those four", DISCONNECT_CAPTURE.where, OBSERVED)
def test_the_multi_value_headers_of_a_disconnect(tell):
    disconnect = tell().disconnect
    assert list(disconnect["multiValueHeaders"].items()) == [(name, [value]) for name, value in disconnect["headers"].items()]


# ---- the authorizer's event ----


@fact("the members of an authorizer's event, in order: no body, no isBase64Encoded", AUTHORIZER_GUIDE.where, DOCUMENTED)
def test_the_members_of_an_authorizers_event(tell):
    assert list(tell(AUTHORIZED).authorizer) == [
        "type", "methodArn", "headers", "multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters",
        "stageVariables", "requestContext",
    ]  # fmt: skip


@fact("the members of its requestContext, in order", AUTHORIZER_GUIDE.where, DOCUMENTED)
def test_the_request_context_of_an_authorizers_event(tell):
    assert list(tell(AUTHORIZED).authorizer["requestContext"]) == order_without(
        "authorizer", "disconnectStatusCode", "messageId", "disconnectReason"
    )


@fact("its type is REQUEST", AUTHORIZER_GUIDE.where, DOCUMENTED)
def test_the_type_of_an_authorizers_event(tell):
    assert tell(AUTHORIZED).authorizer["type"] == "REQUEST"


@fact("methodArn is arn:aws:execute-api:{region}:{account}:{api-id}/{stage}/$connect", AUTHORIZER_GUIDE.where, DOCUMENTED)
def test_the_method_arn(tell):
    story = tell(AUTHORIZED)
    api_id = story.context("CONNECT")["apiId"]
    assert re.fullmatch(rf"arn:aws:execute-api:[a-z]+-[a-z]+-\d:\d{{12}}:{api_id}/dev/\$connect", story.authorizer["methodArn"])


@table(
    "name,value",
    row("Connection", AUTHORIZER_GUIDE, "the authorizer gets Connection: upgrade", "connection", "upgrade"),
    row("content-length", AUTHORIZER_GUIDE, "the authorizer gets content-length: 0", "content-length", "0"),
    row("Upgrade", AUTHORIZER_GUIDE, "the authorizer gets Upgrade: websocket", "upgrade", "websocket"),
)
def test_a_header_for_the_authorizer_alone(tell, name, value):
    event = tell(AUTHORIZED).authorizer
    found = {header.lower(): text for header, text in event["headers"].items()}
    assert found[name].lower() == value


@fact("its headers are sorted by name, case aside", AUTHORIZER_GUIDE.where, DOCUMENTED)
def test_the_authorizers_headers_are_sorted(tell):
    names = list(tell(AUTHORIZED, headers=[("HeaderAuth1", "headerValue1")]).authorizer["headers"])
    assert names == sorted(names, key=str.lower)
    assert "HeaderAuth1" in names


@fact("its multiValueHeaders have one array for each header", AUTHORIZER_GUIDE.where, DOCUMENTED)
def test_the_authorizers_multi_value_headers(tell):
    event = tell(AUTHORIZED).authorizer
    assert event["multiValueHeaders"] == {name: [value] for name, value in event["headers"].items()}


@table(
    "member",
    row("stageVariables", AUTHORIZER_CAPTURE, "stageVariables are there even when empty", "stageVariables"),
    row("queryStringParameters", Source(AUTHORIZER_GUIDE.where, INFERRED), "query maps are there even when empty", "queryStringParameters"),
    row("multiValueQueryStringParameters", Source(AUTHORIZER_GUIDE.where, INFERRED), "query maps are there even when empty",
        "multiValueQueryStringParameters"),
)  # fmt: skip
def test_an_empty_map_of_an_authorizers_event(tell, member):
    assert tell(AUTHORIZED).authorizer[member] == {}


@fact("its query maps have the client's query", AUTHORIZER_GUIDE.where, DOCUMENTED)
def test_the_authorizers_query(tell):
    event = tell(AUTHORIZED, query_string="?QueryString1=queryValue1").authorizer
    assert event["queryStringParameters"] == {"QueryString1": "queryValue1"}
    assert event["multiValueQueryStringParameters"] == {"QueryString1": ["queryValue1"]}


@table(
    "member",
    row("connectionId", Source("localstack/localstack#8893", OBSERVED), "the connectionId is assigned, and CONNECT has the same", "connectionId"),
    row("connectedAt", AUTHORIZER_GUIDE, "connectedAt is that of CONNECT", "connectedAt"),
    row("apiId", AUTHORIZER_GUIDE, "apiId is that of CONNECT", "apiId"),
    row("stage", AUTHORIZER_GUIDE, "stage is that of CONNECT", "stage"),
    row("routeKey", AUTHORIZER_GUIDE, "routeKey is $connect", "routeKey"),
    row("eventType", AUTHORIZER_GUIDE, "eventType is CONNECT", "eventType"),
    row("messageDirection", AUTHORIZER_GUIDE, "messageDirection is IN", "messageDirection"),
    row("identity", Source("AWS-validated tests of LocalStack", OBSERVED), "identity is that of CONNECT, with the user agent", "identity"),
    row("domainName", AUTHORIZER_GUIDE, "domainName is that of CONNECT", "domainName"),
)  # fmt: skip
def test_what_the_authorizer_and_connect_share(tell, member):
    story = tell(AUTHORIZED, headers=[("User-Agent", "browser/1.0")])
    assert story.authorizer["requestContext"][member] == story.context("CONNECT")[member]


@fact("the authorizer is not asked for $disconnect", "localstack/localstack#10059", OBSERVED)
def test_no_authorizer_at_the_end(serve):
    emulator = serve(AUTHORIZED)
    story = Story(emulator, (), "")
    assert sum('"type":"REQUEST"' in text for text in emulator.events(story.id)) == 1


# ---- what the authorizer said, in later events ----


@table(
    "event_type",
    row("CONNECT", Source("mousabaker/aws-lambda-typing's tests", OBSERVED), "CONNECT has the principal and the context", "CONNECT"),
    row("MESSAGE", Source("AWS-validated tests of LocalStack", OBSERVED), "MESSAGE has the principal and the context", "MESSAGE"),
    row("DISCONNECT", Source("boto/boto3#3789", OBSERVED), "DISCONNECT has the principal and the context", "DISCONNECT"),
)
def test_the_authorizers_context(serve, event_type):
    emulator = serve(facts.authorized("answer"))
    story = Story(emulator, (), query(answer=policy(facts.allow(), context={"tenant": "t1"})))
    authorizer = story.context(event_type)["authorizer"]
    assert (authorizer["tenant"], authorizer["principalId"]) == ("t1", "user")


@fact("CONNECT also has integrationLatency, a number of milliseconds", "mousabaker/aws-lambda-typing's tests", OBSERVED)
def test_the_latency_of_the_authorizer(tell):
    latency = tell(AUTHORIZED).context("CONNECT")["authorizer"]["integrationLatency"]
    assert isinstance(latency, int) and 0 <= latency < 10_000


@table(
    "event_type",
    row("MESSAGE", Source("captures of messages behind an authorizer; others are not settled", INFERRED),
        "later events have no integrationLatency", "MESSAGE"),
    row("DISCONNECT", Source("captures of messages behind an authorizer; others are not settled", INFERRED),
        "later events have no integrationLatency", "DISCONNECT"),
)  # fmt: skip
def test_no_latency_later(tell, event_type):
    assert "integrationLatency" not in tell(AUTHORIZED).context(event_type)["authorizer"]
