"""IAM authorization of $connect and of @connections, with signatures made by botocore."""

import json
import re

import botocore.auth
import harness
import pytest
import signing
import wire

MISSING = ("MissingAuthenticationTokenException", {"message": "Missing Authentication Token"})
UNKNOWN_KEY = ("UnrecognizedClientException", {"message": "The security token included in the request is invalid."})
WRONG_TOKEN = ("UnrecognizedClientException", {"message": "The security token included in the request is invalid"})
UNKNOWN_ID = "AAAAAAAAAAAAAAA="
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details.\n\nThe Canonical String for this request "
    "should have been\n'{canonical}'\n\nThe String-to-Sign should have been\n'{to_sign}'\n"
)

ALICE = signing.Signer()


def signed_api(iam=None, connect="status", routes=None, **members):
    """An API whose $connect wants a signature."""
    connect = {"authorizationType": "AWS_IAM", **({"function": connect} if connect else {})}
    if "function" in connect:
        members["functions"] = {connect["function"]: {}, **members.get("functions", {})}
    routes = {"$connect": connect, "$default": "echo", **(routes or {})}
    return harness.api(routes, iam=iam or signing.iam(), **members)


def forbidden(response):
    """The error type and the body of a 403."""
    assert response.status == 403
    return response.get("x-amzn-ErrorType"), json.loads(response.text)


def refusal(emulator, target="/dev", headers=()):
    return forbidden(emulator.refusal(path=target, headers=headers))


def line_of(emulator, rule):
    return emulator.wait_log(rf"(?m)^.* rule={rule} .*$").group(0)


@pytest.fixture
def guarded(start):
    return start(signed_api())


# ---- signatures that are right ----

TARGETS = ["/dev", "/dev/", "/dev?b=2&a=1&a=0", "/dev?q=a%20b%2Fc%3D%C3%A4&empty=&Z=1&_=~", "/dev?x=a%3Ab%40c%2Cd"]


@pytest.mark.parametrize("target", TARGETS)
def test_a_handshake_that_is_signed_in_its_headers_is_accepted(guarded, target):
    assert ALICE.connect(guarded, target).ask("hello") == "hello"


@pytest.mark.parametrize("target", TARGETS)
def test_a_presigned_url_is_accepted(guarded, target):
    assert guarded.connect(path=ALICE.presign(target)).ask("hello") == "hello"


def test_other_headers_may_be_signed_too(guarded):
    headers = [("X-Custom", "  many   blanks "), ("X-Amz-Meta-A", "b"), ("Cookie", "a=b; c=d")]
    assert ALICE.connect(guarded, headers=headers).ask("hello") == "hello"


def test_headers_that_are_not_signed_do_not_matter(guarded):
    headers = [*ALICE.headers("GET", "/dev"), ("X-Later", "x"), ("X-Amz-Later", "y")]
    assert guarded.connect(headers=headers).ask("hello") == "hello"


def test_the_host_is_signed_with_its_port(guarded):
    host = f"127.0.0.1:{guarded.port}"
    headers = [("Host", host), *ALICE.headers("GET", "/dev", host=host)]
    assert guarded.connect(headers=headers).ask("hello") == "hello"


def test_a_connect_without_a_function_can_want_a_signature(start):
    emulator = start(signed_api(connect=None))
    assert refusal(emulator) == MISSING
    assert ALICE.connect(emulator).ask("hello") == "hello"


# ---- signatures that are wrong ----


def tampered(target):
    return target.replace("X-Amz-Date", "extra=1&X-Amz-Date")


def authorization(value, date="20261124T062300Z"):
    return [("Authorization", value), *([("X-Amz-Date", date)] if date else [])]


def changed(old, new):
    """Signed headers of which the Authorization was changed."""
    return [(name, value.replace(old, new)) for name, value in ALICE.headers("GET", "/dev")]


SIGNATURE = "AWS4-HMAC-SHA256 Credential=A/20261124/us-east-1/execute-api/aws4_request, SignedHeaders=host, Signature=x"

# What is wrong: how the client connects, the rule, the error type, and how the message begins.
WRONG = {
    "no signature": (lambda: {}, "signature-missing", MISSING[0], "Missing Authentication Token"),
    "an empty signature": (
        lambda: {"headers": [("Authorization", "")]},
        "signature-missing",
        MISSING[0],
        "Missing Authentication Token",
    ),
    "a bearer token": (
        lambda: {"headers": [("Authorization", "Bearer sometoken")]},
        "authorization-pair",
        "IncompleteSignatureException",
        "'sometoken' not a valid key=value pair (missing equal-sign) in Authorization header: 'Bearer sometoken'.",
    ),
    "nothing behind the algorithm": (
        lambda: {"headers": [("Authorization", "AWS4-HMAC-SHA256")]},
        "authorization-incomplete",
        "IncompleteSignatureException",
        "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. "
        "Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a "
        "'X-Amz-Date' or a 'Date' header. Authorization=AWS4-HMAC-SHA256",
    ),
    "no date": (
        lambda: {"headers": authorization(SIGNATURE, None)},
        "authorization-incomplete",
        "IncompleteSignatureException",
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=AWS4",
    ),
    "a date of another form": (
        lambda: {"headers": authorization(SIGNATURE, "2026-11-24")},
        "signature-date",
        "IncompleteSignatureException",
        "Date must be in ISO-8601 'basic format'. Got '2026-11-24'.",
    ),
    "a presigned URL of which a part is missing": (
        lambda: {"path": re.sub("&X-Amz-Signature=.*", "", ALICE.presign("/dev"))},
        "presign-incomplete",
        "IncompleteSignatureException",
        "AWS query-string parameters must include 'X-Amz-Signature'. Re-examine the query-string parameters.",
    ),
    "an expiry that is no number": (
        lambda: {"path": ALICE.presign("/dev").replace("X-Amz-Expires=300", "X-Amz-Expires=soon")},
        "presign-expires",
        "IncompleteSignatureException",
        "X-Amz-Expires should be a number",
    ),
    "two signatures": (
        lambda: {"path": ALICE.presign("/dev"), "headers": ALICE.headers("GET", "/dev")},
        "signature-twice",
        "InvalidSignatureException",
        "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
    ),
    "another algorithm": (
        lambda: {"headers": changed("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256")},
        "signature-algorithm",
        "IncompleteSignatureException",
        "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'",
    ),
    "a host that is not signed": (
        lambda: {"headers": changed("host;", "")},
        "signature-host",
        "InvalidSignatureException",
        "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
    ),
    "a credential without a scope": (
        lambda: {"headers": changed("AKIDEXAMPLE/", "AKIDEXAMPLE")},
        "credential-malformed",
        "IncompleteSignatureException",
        "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'AKIDEX",
    ),
    "another region": (
        lambda: {"headers": signing.Signer(region="eu-west-1").headers("GET", "/dev")},
        "scope-region",
        "InvalidSignatureException",
        "Credential should be scoped to a valid region, not 'eu-west-1'.",
    ),
    "another service": (
        lambda: {"headers": signing.Signer(service="lambda").headers("GET", "/dev")},
        "scope-service",
        "InvalidSignatureException",
        "Credential should be scoped to correct service: 'execute-api'.",
    ),
    "another day in the scope": (
        lambda: {"headers": [(n, re.sub(r"/\d{8}/", "/20200101/", v)) for n, v in ALICE.headers("GET", "/dev")]},
        "scope-date",
        "InvalidSignatureException",
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20200101' != ",
    ),
    "an unknown key": (
        lambda: {"headers": signing.Signer("AKIDOTHER").headers("GET", "/dev")},
        "access-key-unknown",
        *(UNKNOWN_KEY[0], UNKNOWN_KEY[1]["message"]),
    ),
    "an unknown key in a presigned URL": (
        lambda: {"path": signing.Signer("AKIDOTHER").presign("/dev")},
        "access-key-unknown",
        *(UNKNOWN_KEY[0], UNKNOWN_KEY[1]["message"]),
    ),
    "another secret": (
        lambda: {"headers": signing.Signer(secret="other").headers("GET", "/dev")},
        "signature-mismatch",
        "InvalidSignatureException",
        MISMATCH.split("\n")[0],
    ),
    "another secret in a presigned URL": (
        lambda: {"path": signing.Signer(secret="other").presign("/dev")},
        "signature-mismatch",
        "InvalidSignatureException",
        MISMATCH.split("\n")[0],
    ),
    "another path": (
        lambda: {"path": "/dev/", "headers": ALICE.headers("GET", "/dev")},
        "signature-mismatch",
        "InvalidSignatureException",
        MISMATCH.split("\n")[0],
    ),
    "a parameter that was added": (
        lambda: {"path": tampered(ALICE.presign("/dev"))},
        "signature-mismatch",
        "InvalidSignatureException",
        MISMATCH.split("\n")[0],
    ),
    "another method": (
        lambda: {"headers": ALICE.headers("POST", "/dev")},
        "signature-mismatch",
        "InvalidSignatureException",
        MISMATCH.split("\n")[0],
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_handshake_is_refused_for(guarded, kind):
    how, rule, error_type, message = WRONG[kind]
    found_type, body = forbidden(guarded.refusal(**how()))
    assert list(body) == ["message"]
    assert (found_type, body["message"][: len(message)]) == (error_type, message)
    assert " warn " in line_of(guarded, rule) and "status=403" in line_of(guarded, rule)
    assert not guarded.hosts()


def test_the_answer_to_a_wrong_signature_says_what_should_have_been_signed(guarded):
    headers = dict(signing.Signer(secret="other").headers("GET", "/dev?b=%20"))
    date, scope = headers["X-Amz-Date"], headers["Authorization"].split("Credential=AKIDEXAMPLE/")[1].split(",")[0]
    body = refusal(guarded, "/dev?b=%20", list(headers.items()))[1]
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    canonical = f"GET\n/dev\nb=%20\nhost:127.0.0.1\nx-amz-date:{date}\n\nhost;x-amz-date\n{empty}"
    to_sign = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n[0-9a-f]{{64}}"
    wanted = re.escape(MISMATCH).replace(re.escape("{canonical}"), re.escape(canonical))
    assert re.fullmatch(wanted.replace(re.escape("{to_sign}"), to_sign), body["message"])


def test_the_headers_of_a_refusal_are_those_of_aws(guarded):
    response = guarded.refusal()
    assert response.names[:4] == ["Date", "Content-Type", "Content-Length", "Connection"]
    assert response.names[4:] == ["x-amzn-RequestId", "x-amzn-ErrorType", "x-amz-apigw-id"]
    assert response.body == b'{"message":"Missing Authentication Token"}'


def test_a_secret_is_never_in_the_log(guarded):
    guarded.refusal(headers=signing.Signer(secret="other").headers("GET", "/dev"))
    ALICE.connect(guarded)
    assert signing.SECRET not in guarded.log


MISTAKES = {
    "the host without its port": lambda port: [
        ("Host", f"127.0.0.1:{port}"),
        *ALICE.headers("GET", "/dev"),
    ],
    "neither the path's encoding nor the body explains it": lambda port: signing.Signer(secret="other").headers(
        "GET", "/dev"
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_log_names_the_likely_mistake(guarded, mistake):
    guarded.refusal(headers=MISTAKES[mistake](guarded.port))
    assert mistake in line_of(guarded, "signature-mismatch")


# ---- time ----


@pytest.mark.parametrize("shift_s", [-290, 290])
def test_a_signature_is_good_for_five_minutes_either_way(guarded, shift_s):
    assert signing.Signer(shift_s=shift_s).connect(guarded).ask("hello") == "hello"


@pytest.mark.parametrize(
    "shift_s,rule,message",
    [
        (-310, "signature-expired", r"Signature expired: \d{8}T\d{6}Z is now earlier than \S+ \(\S+ - 5 min\.\)"),
        (330, "signature-not-yet", r"Signature not yet current: \S+ is still later than \S+ \(\S+ \+ 5 min\.\)"),
    ],
)
def test_a_signature_of_another_time_is_refused(guarded, shift_s, rule, message):
    error_type, body = refusal(guarded, headers=signing.Signer(shift_s=shift_s).headers("GET", "/dev"))
    assert error_type == "InvalidSignatureException"
    assert re.fullmatch(message, body["message"])
    assert "limit=300000 unit=ms" in line_of(guarded, rule)


def test_a_signature_gets_old_with_the_clock(guarded):
    headers, target = ALICE.headers("GET", "/dev"), ALICE.presign("/dev", expires=3600)
    guarded.advance("4m")
    assert guarded.connect(headers=headers).ask("hello") == "hello"
    guarded.advance("2m")
    assert refusal(guarded, headers=headers)[1]["message"].startswith("Signature expired: ")
    assert guarded.connect(path=target).ask("hello") == "hello"
    guarded.advance("1h")
    assert refusal(guarded, target)[1]["message"].startswith("Signature expired: ")
    line_of(guarded, "presign-expired")


class WithoutExpiry(botocore.auth.SigV4QueryAuth):
    """As Amplify signs."""

    def _modify_request_before_signing(self, request):
        super()._modify_request_before_signing(request)
        request.url = re.sub("&X-Amz-Expires=[0-9]+", "", request.url)


def test_a_presigned_url_without_an_expiry_is_good_for_five_minutes(guarded):
    target = ALICE.presign("/dev", kind=WithoutExpiry)
    assert "Expires" not in target
    assert guarded.connect(path=target).ask("hello") == "hello"
    guarded.advance("6m")
    assert refusal(guarded, target)[1]["message"].startswith("Signature expired: ")


def test_the_rule_signature_expired_gives_more_time(start):
    emulator = start(signed_api(rules={"signature-expired": 3600_000}))
    assert signing.Signer(shift_s=-3000).connect(emulator).ask("hello") == "hello"


# ---- session tokens ----


@pytest.fixture
def temporary(start):
    """An emulator whose alice has temporary credentials."""
    return start(signed_api(signing.iam(sessionToken=signing.TOKEN)))


WITH_TOKEN = signing.Signer(token=signing.TOKEN)


def test_a_session_token_is_accepted_in_a_header_and_in_the_query(temporary):
    assert WITH_TOKEN.connect(temporary).ask("hello") == "hello"
    assert temporary.connect(path=WITH_TOKEN.presign("/dev")).ask("hello") == "hello"


@pytest.mark.parametrize("token", [None, "other"])
def test_without_its_session_token_a_temporary_credential_is_refused(temporary, token):
    signer = signing.Signer(token=token)
    assert refusal(temporary, headers=signer.headers("GET", "/dev")) == WRONG_TOKEN
    assert refusal(temporary, signer.presign("/dev")) == WRONG_TOKEN
    line_of(temporary, "security-token-invalid")


def test_a_session_token_for_a_credential_without_one_is_refused(guarded):
    assert refusal(guarded, headers=WITH_TOKEN.headers("GET", "/dev")) == WRONG_TOKEN


# ---- policies ----

ARN = "arn:aws:execute-api:us-east-1:123456789012:*/dev"


def policy(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


def statement(effect="Allow", action="execute-api:Invoke", resource=f"{ARN}/$connect", **members):
    return {"Effect": effect, "Action": action, "Resource": resource, **members}


ALLOWING = {
    "everything": policy(statement(action="*", resource="*")),
    "the action and the resource": policy(statement()),
    "what is behind the stage": policy(statement(resource=f"{ARN}/*")),
    "the address": policy(statement(Condition={"IpAddress": {"aws:SourceIp": "127.0.0.1/32"}})),
}


@pytest.mark.parametrize("kind", ALLOWING)
def test_a_policy_lets_in_that_allows(start, kind):
    assert ALICE.connect(start(signed_api(signing.iam(policy=ALLOWING[kind])))).ask("hello") == "hello"


DENYING = {
    "allows nothing": (policy(), ""),
    "allows another action": (policy(statement(action="execute-api:ManageConnections")), ""),
    "allows another stage": (policy(statement(resource=ARN.replace("/dev", "/prod") + "/*")), ""),
    "allows other addresses": (policy(statement(Condition={"NotIpAddress": {"aws:SourceIp": "127.0.0.1"}})), ""),
    "denies": (policy(statement(), statement("Deny")), " with an explicit deny"),
    "denies everything": (policy(statement(), statement("Deny", "*", "*")), " with an explicit deny"),
}


@pytest.mark.parametrize("kind", DENYING)
def test_a_policy_keeps_out_that(start, kind):
    what, end = DENYING[kind]
    emulator = start(signed_api(signing.iam(policy=what)))
    error_type, body = refusal(emulator, headers=ALICE.headers("GET", "/dev"))
    assert error_type == "AccessDeniedException"
    assert list(body) == ["Message"]
    assert re.fullmatch(
        r"User: arn:aws:iam::123456789012:user/alice is not authorized to perform: execute-api:Invoke on resource: "
        r"arn:aws:execute-api:us-east-1:\*{8}9012:[a-z0-9]{10}/dev/\$connect" + re.escape(end),
        body["Message"],
    )
    assert "alice" in line_of(emulator, "iam-denied-explicitly" if end else "iam-denied")


def test_messages_are_not_authorized_again(start):
    only_connect = policy(statement(), statement("Deny", resource=f"{ARN}/say"))
    emulator = start(signed_api(signing.iam(policy=only_connect), routes={"say": "echo"}))
    assert ALICE.connect(emulator).ask('{"action":"say"}') == '{"action":"say"}'


# ---- events ----


def identities(start, events, iam):
    config = signed_api(iam, "event", {"$disconnect": "event"}, functions={"event": events.function})
    client = ALICE.connect(start(config), headers=[("User-Agent", "browser/1.0")])
    message = client.ask('{"action":"whoami"}')
    client.close(1000)
    texts = [events.wait("CONNECT")[0], message, events.wait("DISCONNECT")[0]]
    return [json.loads(text)["requestContext"]["identity"] for text in texts]


def test_each_event_says_who_signed(start, events):
    connect, message, disconnect = identities(start, events, signing.iam())
    assert connect == message == disconnect
    assert list(connect) == ["userArn", "userAgent", "accountId", "caller", "sourceIp", "accessKey", "user"]
    assert connect["userArn"] == "arn:aws:iam::123456789012:user/alice"
    assert (connect["accountId"], connect["accessKey"]) == ("123456789012", signing.KEY_ID)
    assert connect["caller"] == connect["user"]
    assert re.fullmatch("AIDA[A-Z2-7]{17}", connect["user"])


def test_an_assumed_role_is_named_with_its_session(start, events):
    arn = "arn:aws:sts::111122223333:assumed-role/backend/session-1"
    identity = identities(start, events, signing.iam(userArn=arn))[0]
    assert (identity["userArn"], identity["accountId"]) == (arn, "111122223333")
    assert re.fullmatch("AROA[A-Z2-7]{17}:session-1", identity["caller"])


def test_neither_connect_nor_disconnect_follows_a_refusal(start, events):
    functions = {"event": events.function}
    emulator = start(signed_api(connect="event", routes={"$disconnect": "event"}, functions=functions))
    emulator.refusal()
    emulator.refusal(headers=signing.Signer(secret="other").headers("GET", "/dev"))
    ALICE.connect(emulator).close(1000, "let in")
    assert "let in" in events.wait("DISCONNECT")[0]
    assert len(events.texts("CONNECT")) == len(events.texts("DISCONNECT")) == 1


# ---- @connections ----


@pytest.fixture
def backend(start):
    return start(harness.api(iam=signing.iam(connections=True)))


def test_a_signed_request_posts_gets_and_deletes(backend):
    client = backend.connect()
    target = backend.connection_target(backend.identify(client))
    assert ALICE.http(backend, "POST", target, b"\x7b hello \xe2\x82\xac").status == 200
    assert client.receive() == "{ hello €"
    assert ALICE.http(backend, "GET", target).status == 200
    assert ALICE.http(backend, "DELETE", target).status == 204
    assert client.wait_closed()[0] == 1000
    gone = ALICE.http(backend, "GET", target)
    assert (gone.status, gone.get("x-amzn-ErrorType")) == (410, "GoneException")


@pytest.mark.parametrize("form", ["{0}", "{1}"])
@pytest.mark.parametrize("at", ["@", "%40"])
def test_the_path_is_signed_as_it_is_on_the_wire(backend, at, form):
    client = backend.connect()
    connection_id = backend.identify(client)
    target = f"/dev/{at}connections/" + form.format(connection_id, connection_id.replace("=", "%3D"))
    assert ALICE.http(backend, "POST", target, b"hi").status == 200
    assert client.receive() == "hi"


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_an_unsigned_request_is_refused(backend, method):
    client = backend.connect()
    target = backend.connection_target(backend.identify(client))
    response = backend.http(method, target, b"x" if method == "POST" else b"")
    assert forbidden(response) == MISSING
    assert f"{method} {target}" in line_of(backend, "signature-missing")
    assert client.ask("still here") == "still here"


WRONG_REQUESTS = {
    "another secret": (signing.Signer(secret="other"), "InvalidSignatureException", "signature-mismatch"),
    "an unknown key": (signing.Signer("AKIDOTHER"), UNKNOWN_KEY[0], "access-key-unknown"),
    "another region": (signing.Signer(region="eu-west-1"), "InvalidSignatureException", "scope-region"),
    "another service": (signing.Signer(service="apigateway"), "InvalidSignatureException", "scope-service"),
    "an old signature": (signing.Signer(shift_s=-400), "InvalidSignatureException", "signature-expired"),
    "a session token": (WITH_TOKEN, WRONG_TOKEN[0], "security-token-invalid"),
}


@pytest.mark.parametrize("kind", WRONG_REQUESTS)
def test_a_request_is_refused_for(backend, kind):
    signer, error_type, rule = WRONG_REQUESTS[kind]
    response = signer.http(backend, "POST", backend.connection_target(UNKNOWN_ID), b"x")
    assert forbidden(response)[0] == error_type
    assert "status=403" in line_of(backend, rule)


def test_the_body_is_part_of_the_signature(backend):
    target = backend.connection_target(UNKNOWN_ID)
    headers = ALICE.headers("POST", target, b"signed")
    assert forbidden(backend.http("POST", target, b"sent", headers))[0] == "InvalidSignatureException"
    assert backend.http("POST", target, b"signed", headers).status == 410


class EncodesOnce(botocore.auth.SigV4Auth):
    """As Amazon S3 wants it."""

    def _normalize_url_path(self, path):
        return path


BACKEND_MISTAKES = {
    "encoded the path once": lambda target: ALICE.headers("POST", target, b"x", kind=EncodesOnce),
    "signed an empty body": lambda target: ALICE.headers("POST", target),
    "whose hash is in X-Amz-Content-Sha256": lambda target: ALICE.headers(
        "POST", target, b"other", [("X-Amz-Content-SHA256", botocore.auth.sha256(b"other").hexdigest())]
    ),
    "UNSIGNED-PAYLOAD": lambda target: ALICE.headers(
        "POST", target, b"x", [("X-Amz-Content-SHA256", "UNSIGNED-PAYLOAD")]
    ),
}


@pytest.mark.parametrize("mistake", BACKEND_MISTAKES)
def test_the_log_names_the_likely_mistake_of_a_backend(backend, mistake):
    target = "/dev/%40connections/AAAAAAAAAAAAAAA%3D"
    headers = BACKEND_MISTAKES[mistake](target)
    assert forbidden(backend.http("POST", target, b"x", headers))[0] == "InvalidSignatureException"
    assert mistake in line_of(backend, "signature-mismatch")


def test_the_stage_is_looked_at_before_the_signature_and_the_signature_before_the_id(backend):
    assert forbidden(backend.http("GET", f"/prod/@connections/{UNKNOWN_ID}")) == (
        "ForbiddenException",
        {"message": "Forbidden"},
    )
    assert forbidden(backend.http("GET", "/dev/@connections/short")) == MISSING
    assert ALICE.http(backend, "GET", "/dev/@connections/short").status == 400


def test_a_body_over_128_kb_is_too_large_whoever_signed_it(backend):
    target = backend.connection_target(UNKNOWN_ID)
    assert ALICE.http(backend, "POST", target, b"x" * 131072).status == 410
    for size in (131073, 131074, 200_000):
        assert ALICE.http(backend, "POST", target, b"x" * size).status == 413
        assert backend.http("POST", target, b"x" * size).status == 413


MANAGE = "execute-api:ManageConnections"
ONLY_POST = policy(statement(action=MANAGE, resource=f"{ARN}/POST/@connections/*"))


def test_a_policy_may_allow_some_methods(start):
    emulator = start(harness.api(iam=signing.iam(connections=True, policy=ONLY_POST)))
    client = emulator.connect()
    target = emulator.connection_target(emulator.identify(client))
    assert ALICE.http(emulator, "POST", target, b"hello").status == 200
    error_type, body = forbidden(ALICE.http(emulator, "DELETE", target))
    assert error_type == "AccessDeniedException"
    assert re.fullmatch(
        r"User: arn:aws:iam::123456789012:user/alice is not authorized to perform: execute-api:ManageConnections on "
        r"resource: arn:aws:execute-api:us-east-1:\*{8}9012:[a-z0-9]{10}/dev/DELETE/@connections/\{connectionId\}",
        body["Message"],
    )
    assert client.receive() == "hello"


@pytest.mark.parametrize("action", ["execute-api:Invoke", "execute-api:InvalidateCache", "s3:*"])
def test_another_action_does_not_let_a_backend_post(start, action):
    allowed = policy(statement(action=action, resource="*"))
    emulator = start(harness.api(iam=signing.iam(connections=True, policy=allowed)))
    assert forbidden(ALICE.http(emulator, "GET", emulator.connection_target(UNKNOWN_ID)))[0] == "AccessDeniedException"
    line_of(emulator, "iam-denied")


def test_a_policy_cannot_name_one_connection(start):
    named = policy(statement(action=MANAGE, resource=f"{ARN}/GET/@connections/{UNKNOWN_ID}"))
    emulator = start(harness.api(iam=signing.iam(connections=True, policy=named)))
    assert forbidden(ALICE.http(emulator, "GET", emulator.connection_target(UNKNOWN_ID)))[0] == "AccessDeniedException"


def test_without_iam_on_connections_nothing_need_be_signed(start):
    emulator = start(signed_api(signing.iam()))
    client = ALICE.connect(emulator)
    assert emulator.post(emulator.identify(client), "hello").status == 200
    assert client.receive() == "hello"


def test_handlers_push_without_signing(start):
    client = start(harness.api({"post": "post_self"}, iam=signing.iam(connections=True))).connect()
    client.send('{"action":"post"}')
    assert sorted([client.receive(), client.receive()]) == ["0", '{"action":"post"}']


def test_requests_on_one_connection_are_each_judged(backend):
    target = backend.connection_target(UNKNOWN_ID)
    stream = wire.Stream(backend.address)
    for headers, status in ((ALICE.headers("GET", target), 410), ([], 403), (ALICE.headers("GET", target), 410)):
        lines = [f"GET {target} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers)]
        stream.send("\r\n".join(lines).encode() + b"\r\n\r\n")
        assert stream.read_response().status == status
