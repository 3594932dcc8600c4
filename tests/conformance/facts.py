"""What a case of this suite is made of: a fact about AWS, in words, with where it was learnt.

A fact stands on a test (`@fact(…)`), or on a row of a table (`table(…)` or `row(…)`). Each test case has exactly one; the
run ends with how many of them matched.
"""

import json
import pathlib
import socket
import urllib.parse
import uuid

import harness
import pytest
import wire

DOCUMENTED, OBSERVED, INFERRED, UNSETTLED = "documented", "observed", "inferred", "unsettled"

AUTHORIZERS = harness.plugin("authorizer_suite")

ID = harness.CONNECTION_ID
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
TRACE = r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}"
HTTP_DATE = r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT"
ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


class Source:
    """Where facts were learnt, and how sure they are. Called with the fact in words, it is a fact."""

    def __init__(self, where, tag):
        self.where = where
        self.tag = tag

    def __call__(self, words):
        return pytest.mark.fact(words, self.where, self.tag)


def fact(words, where, tag):
    """A decorator for a test that is one fact."""
    return Source(where, tag)(words)


def row(name, source, words, *values):
    """A row of a table: the values go to the test's parameters."""
    return pytest.param(*values, id=name, marks=source(words))


def table(parameters, *rows):
    """A decorator for a test that is run once for each row."""
    return pytest.mark.parametrize(parameters, rows)


# ---- what is served ----


class Shared:
    """An emulator that the tests of one process share, with what its `event` functions have written down."""

    def __init__(self, folder, config):
        self.events_path = pathlib.Path(folder) / "events"
        self.events_path.touch()
        for function in config["functions"].values():
            function.setdefault("environment", {})["EVENTS_FILE"] = str(self.events_path)
        self.emulator = harness.Emulator(folder, config)

    def __getattr__(self, name):
        return getattr(self.emulator, name)

    # ---- events ----

    def events(self, mark):
        """The events with `mark` in them, as JSON text: it is an id, or something that one client alone has sent."""
        lines = self.events_path.read_text().splitlines()
        return [line for line in lines if mark in line and line.endswith("}")]

    def event(self, mark, event_type):
        """The event of a type with `mark` in it, once it is there."""

        def find():
            return [text for text in self.events(mark) if f'"eventType":"{event_type}"' in text]

        return json.loads(harness.until(find, f"a {event_type} event with {mark}")[0])

    def end_of(self, connection_id):
        """(code, reason) of the connection's $disconnect."""
        context = self.event(connection_id, "DISCONNECT")["requestContext"]
        return context["disconnectStatusCode"], context["disconnectReason"]

    # ---- the clock ----

    def advance(self, amount):
        """Moves the emulator's clock forward; what is due on the way has happened."""
        response = self.http("POST", "/_apigw/clock", json.dumps({"advance": amount}).encode(), harness.JSON)
        assert response.status == 200, response.text

    def now(self):
        """The emulator's time, as GET of the clock writes it."""
        return json.loads(self.http("GET", "/_apigw/clock").text)["now"]


def api(routes=None, functions=None, **members):
    """harness.api, where the functions `answer` and `hang` are those of authorizer_suite.so: the first returns what
    ?answer=… says, the second says that it has begun."""
    config = harness.api(routes, functions, **members)
    for name in {"answer", "hang"} & set(config["functions"]):
        config["functions"][name].update(plugin=AUTHORIZERS)
    return config


def authorized(handler="answer", identity_source=(), routes=None, **members):
    """An API whose $connect asks the authorizer `handler` of authorizer_suite.so, with everything written down."""
    routes = {"$connect": "event", "$disconnect": "event", "$default": "event"} if routes is None else routes
    config = api(routes, **members)
    config["functions"]["authorizer"] = {"plugin": AUTHORIZERS, "handler": handler}
    config["authorizers"] = {"gatekeeper": {"function": "authorizer", "identitySource": list(identity_source)}}
    config["routes"].setdefault("$connect", {}).update(authorizationType="CUSTOM", authorizer="gatekeeper")
    return config


# ---- what is sent and seen ----


def query(**parameters):
    """A query string; what is not text becomes JSON."""
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in parameters.items()}
    return "?" + urllib.parse.urlencode(texts, quote_via=urllib.parse.quote)


def policy(*statements, **members):
    """An authorizer's answer with these statements."""
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return {"principalId": "user", "policyDocument": document, **members}


def allow(resource="{methodArn}", action="execute-api:Invoke", **members):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **members}


def deny(resource="{methodArn}", action="execute-api:Invoke", **members):
    return {"Effect": "Deny", "Action": action, "Resource": resource, **members}


def handshake(emulator, *arguments, **options):
    """The response to a handshake, whatever it is."""
    try:
        return emulator.connect(*arguments, **options).response
    except wire.Refused as refused:
        return refused.response


def hanging_handshake(emulator):
    """The stream of a handshake whose function, or authorizer, has begun to hang."""
    mark = uuid.uuid4().hex
    stream = wire.Stream(emulator.address)
    stream.send(wire.handshake_request(f"/{emulator.stage}?mark={mark}")[0])
    harness.until(lambda: emulator.events(mark), "the function has begun")
    return stream


def hanging_client(emulator):
    """A client for whose message the function `hang` has begun."""
    client = emulator.connect()
    mark = uuid.uuid4().hex
    client.send(mark)
    harness.until(lambda: emulator.events(mark), "the function has begun")
    return client


def has_said_nothing(stream):
    """Nothing has come so far."""
    stream.socket.setblocking(False)
    try:
        stream.socket.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return not stream.buffer
    return False


def error_frame(message, connection_id=ID, request_id=ID):
    """A regular expression: the frame that the gateway makes itself."""
    return f'{{"message": "{message}", "connectionId":"{connection_id}", "requestId":"{request_id}"}}'
