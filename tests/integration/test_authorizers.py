"""Lambda authorizers: who is let in, what the others get, and what later events know of it."""

import json
import re
import urllib.parse

import harness
import pytest
import wire

REFUSAL_ORDER = [
    "Date",
    "Content-Type",
    "Content-Length",
    "Connection",
    "x-amzn-RequestId",
    "x-amzn-ErrorType",
    "x-amz-apigw-id",
]
UNAUTHORIZED = (401, "UnauthorizedException", b'{"message":"Unauthorized"}')
DENIED = (403, "AccessDeniedException", b'{"Message":"User is not authorized to access this resource"}')
DENIED_EXPLICITLY = (
    403,
    "AccessDeniedException",
    b'{"Message":"User is not authorized to access this resource with an explicit deny"}',
)
MISCONFIGURED = (500, "AuthorizerConfigurationException", b'{"message":null}')
UNAVAILABLE = (500, "AuthorizerConfigurationException", b'{"message":"Internal server error"}')


def statement(effect="Allow", **members):
    return {"Effect": effect, "Action": "execute-api:Invoke", "Resource": "{methodArn}", **members}


def without(dictionary, *names):
    return {name: value for name, value in dictionary.items() if name not in names}


def answer(*statements, **members):
    """What an authorizer returns; without statements it allows."""
    policy = {"Version": "2012-10-17", "Statement": list(statements) or [statement()]}
    return {"principalId": "user", "policyDocument": policy, **members}


def said(what):
    """The header that lets the handler `answer` say it."""
    return [("X-Answer", what if isinstance(what, str) else json.dumps(what))]


def summary(response):
    return response.status, response.get("x-amzn-ErrorType"), response.body


@pytest.fixture
def answering(start):
    """An emulator whose authorizer answers what the client says."""
    return start(harness.guarded("answer"))


@pytest.fixture
def asked(tmp_path):
    """What the authorizer `count` was asked."""
    folder = tmp_path / "asked"
    folder.mkdir()
    return harness.Events(folder)


def counting(asked):
    return {"plugin": str(harness.AUTHORIZERS), "handler": "count", **asked.function}


# ---- identity sources ----

SOURCES = {
    "a header": ("route.request.header.Auth", {"headers": [("Auth", "x")]}),
    "a header in another case": ("route.request.header.Auth", {"headers": [("aUTH", "x")]}),
    "a header whose value is odd": ("route.request.header.Auth", {"headers": [("Auth", '"'), ("Other", "")]}),
    "a parameter": ("route.request.querystring.token", {"query": "?a=b&token=x"}),
    "a parameter that is encoded": ("route.request.querystring.token", {"query": "?to%6ben=%20"}),
    "the address": ("context.identity.sourceIp", {}),
    "the connection id": ("context.connectionId", {}),
    "the user agent": ("context.identity.userAgent", {"headers": [("User-Agent", "browser/1.0")]}),
    "a stage variable": ("stageVariables.level", {}),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_with_its_identity_source_the_authorizer_is_asked(start, kind):
    source, request = SOURCES[kind]
    emulator = start(harness.guarded("policy_allow", [source], stageVariables={"level": "test"}))
    assert emulator.connect(**request).ask("hello") == "hello"


MISSING_SOURCES = {
    "no header": ("route.request.header.Auth", {}),
    "an empty header": ("route.request.header.Auth", {"headers": [("Auth", "")]}),
    "a parameter instead of the header": ("route.request.header.Auth", {"query": "?Auth=x"}),
    "no parameter": ("route.request.querystring.token", {}),
    "an empty parameter": ("route.request.querystring.token", {"query": "?token="}),
    "a parameter without a value": ("route.request.querystring.token", {"query": "?token"}),
    "a parameter in another case": ("route.request.querystring.token", {"query": "?Token=x"}),
    "a header instead of the parameter": ("route.request.querystring.token", {"headers": [("token", "x")]}),
    "no user agent": ("context.identity.userAgent", {}),
    "no such member of the context": ("context.identity.sourceIp.nope", {}),
    "no authorizer before the authorizer": ("context.authorizer.principalId", {}),
    "no such stage variable": ("stageVariables.nope", {}),
}


@pytest.mark.parametrize("kind", MISSING_SOURCES)
def test_without_its_identity_source_the_client_gets_401_and_the_authorizer_is_not_asked(start, asked, kind):
    source, request = MISSING_SOURCES[kind]
    emulator = start(harness.guarded(counting(asked), [source], stageVariables={"level": "test"}))
    response = emulator.refusal(**request)
    assert summary(response) == UNAUTHORIZED
    assert response.names == REFUSAL_ORDER
    line = emulator.wait_log(r"(?m)^.*rule=identity-source-missing.*$").group(0)
    assert source in line and "status=401" in line
    assert asked.texts("CONNECT") == []
    assert not emulator.hosts()


@pytest.mark.parametrize("request_", [{"query": "?token=x"}, {"headers": [("Auth", "x")]}, {}])
def test_each_of_several_identity_sources_must_be_there(start, request_):
    sources = ["route.request.header.Auth", "route.request.querystring.token"]
    emulator = start(harness.guarded("policy_allow", sources))
    assert summary(emulator.refusal(**request_)) == UNAUTHORIZED
    assert emulator.connect("?token=x", headers=[("Auth", "x")]).ask("hello") == "hello"


# ---- what an authorizer is asked ----


def test_an_authorizer_is_asked_at_every_handshake(start, asked):
    emulator = start(harness.guarded(counting(asked), ["route.request.querystring.token"]))
    for _ in range(3):
        emulator.connect("?token=same")
    assert len(asked.texts("CONNECT")) == 3


def test_an_authorizer_is_asked_before_connect_and_about_the_same_connection(start, asked, events):
    functions = {"event": events.function}
    emulator = start(harness.guarded(counting(asked), connect="event", functions=functions))
    client = emulator.connect("?a=1&a=2", headers=[("X-One", "1")])
    question, event = json.loads(asked.wait("CONNECT")[0]), json.loads(events.wait("CONNECT")[0])
    assert question["type"] == "REQUEST"
    arn = f"arn:aws:execute-api:us-east-1:123456789012:{event['requestContext']['apiId']}/dev/$connect"
    assert question["methodArn"] == arn
    assert question["queryStringParameters"] == {"a": "2"}
    assert question["multiValueQueryStringParameters"] == {"a": ["1", "2"]}
    assert question["stageVariables"] == {}
    assert question["headers"]["X-One"] == "1"
    assert (question["headers"]["content-length"], question["headers"]["Upgrade"]) == ("0", "websocket")
    assert {"body", "isBase64Encoded"}.isdisjoint(question)
    assert question["requestContext"] == without(event["requestContext"], "authorizer")
    assert event["requestContext"]["connectionId"] == emulator.identify(client)


def test_the_query_maps_of_an_authorizer_are_there_without_a_query(start, asked):
    emulator = start(harness.guarded(counting(asked)))
    emulator.connect()
    question = json.loads(asked.wait("CONNECT")[0])
    assert question["queryStringParameters"] == question["multiValueQueryStringParameters"] == {}


# ---- policies ----

DEV = "arn:aws:execute-api:us-east-1:123456789012:*/dev"
CONDITION = {"Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}}
ELSEWHERE = {"Condition": {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "192.0.2.1"]}}}

ALLOWING = {
    "the method ARN": [statement()],
    "everything": [statement(Action="*", Resource="*")],
    "lists": [statement(Action=["s3:GetObject", "execute-api:*"], Resource=["arn:aws:s3:::x", "{methodArn}"])],
    "each API": [statement(Resource="arn:aws:execute-api:*:*:*")],
    "what is behind the stage": [statement(Resource=DEV + "/*")],
    "a question mark": [statement(Resource=DEV + "/?connect")],
    "an action in another case": [statement(Action="EXECUTE-API:invoke")],
    "what is not another action": [without(statement(NotAction="s3:*"), "Action")],
    "what is not another resource": [without(statement(NotResource=DEV + "/other"), "Resource")],
    "one statement that is not in a list": statement(),
    "two statements, of which one is about something else": [statement("Deny", Action="s3:*"), statement()],
    "a condition that holds": [statement(**CONDITION)],
    "a deny whose condition does not hold": [statement(), statement("Deny", **ELSEWHERE)],
}


@pytest.mark.parametrize("kind", ALLOWING)
def test_a_policy_lets_in_with(answering, kind):
    said_ = answer()
    said_["policyDocument"]["Statement"] = ALLOWING[kind]
    assert answering.connect(headers=said(said_)).ask("hello") == "hello"


NOT_ALLOWING = {
    "another action": statement(Action="execute-api:ManageConnections"),
    "another stage": statement(Resource=DEV.replace("/dev", "/prod") + "/*"),
    "the method of a REST API": statement(Resource=DEV + "/GET/*"),
    "a slash too many": statement(Resource=DEV + "/*/*"),
    "another account": statement(Resource="arn:aws:execute-api:us-east-1:999999999999:*/dev/$connect"),
    "each action but this one": without(statement(NotAction="execute-api:Invoke"), "Action"),
    "each resource but this one": without(statement(NotResource="{methodArn}"), "Resource"),
    "a condition that does not hold": statement(**ELSEWHERE),
    "a condition that is not evaluated": statement(Condition={"Bool": {"aws:SecureTransport": "false"}}),
    "a deny of something else": statement("Deny", Action="s3:*"),
}


@pytest.mark.parametrize("kind", NOT_ALLOWING)
def test_a_policy_without_an_allow_is_a_403_with(answering, kind):
    response = answering.refusal(headers=said(answer(NOT_ALLOWING[kind])))
    assert summary(response) == DENIED
    assert response.names == REFUSAL_ORDER
    line = answering.wait_log(r"(?m)^.*rule=authorizer-denied .*$").group(0)
    assert "/dev/$connect" in line and "status=403" in line


def test_a_condition_that_is_not_evaluated_is_said_in_the_log(answering):
    condition = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}
    answering.connect(headers=said(answer(statement(), statement("Deny", **condition))))
    answering.wait_log(r"warn +gateway: guard: of the authorizer's policy, statement 2 .*Bool")


@pytest.mark.parametrize("resource", ["{methodArn}", "*", DEV + "/*"])
def test_an_explicit_deny_wins(answering, resource):
    response = answering.refusal(headers=said(answer(statement(), statement("Deny", Resource=resource), statement())))
    assert summary(response) == DENIED_EXPLICITLY
    assert response.names == REFUSAL_ORDER
    answering.wait_log(r"rule=authorizer-denied-explicitly .*status=403")


# ---- failures ----


def test_an_authorizer_that_fails_with_unauthorized_is_a_401(start):
    emulator = start(harness.guarded("fail"))
    assert summary(emulator.refusal("?message=Unauthorized")) == UNAUTHORIZED
    emulator.wait_log(r"info +gateway: .*rule=authorizer-unauthorized .*status=401")


@pytest.mark.parametrize("message", ["unauthorized", "Unauthorized.", "Unauthorized ", "Error: Unauthorized", "no", ""])
def test_an_authorizer_that_fails_with_another_message_is_a_500(start, message):
    emulator = start(harness.guarded("fail"))
    assert summary(emulator.refusal("?message=" + urllib.parse.quote(message))) == MISCONFIGURED
    line = emulator.wait_log(r"(?m)^.* warn +gateway: .*rule=authorizer-failed .*$").group(0)
    assert "SuiteError: " + message in line and "status=500" in line


def test_an_authorizer_that_crashes_is_a_500(start):
    emulator = start(harness.guarded("crash"))
    assert summary(emulator.refusal()) == MISCONFIGURED
    emulator.wait_log(r"rule=authorizer-failed .*status=500")


def test_an_authorizer_whose_function_times_out_is_a_500(start, gate):
    emulator = start(harness.guarded(gate.function(handler="authorizer", timeout=2)))
    client = begin(emulator, "?gate=a")
    gate.wait_entered("a")
    emulator.advance("2s")
    assert summary(client.read_response()) == MISCONFIGURED
    emulator.wait_log(r"Task timed out after 2.00 seconds.*rule=authorizer-failed .*status=500")


def test_an_authorizer_that_has_not_answered_in_ten_seconds_is_a_500(start, gate):
    emulator = start(harness.guarded(gate.function(handler="authorizer", timeout=900)))
    client = begin(emulator, "?gate=a")
    gate.wait_entered("a")
    emulator.advance(9000)
    with pytest.raises(TimeoutError):
        client.read_exactly(1, timeout=0.05)
    emulator.advance(1000)
    assert summary(client.read_response()) == MISCONFIGURED
    emulator.wait_log(r"rule=authorizer-timeout limit=10000 unit=ms .*status=500")
    gate.open("a")


def test_the_late_answer_of_an_authorizer_changes_nothing(start, gate, events):
    functions = {"event": events.function}
    routes = {"$disconnect": "event"}
    guard = gate.function(handler="authorizer", timeout=900, concurrency=1)
    emulator = start(harness.guarded(guard, connect="event", routes=routes, functions=functions))
    client = begin(emulator, "?gate=a")
    gate.wait_entered("a")
    emulator.advance("10s")
    assert client.read_response().status == 500
    gate.open("a", "b")
    emulator.connect("?gate=b").close(1000, "b")
    assert len(events.wait("DISCONNECT")) == 1
    assert len(events.texts("CONNECT")) == 1


def test_an_authorizer_that_cannot_be_started_is_a_500(start):
    emulator = start(harness.guarded({"plugin": harness.plugin("init_fails"), "handler": "init_fails"}))
    assert summary(emulator.refusal()) == UNAVAILABLE
    emulator.wait_log(r"rule=authorizer-unavailable .*status=500")


def test_an_authorizer_that_is_a_message_handler_is_a_500(start):
    emulator = start(harness.guarded(harness.suite_function("echo")))
    assert summary(emulator.refusal()) == MISCONFIGURED
    emulator.wait_log(r"statusCode 200.*rule=authorizer-result-malformed .*status=500")


def test_an_authorizer_that_does_not_answer_is_a_500(start):
    emulator = start(harness.guarded("none"))
    assert summary(emulator.refusal()) == MISCONFIGURED
    emulator.wait_log(r"rule=authorizer-result-malformed .*status=500")


def with_policy(**members):
    return {"principalId": "user", "policyDocument": {"Version": "2012-10-17", **members}}


MALFORMED = {
    "nothing": "",
    "no JSON": "{not json",
    "null": "null",
    "a list": [],
    "a string": '"Allow"',
    "a proxy result": {"statusCode": 200, "body": "{}"},
    "the simple response of HTTP APIs": {"isAuthorized": True},
    "no principal": without(answer(), "principalId"),
    "a principal that is a number": answer(principalId=7),
    "no policy": without(answer(), "policyDocument"),
    "a policy that is a string": answer(policyDocument=json.dumps(answer()["policyDocument"])),
    "no statement": with_policy(),
    "a statement that is a string": with_policy(Statement="Allow"),
    "a statement without an effect": with_policy(Statement=[without(statement(), "Effect")]),
    "an effect in lower case": with_policy(Statement=[statement("allow")]),
    "a statement without an action": with_policy(Statement=[without(statement(), "Action")]),
    "a statement without a resource": with_policy(Statement=[without(statement(), "Resource")]),
    "a context that is a list": answer(context=[]),
    "a context with an object": answer(context={"a": {}}),
    "a context with a list": answer(context={"a": ["b"]}),
    "a context with null": answer(context={"a": None}),
    "a key that is a number": answer(usageIdentifierKey=5),
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_an_answer_that_is_no_authorizer_result_is_a_500(answering, kind):
    assert summary(answering.refusal(headers=said(MALFORMED[kind]))) == MISCONFIGURED
    answering.wait_log(r"warn +gateway: .*rule=authorizer-result-malformed .*status=500")


def test_an_answer_of_8_kb_passes_and_one_byte_more_is_a_500(start):
    emulator = start(harness.guarded("sized"))
    assert emulator.connect("?bytes=8192").ask("hello") == "hello"
    assert summary(emulator.refusal("?bytes=8193")) == MISCONFIGURED
    emulator.wait_log(r"rule=authorizer-result-too-large value=8193 limit=8192 unit=bytes .*status=500")


def test_a_resource_of_512_characters_passes_and_one_more_is_a_500(answering):
    assert answering.connect(headers=said(answer(statement(Resource="*" * 512)))).ask("hello") == "hello"
    assert summary(answering.refusal(headers=said(answer(statement(Resource="*" * 513))))) == MISCONFIGURED
    answering.wait_log(r"rule=authorizer-resource-too-long value=513 limit=512 .*status=500")


# ---- what follows ----

REFUSED = {
    "the policy denies": said(answer(statement("Deny"))),
    "nothing allows": said(answer(statement(Action="s3:*"))),
    "the answer is malformed": said("{}"),
    "the answer is too large": said(answer(context={"a": "b" * 8192})),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_neither_connect_nor_disconnect_follows_a_refusal(start, events, kind):
    functions = {"event": events.function}
    emulator = start(harness.guarded("answer", connect="event", routes={"$disconnect": "event"}, functions=functions))
    assert emulator.refusal(headers=REFUSED[kind]).status in (403, 500)
    emulator.connect(headers=said(answer())).close(1000, "let in")
    assert "let in" in events.wait("DISCONNECT")[0]
    assert len(events.texts("CONNECT")) == len(events.texts("DISCONNECT")) == 1


def test_a_refused_client_can_try_again_on_a_new_connection(answering):
    assert answering.refusal(headers=said(answer(statement("Deny")))).status == 403
    assert answering.connect(headers=said(answer())).ask("hello") == "hello"


def test_connect_still_decides_behind_the_authorizer(start):
    emulator = start(harness.guarded("policy_allow"))
    assert emulator.refusal("?status=418").status == 418
    assert emulator.connect("?status=200").ask("hello") == "hello"


def test_a_connect_route_without_a_function_can_be_guarded(start):
    emulator = start(harness.guarded("answer", connect=None))
    assert emulator.refusal(headers=said(answer(statement("Deny")))).status == 403
    assert emulator.connect(headers=said(answer())).ask("hello") == "hello"


def authorizers_of(start, events, context, **members):
    """requestContext.authorizer of CONNECT, MESSAGE and DISCONNECT."""
    config = harness.guarded(
        "answer", connect="event", routes={"$disconnect": "event"}, functions={"event": events.function}, **members
    )
    client = start(config).connect(headers=said(context))
    message = client.ask('{"action":"whoami"}')
    client.close(1000)
    texts = [events.wait("CONNECT")[0], message, events.wait("DISCONNECT")[0]]
    return [json.loads(text)["requestContext"]["authorizer"] for text in texts]


CONTEXT = {"name": "Ada €", "number": 1.5, "yes": True, "empty": "", "quote": '"\\'}
CONTEXT_AS_TEXT = {**CONTEXT, "number": "1.5", "yes": "true"}


def test_later_events_have_the_context_as_text_and_the_principal(start, events):
    connect, message, disconnect = authorizers_of(start, events, answer(context=CONTEXT))
    assert message == disconnect == {**CONTEXT_AS_TEXT, "principalId": "user"}
    assert without(connect, "integrationLatency") == message
    assert 0 <= connect["integrationLatency"] < 10_000


def test_the_rule_authorizer_context_leaves_numbers_as_they_are(start, events):
    tuned = {"rules": {"authorizer-context": "as-returned"}}
    _, message, disconnect = authorizers_of(start, events, answer(context=CONTEXT), **tuned)
    assert message == disconnect == {**CONTEXT, "principalId": "user"}


@pytest.mark.parametrize("context", [{}, {"context": {}}, {"context": None}])
def test_without_a_context_later_events_have_the_principal_alone(start, events, context):
    _, message, disconnect = authorizers_of(start, events, answer(**context))
    assert message == disconnect == {"principalId": "user"}


def test_a_context_cannot_pretend_to_be_the_gateway(start, events):
    context = {"principalId": "root", "integrationLatency": "never", "mine": "x"}
    connect, message, _ = authorizers_of(start, events, answer(context=context))
    assert message == {"mine": "x", "principalId": "user"}
    assert isinstance(connect["integrationLatency"], int)


def test_the_latency_of_connect_is_how_long_the_authorizer_took(start, gate, events):
    functions = {"event": events.function}
    guard = gate.function(handler="authorizer", timeout=900)
    emulator = start(harness.guarded(guard, connect="event", functions=functions))
    client = begin(emulator, "?gate=a")
    gate.wait_entered("a")
    emulator.advance(4000)
    gate.open("a")
    assert client.read_response().status == 101
    authorizer = json.loads(events.wait("CONNECT")[0])["requestContext"]["authorizer"]
    assert 4000 <= authorizer["integrationLatency"] < 10_000


def test_without_an_authorizer_events_have_no_authorizer(start):
    event = json.loads(start().connect().ask('{"action":"whoami"}'))
    assert "authorizer" not in event["requestContext"]


# ---- clients and an emulator that do not wait ----


def begin(emulator, query):
    """Sends a handshake and does not wait for its answer."""
    stream = wire.Stream(emulator.address)
    stream.send(wire.handshake_request(f"/{emulator.stage}{query}")[0])
    return stream


def test_frames_sent_while_the_authorizer_runs_are_not_lost(start, gate):
    emulator = start(harness.guarded(gate.function(handler="authorizer", timeout=900)))
    client = wire.Client.__new__(wire.Client)
    client.stream = begin(emulator, "?gate=a")
    gate.wait_entered("a")
    for number in range(20):
        client.send(f"early {number}")
    gate.open("a")
    assert client.stream.read_response().status == 101
    assert sorted(client.receive() for _ in range(20)) == sorted(f"early {number}" for number in range(20))


def test_nobody_can_post_to_a_connection_that_an_authorizer_has_let_in_before_it_is_open(start, gate, asked):
    functions = {"slow": gate.function(handler="authorizer", timeout=60)}
    emulator = start(harness.guarded(counting(asked), connect="slow", functions=functions))
    stream = begin(emulator, "?gate=a")
    connection_id = json.loads(asked.wait("CONNECT")[0])["requestContext"]["connectionId"]
    gate.wait_entered("a")
    assert emulator.post(connection_id, "x").status == emulator.get(connection_id).status == 410
    gate.open("a")
    stream.read_response()


@pytest.mark.parametrize("leave", ["reset", "close"])
def test_a_client_that_leaves_while_the_authorizer_runs_leaves_nothing_behind(start, gate, events, leave):
    functions = {"event": events.function}
    guard = gate.function(handler="authorizer", timeout=900)
    emulator = start(harness.guarded(guard, connect="event", routes={"$disconnect": "event"}, functions=functions))
    client = begin(emulator, "?gate=a")
    gate.wait_entered("a")
    getattr(client, leave)()
    gate.open("a", "b")
    emulator.connect("?gate=b").close(1000, "b")
    harness.until(lambda: any('"b"' in text for text in events.texts("DISCONNECT")), "the second client's end")
    # Who was let in without being there any more has been there for a moment.
    harness.until(lambda: len(events.texts("CONNECT")) == len(events.texts("DISCONNECT")), "each one has an end")


@pytest.mark.parametrize("connect", ["status", None])
def test_a_stop_while_the_authorizer_runs_refuses_the_client(start, gate, connect):
    guard = gate.function(handler="authorizer", timeout=900)
    emulator = start(harness.guarded(guard, connect=connect))
    client = begin(emulator, "?gate=a")
    gate.wait_entered("a")
    emulator.process.terminate()
    gate.open("a")
    answered = client.read_to_end()
    assert re.match(rb"HTTP/1.1 503 ", answered) or b"\x88\x0c\x03\xe9Going away" in answered
    assert emulator.stop() == 0


def test_a_stop_does_not_wait_for_an_authorizer_for_ever(start, gate):
    emulator = start(harness.guarded(gate.function(handler="authorizer", timeout=900)))
    client = begin(emulator, "?gate=a")
    gate.wait_entered("a")
    assert emulator.stop(timeout=10) == 0
    assert client.read_to_end().startswith(b"HTTP/1.1 503 ")


def test_many_clients_at_once_each_get_their_own_answer(start):
    emulator = start(harness.guarded("answer"))
    policies = [answer(statement("Deny" if number % 2 else "Allow")) for number in range(40)]
    streams = [wire.Stream(emulator.address) for _ in policies]
    for stream, policy in zip(streams, policies):
        stream.send(wire.handshake_request("/dev", said(policy))[0])
    statuses = [stream.read_response().status for stream in streams]
    assert statuses == [403 if number % 2 else 101 for number in range(40)]
