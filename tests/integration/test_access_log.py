"""Access logs: one line for each event, in any format of AWS's variables, wherever it shall go."""

import json
import os
import re
import signal
import xml.etree.ElementTree

import harness
import pytest
import signing
import wire

# Every variable of the developer guide, "Configure logging for WebSocket APIs", and what an authorizer may say.
VARIABLES = """
    apiId authorize.error authorize.latency authorize.status authorizer.error authorizer.integrationLatency
    authorizer.integrationStatus authorizer.latency authorizer.requestId authorizer.status authorizer.principalId
    authorizer.key authorizer.number authenticate.error authenticate.latency authenticate.status connectedAt connectionId
    domainName error.message error.messageString error.responseType error.validationErrorString eventType
    extendedRequestId identity.accountId identity.apiKey identity.apiKeyId identity.caller
    identity.cognitoAuthenticationProvider identity.cognitoAuthenticationType identity.cognitoIdentityId
    identity.cognitoIdentityPoolId identity.principalOrgId identity.sourceIp identity.user identity.userAgent
    identity.userArn integration.error integration.integrationStatus integration.latency integration.requestId
    integration.status integrationLatency messageId requestId requestTime requestTimeEpoch routeKey stage status
    waf.error waf.latency waf.status
""".split()
SEPARATOR = "\t"
FORMAT = SEPARATOR.join(f"$context.{name}" for name in VARIABLES)

ID = re.compile(harness.CONNECTION_ID)
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
CLF_TIME = re.compile(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000")
NUMBER = re.compile(r"\d+")

# Developer guide, "Configure logging for WebSocket APIs", as they are printed there.
SAMPLES = {
    "CLF": """$context.identity.sourceIp $context.identity.caller \\
$context.identity.user [$context.requestTime] "$context.eventType $context.routeKey $context.connectionId" \\
$context.status $context.requestId
""",
    "JSON": """{
"requestId":"$context.requestId", \\
"ip": "$context.identity.sourceIp", \\
"caller":"$context.identity.caller", \\
"user":"$context.identity.user", \\
"requestTime":"$context.requestTime", \\
"eventType":"$context.eventType", \\
"routeKey":"$context.routeKey", \\
"status":"$context.status", \\
"connectionId":"$context.connectionId"
}
""",
    "XML": """<request id="$context.requestId"> \\
<ip>$context.identity.sourceIp</ip> \\
<caller>$context.identity.caller</caller> \\
<user>$context.identity.user</user> \\
<requestTime>$context.requestTime</requestTime> \\
<eventType>$context.eventType</eventType> \\
<routeKey>$context.routeKey</routeKey> \\
<status>$context.status</status> \\
<connectionId>$context.connectionId</connectionId> \\
</request>
""",
    "CSV": """$context.identity.sourceIp,$context.identity.caller, \\
$context.identity.user,$context.requestTime,$context.eventType, \\
$context.routeKey,$context.connectionId,$context.status, \\
$context.requestId
""",
}


def logged(config, format=FORMAT, destination="access.log"):
    return {**config, "accessLog": {"destination": destination, **({"format": format} if format else {})}}


class Log:
    """The access log of an emulator."""

    def __init__(self, emulator, name="access.log"):
        self.path = emulator.folder / name

    def lines(self):
        text = self.path.read_text() if self.path.exists() else ""
        return text.splitlines() if text.endswith("\n") else text.splitlines()[:-1]

    def wait(self, count):
        """The lines, once there are so many; more are an error."""
        harness.until(lambda: len(self.lines()) >= count, f"{count} lines in {self.path.name}")
        lines = self.lines()
        assert len(lines) == count, lines
        return lines

    def records(self, count):
        """The same as dicts, without what is not known."""
        return [record_of(line) for line in self.wait(count)]


def record_of(line):
    values = line.split(SEPARATOR)
    assert len(values) == len(VARIABLES), line
    return {name: value for name, value in zip(VARIABLES, values) if value != "-"}


def pick(record, *names):
    return tuple(record.get(name) for name in names)


def check(record, **expected):
    """Names without their dots; None: not known."""
    for name, value in expected.items():
        found = record.get(name.replace("__", "."))
        assert found == value or (value and hasattr(value, "fullmatch") and found and value.fullmatch(found)), (
            name,
            found,
            record,
        )


def start_logged(start, config, **options):
    emulator = start(logged(config, **options))
    return emulator, Log(emulator)


# ---- each event, and each of its ends ----


def test_each_event_of_a_connection_gives_one_line_that_tells_everything(start):
    emulator, log = start_logged(start, harness.api({"$connect": "status", "$disconnect": "status", "$default": "echo"}))
    client = emulator.connect(query="?status=201", headers=[("User-Agent", "test/1.0")])
    assert client.ask("hello") == "hello"
    client.close(1000)
    connect, message, disconnect = log.records(3)
    for record, kind, route in (
        (connect, "CONNECT", "$connect"),
        (message, "MESSAGE", "$default"),
        (disconnect, "DISCONNECT", "$disconnect"),
    ):
        check(
            record,
            eventType=kind,
            routeKey=route,
            status="201" if kind == "CONNECT" else "200",
            integration__status="201" if kind == "CONNECT" else "200",
            integration__integrationStatus="200",
            integration__requestId=UUID,
            integration__latency=NUMBER,
            apiId=re.compile("[a-z0-9]{10}"),
            stage="dev",
            domainName="127.0.0.1",
            identity__sourceIp="127.0.0.1",
            identity__userAgent="test/1.0",
            connectionId=ID,
            requestId=ID,
            requestTime=CLF_TIME,
            requestTimeEpoch=NUMBER,
            connectedAt=connect["requestTimeEpoch"],
            error__message=None,
            error__responseType=None,
            messageId=ID if kind == "MESSAGE" else None,
        )
        assert record["extendedRequestId"] == record["requestId"]
        assert record["integrationLatency"] == record["integration.latency"]
        assert set(record) <= set(VARIABLES)
    assert len({record["connectionId"] for record in (connect, message, disconnect)}) == 1
    assert len({record["requestId"] for record in (connect, message, disconnect)}) == 3


def test_a_line_has_the_ids_and_times_of_its_event(start):
    emulator, log = start_logged(start, harness.api())
    client = emulator.connect()
    context = json.loads(client.ask('{"action":"whoami"}'))["requestContext"]
    message = log.records(2)[1]
    for name in ("connectionId", "requestId", "messageId", "requestTime", "routeKey", "stage", "apiId", "domainName"):
        assert message[name] == context[name], name
    assert int(message["requestTimeEpoch"]) == context["requestTimeEpoch"]
    assert int(message["connectedAt"]) == context["connectedAt"]


def test_events_without_an_integration_have_a_line_too(start):
    emulator, log = start_logged(start, harness.api())
    emulator.connect().close()
    for record, kind, route in zip(log.records(2), ("CONNECT", "DISCONNECT"), ("$connect", "$disconnect")):
        check(
            record,
            eventType=kind,
            routeKey=route,
            status="200",
            requestId=ID,
            requestTime=CLF_TIME,
            messageId=None,
            integrationLatency=None,
            integration__status=None,
        )


@pytest.mark.parametrize(
    ("handler", "body", "expected"),
    [
        ("status", "418", {"status": "418", "integration__status": "418", "error__message": None}),
        ("status", "500", {"status": "500", "integration__status": "500", "error__message": None}),
        (
            "fail",
            'no "luck"',
            {
                "status": "502",
                "integration__status": None,
                "integration__integrationStatus": "200",
                "integration__requestId": UUID,
                "integration__error": re.compile(r'SuiteError: .*no \\"luck\\"'),
                "error__message": "Internal server error",
                "error__messageString": '"Internal server error"',
                "error__responseType": "INTEGRATION_FAILURE",
            },
        ),
        (
            "crash",
            "x",
            {
                "status": "502",
                "integration__integrationStatus": "200",
                "integration__error": re.compile("Runtime.ExitError: .*"),
                "error__responseType": "INTEGRATION_FAILURE",
            },
        ),
        (
            "respond_none",
            "x",
            {
                "status": "502",
                "integration__integrationStatus": "200",
                "error__message": "Internal server error",
                "error__responseType": "API_CONFIGURATION_ERROR",
            },
        ),
    ],
)
def test_a_message_is_logged_with_what_its_integration_has_made_of_it(start, handler, body, expected):
    emulator, log = start_logged(start, harness.api({"$default": handler}))
    emulator.connect().ask(body)
    check(log.records(2)[1], eventType="MESSAGE", routeKey="$default", **expected)


def test_a_message_without_a_route_is_forbidden_and_has_none(start):
    emulator, log = start_logged(start, harness.api({"say": "echo"}))
    emulator.connect().ask("nothing")
    check(
        log.records(2)[1],
        eventType="MESSAGE",
        routeKey=None,
        status="403",
        messageId=ID,
        integrationLatency=None,
        error__message="Forbidden",
        error__responseType="DEFAULT_4XX",
    )


def test_a_throttled_message_is_logged_with_its_route(start):
    settings = {"routeSettings": {"$default": {"throttlingRateLimit": 0, "throttlingBurstLimit": 0}}}
    emulator, log = start_logged(start, harness.api(**settings))
    emulator.connect().ask("x")
    check(
        log.records(2)[1],
        routeKey="$default",
        status="429",
        error__message="Too Many Requests",
        error__responseType="THROTTLED",
    )


def test_a_throttled_message_that_closes_stands_before_its_disconnect(start):
    config = harness.api(
        routeSettings={"$default": {"throttlingRateLimit": 0, "throttlingBurstLimit": 0}},
        rules={"throttled-message": "close"},
    )
    emulator, log = start_logged(start, config)
    client = emulator.connect()
    client.send("x")
    assert client.wait_closed()[0] == 1008
    assert [pick(record, "eventType", "status") for record in log.records(3)] == [
        ("CONNECT", "200"),
        ("MESSAGE", "429"),
        ("DISCONNECT", "200"),
    ]


def test_a_reply_that_is_refused_for_its_status_keeps_that(start):
    emulator, log = start_logged(start, harness.api({"$default": "status"}, rules={"two-way-status": "fail"}))
    assert "Internal server error" in emulator.connect().ask("404")
    check(
        log.records(2)[1],
        status="404",
        integration__status="404",
        error__message="Internal server error",
        error__responseType="INTEGRATION_FAILURE",
    )


def test_an_integration_that_is_late_has_status_504_and_its_latency(start):
    emulator, log = start_logged(start, harness.api({"$default": "hang"}, functions={"hang": {"timeout": 60}}))
    client = emulator.connect()
    client.send("x")
    emulator.wait_log("hanging")
    emulator.advance("29s")
    client.receive()
    record = log.records(2)[1]
    check(
        record,
        status="504",
        integration__status=None,
        integration__integrationStatus=None,
        integration__requestId=None,
        error__message="Endpoint request timed out",
        error__responseType="INTEGRATION_TIMEOUT",
    )
    assert 29000 <= int(record["integrationLatency"]) < 60000


def test_a_reply_that_is_too_large_is_a_failure(start):
    emulator, log = start_logged(start, harness.api({"$default": "big"}))
    emulator.connect().ask("131073")
    check(
        log.records(2)[1],
        status="502",
        integration__status="200",
        error__message="Internal server error",
    )


def test_a_message_whose_client_has_gone_is_logged_when_its_answer_comes(start, gate):
    config = harness.api({"$default": "gate"}, {"gate": gate.function()})
    emulator, log = start_logged(start, config)
    client = emulator.connect(headers=[("User-Agent", "gone/1.0")])
    client.send("held")
    gate.wait_entered("held")
    client.close()
    assert [pick(record, "eventType") for record in log.records(2)] == [("CONNECT",), ("DISCONNECT",)]
    gate.open("held")
    message = log.records(3)[2]
    check(message, eventType="MESSAGE", status="200", identity__userAgent="gone/1.0", messageId=ID)


# ---- handshakes ----


@pytest.mark.parametrize("status", [301, 401, 503])
def test_a_handshake_that_connect_refuses_has_its_status_and_no_message(start, status):
    emulator, log = start_logged(start, harness.api({"$connect": "status", "$default": "echo"}))
    assert emulator.refusal(query=f"?status={status}").status == status
    check(
        log.records(1)[0],
        eventType="CONNECT",
        routeKey="$connect",
        status=str(status),
        integration__status=str(status),
        integration__requestId=UUID,
        connectionId=ID,
        error__message=None,
        error__responseType=None,
    )


def test_a_handshake_that_fails_in_connect_has_the_gateways_status(start):
    emulator, log = start_logged(start, harness.api({"$connect": "fail", "$default": "echo"}))
    assert emulator.refusal().status == 502
    check(
        log.records(1)[0],
        status="502",
        integration__status=None,
        integration__integrationStatus="200",
        error__message="Internal server error",
        error__responseType="INTEGRATION_FAILURE",
    )


def test_a_throttled_handshake_has_no_connection(start):
    settings = {"routeSettings": {"$connect": {"throttlingRateLimit": 0, "throttlingBurstLimit": 0}}}
    emulator, log = start_logged(start, harness.api({"$connect": "status", "$default": "echo"}, **settings))
    assert emulator.refusal().status == 429
    check(
        log.records(1)[0],
        eventType="CONNECT",
        status="429",
        connectionId=None,
        connectedAt=None,
        requestId=ID,
        requestTime=CLF_TIME,
        error__message="Too Many Requests",
        error__responseType="THROTTLED",
    )


def test_a_handshake_to_no_stage_has_no_line(start):
    emulator, log = start_logged(start, harness.api())
    assert emulator.refusal(path="/nowhere").status == 403
    emulator.connect()
    assert [record["status"] for record in log.records(1)] == ["200"]


ALLOWED = {
    "principalId": "me",
    "policyDocument": {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}],
    },
    "context": {"key": 'va"lue', "number": 7},
}


def said(what):
    return [("X-Answer", json.dumps(what))]


def test_what_an_authorizer_has_said_is_in_every_line_and_how_it_went_in_the_first(start):
    emulator, log = start_logged(start, harness.guarded("answer"))
    client = emulator.connect(headers=said(ALLOWED))
    assert client.ask("x") == "x"
    client.close()
    connect, message, disconnect = log.records(3)
    for record in (connect, message, disconnect):
        check(record, authorizer__principalId="me", authorizer__key='va\\"lue', authorizer__number="7")
    check(
        connect,
        authorizer__status="200",
        authorizer__integrationStatus="200",
        authorizer__requestId=UUID,
        authorizer__latency=NUMBER,
        authorizer__integrationLatency=connect["authorizer.latency"],
        authorizer__error=None,
        authorize__status=None,
    )
    check(message, authorizer__status=None, authorizer__latency=None, authorizer__requestId=None)


def test_a_denial_is_logged_with_the_authorizers_status_and_error(start):
    denied = {**ALLOWED, "policyDocument": {**ALLOWED["policyDocument"], "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}}
    emulator, log = start_logged(start, harness.guarded("answer"))
    assert emulator.refusal(headers=said(denied)).status == 403
    message = "User is not authorized to access this resource with an explicit deny"
    check(
        log.records(1)[0],
        status="403",
        routeKey="$connect",
        authorizer__status="403",
        authorizer__integrationStatus="200",
        authorizer__requestId=UUID,
        authorizer__error=message,
        authorizer__principalId=None,
        error__message=message,
        error__responseType="ACCESS_DENIED",
        integrationLatency=None,
    )


def test_an_authorizer_that_fails_is_logged_with_what_it_said(start):
    emulator, log = start_logged(start, harness.guarded("fail"))
    assert emulator.refusal().status in (401, 500)
    record = log.records(1)[0]
    check(record, authorizer__status=record["status"], authorizer__integrationStatus="200", authorizer__requestId=UUID)
    assert record["authorizer.error"]


def test_a_missing_identity_is_unauthorized_and_no_authorizer_has_run(start):
    emulator, log = start_logged(start, harness.guarded("answer", ["route.request.header.Auth"]))
    assert emulator.refusal().status == 401
    check(
        log.records(1)[0],
        status="401",
        authorizer__status="401",
        authorizer__latency=None,
        authorizer__requestId=None,
        error__message="Unauthorized",
        error__responseType="UNAUTHORIZED",
    )


def iam_api(**members):
    connect = {"authorizationType": "AWS_IAM", "function": "status"}
    return harness.api({"$connect": connect, "$default": "echo"}, {"status": {}}, iam=signing.iam(**members))


def test_who_has_signed_is_in_every_line(start):
    emulator, log = start_logged(start, iam_api())
    client = signing.Signer().connect(emulator)
    assert client.ask("x") == "x"
    connect, message = log.records(2)
    for record in (connect, message):
        check(
            record,
            identity__accountId="123456789012",
            identity__userArn="arn:aws:iam::123456789012:user/alice",
            identity__caller=re.compile(".+"),
            identity__user=re.compile(".+"),
        )
    check(connect, authenticate__status="200", authenticate__latency=NUMBER, authorize__status="200")
    check(message, authenticate__status=None, authorize__status=None)


def test_a_wrong_signature_fails_to_authenticate_and_a_policy_to_authorize(start):
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
    emulator, log = start_logged(start, iam_api(policy=deny))
    assert emulator.refusal().status == 403
    missing = log.records(1)[0]
    check(
        missing,
        status="403",
        authenticate__status="403",
        authenticate__error="Missing Authentication Token",
        authorize__status=None,
        error__responseType="MISSING_AUTHENTICATION_TOKEN",
    )
    with pytest.raises(wire.Refused):
        signing.Signer().connect(emulator)
    denied = log.records(2)[1]
    check(denied, authenticate__status="200", authorize__status="403", error__responseType="ACCESS_DENIED")
    assert denied["authorize.error"].startswith("User: arn:aws:iam::123456789012:user/alice is not authorized")


def test_an_api_key_is_in_the_lines_of_its_connection(start):
    key = "d41d8cd98f00b204e980"
    config = harness.api(
        {"$connect": {"apiKeyRequired": True}, "$default": "echo"},
        apiKeys={"mobile": {"value": key}},
        usagePlans={"basic": {"apiKeys": ["mobile"]}},
    )
    emulator, log = start_logged(start, config)
    emulator.connect(headers=[("x-api-key", key)])
    check(log.records(1)[0], identity__apiKey=key, identity__apiKeyId=re.compile("[a-z0-9]{10}"), status="200")
    assert emulator.refusal().status == 403
    check(log.records(2)[1], status="403", error__message="Forbidden", error__responseType="INVALID_API_KEY")


# ---- formats ----


def test_the_samples_of_the_developer_guide_work_unchanged(start):
    stages = {
        kind.lower(): {"accessLog": {"destination": f"{kind}.log", "format": sample}} for kind, sample in SAMPLES.items()
    }
    emulator = start(harness.api(stages=stages))
    fields = {}
    for kind in SAMPLES:
        client = emulator.connect(path=f"/{kind.lower()}")
        context = json.loads(client.ask('{"action":"whoami"}'))["requestContext"]
        fields[kind] = (
            context["requestId"],
            "127.0.0.1",
            "-",
            "-",
            context["requestTime"],
            "MESSAGE",
            "whoami",
            "200",
            context["connectionId"],
        )
    lines = {kind: Log(emulator, f"{kind}.log").wait(2)[1] for kind in SAMPLES}
    request_id, ip, caller, user, time, event, route, status, connection = fields["CLF"]
    assert lines["CLF"] == f'{ip} {caller} {user} [{time}] "{event} {route} {connection}" {status} {request_id}'
    assert tuple(json.loads(lines["JSON"]).values()) == fields["JSON"]
    assert list(json.loads(lines["JSON"])) == "requestId ip caller user requestTime eventType routeKey status connectionId".split()
    tree = xml.etree.ElementTree.fromstring(lines["XML"])
    assert (tree.get("id"), *(child.text for child in tree)) == fields["XML"]
    request_id, ip, caller, user, time, event, route, status, connection = fields["CSV"]
    assert re.split(", ?", lines["CSV"]) == [ip, caller, user, time, event, route, connection, status, request_id]


def test_without_a_format_it_is_the_consoles(start):
    emulator, log = start_logged(start, harness.api(), format=None)
    emulator.connect()
    line = json.loads(log.wait(1)[0])
    assert list(line) == "requestId ip caller user requestTime eventType routeKey status connectionId".split()
    assert pick(line, "ip", "caller", "eventType", "routeKey", "status") == ("127.0.0.1", "-", "CONNECT", "$connect", "200")


def test_a_client_cannot_forge_a_line_or_a_field(start):
    agent = 'x","status":"999\\\xe9'
    emulator, log = start_logged(start, harness.api(), format='{"ua":"$context.identity.userAgent","status":"$context.status","id":"$context.requestId","host":"$context.domainName"}')
    emulator.connect(headers=[("User-Agent", agent)])
    line = json.loads(log.wait(1)[0])
    assert (line["ua"], line["status"]) == (agent, "200")


# ---- destinations ----


def test_lines_can_go_to_standard_output(tmp_path):
    emulator = harness.Emulator(
        tmp_path, logged(harness.api(), "line $context.requestId $context.eventType", "stdout"), split=True
    )
    banner = tmp_path / "banner"
    client = emulator.connect()
    client.close()
    harness.until(lambda: banner.read_text().count("\nline ") == 2, "two lines on standard output")
    assert re.findall(r"(?m)^line \S+ (\w+)$", banner.read_text()) == ["CONNECT", "DISCONNECT"]
    assert not (tmp_path / "stdout").exists()
    emulator.finish()


def test_a_file_is_relative_to_the_configuration_and_appended_to(tmp_path):
    (tmp_path / "access.log").write_text("from before\n")
    emulator = harness.Emulator(tmp_path, logged(harness.api(), "$context.requestId"))
    emulator.connect()
    assert Log(emulator).wait(2)[0] == "from before"
    emulator.finish()


def test_a_file_that_cannot_be_opened_ends_the_start_with_its_name(tmp_path):
    (tmp_path / "routes.json").write_text(json.dumps(logged(harness.api(), destination="no/such/access.log")))
    result = harness.run("run", "routes.json", "--port", "0", cwd=tmp_path)
    assert result.returncode == 1
    assert re.search(r"the access log \S*no/such/access.log cannot be written: No such file or directory", result.stderr)


def test_a_rotated_file_is_made_anew(start):
    emulator, log = start_logged(start, harness.api())
    emulator.connect()
    log.wait(1)
    os.rename(log.path, emulator.folder / "access.log.1")
    emulator.connect()
    log.wait(1)
    log.path.unlink()
    emulator.connect()
    log.wait(1)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_disk_costs_no_message_and_is_said_once(start):
    emulator = start(logged(harness.api(), destination="/dev/full"))
    client = emulator.connect()
    for number in range(50):
        assert client.ask(str(number)) == str(number)
    emulator.wait_log(r"error gateway: the access log /dev/full cannot be written: No space left on device")
    health = emulator.http("GET", "/_apigw/health")
    reason = {
        "code": "access-log-failing",
        "subject": "/dev/full",
        "message": "the access log /dev/full cannot be written: No space left on device",
    }
    assert (health.status, json.loads(health.text)["reasons"]) == (503, [reason])
    assert emulator.log.count("/dev/full cannot be written") == 1


def test_the_last_lines_are_written_when_it_stops(tmp_path):
    emulator = harness.Emulator(tmp_path, logged(harness.api({"$disconnect": "status", "$default": "echo"})))
    clients = [emulator.connect() for _ in range(3)]
    assert [client.ask("x") for client in clients] == ["x"] * 3
    emulator.process.send_signal(signal.SIGTERM)
    assert [client.wait_closed() for client in clients] == [(1001, "Going away")] * 3
    emulator.finish()
    kinds = sorted(record_of(line)["eventType"] for line in Log(emulator).lines())
    assert kinds == ["CONNECT"] * 3 + ["DISCONNECT"] * 3 + ["MESSAGE"] * 3


# ---- stages, and changes ----


def test_each_stage_has_its_own_and_two_may_share_one(start):
    one = {"accessLog": {"destination": "one.log", "format": "$context.stage $context.requestId"}}
    emulator = start(harness.api(stages={"dev": one, "test": one, "prod": {}}))
    for stage in ("dev", "prod", "test", "dev"):
        emulator.connect(path=f"/{stage}")
    stages = [line.split()[0] for line in Log(emulator, "one.log").wait(3)]
    assert stages == ["dev", "test", "dev"]


def test_a_changed_access_log_takes_effect_while_clients_stay_connected(start):
    config = harness.api()
    emulator = start(logged(config, "first $context.requestId", "first.log"), watch=True)
    client = emulator.connect()
    Log(emulator, "first.log").wait(1)
    for number, changed in enumerate(
        (logged(config, "second $context.requestId", "second.log"), config, logged(config, "third $context.requestId", "first.log")), 1
    ):
        emulator.config_path.write_text(json.dumps(changed))
        harness.until(lambda: emulator.log.count("taken over") == number, f"change {number} is taken over")
        assert client.ask("x") == "x"
    assert [line.split()[0] for line in Log(emulator, "first.log").wait(2)] == ["first", "third"]
    assert [line.split()[0] for line in Log(emulator, "second.log").wait(1)] == ["second"]


def test_a_changed_access_log_that_cannot_be_written_is_said_and_clients_are_served_on(start):
    emulator = start(harness.api(), watch=True)
    client = emulator.connect()
    emulator.config_path.write_text(json.dumps(logged(harness.api(), destination="later/access.log")))
    emulator.wait_log(r"error gateway: the access log \S*later/access.log cannot be written: No such file or directory")
    assert client.ask("x") == "x"
    assert emulator.http("GET", "/_apigw/health").status == 503
    (emulator.folder / "later").mkdir()
    assert len(Log(emulator, "later/access.log").wait(1)) == 1
    emulator.wait_log(r"warn +gateway: the access log \S*later/access.log is written again, 0 of its lines were lost")
    assert emulator.http("GET", "/_apigw/health").status == 200
    assert emulator.log.count("cannot be written") == 1
