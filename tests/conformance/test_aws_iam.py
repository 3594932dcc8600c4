"""Signature Version 4 and IAM policies: at $connect with AWS_IAM, and at @connections."""

import datetime
import json
import re

import facts
import pytest
from facts import DOCUMENTED, INFERRED, OBSERVED, UNSETTLED, Source, fact, row, table
from sigv4 import Signer

GUIDE = Source("API Gateway developer guide, apigateway-websocket-control-access-iam", DOCUMENTED)
FORBIDDEN = Source("AWS knowledge center, api-gateway-troubleshoot-403-forbidden", DOCUMENTED)
FORBIDDEN_CONNECT = Source(FORBIDDEN.where + "; for a handshake inferred", INFERRED)
HEADER_TEXTS = Source("serverless/serverless#3205; the error type is inferred", OBSERVED)
MISMATCH = Source("okigan/awscurl#61 and mhart/aws4#133", OBSERVED)
DENIED = Source("aws-solutions/innovation-sandbox-on-aws#59 and aws/aws-cdk#18410", OBSERVED)
DENIED_CONNECT = Source(DENIED.where + "; for a handshake inferred", INFERRED)
CORAL = Source("AWS's other services, recorded in mhart/dynalite", INFERRED)
SCOPES = Source("clients of services behind API Gateway", OBSERVED)
SKEW = Source("answers of @connections in cognitect-labs/aws-api#255", OBSERVED)
AHEAD = Source("answers of an execute-api host in NickWaterton/Roomba980-Python#118", OBSERVED)
AMPLIFY = Source("Stack Overflow 60008232 and mhart/aws4#99: Amplify's URLs have no X-Amz-Expires", OBSERVED)
SDKS = Source("requests of botocore and of the AWS SDK for JavaScript, recorded", OBSERVED)
SIGNING = Source("AWS's documentation of Signature Version 4", DOCUMENTED)
ENCODED_TWICE = Source("okigan/awscurl#61 and aws/aws-sdk-go-v2#889", OBSERVED)

KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "TOKEN/+="
UNKNOWN_ID = "AAAAAAAAAAAAAAA="
ACCOUNT = "123456789012"


def statement(effect, action, resource):
    return {"Effect": effect, "Action": action, "Resource": resource}


def credential(key_id, *statements, **members):
    policy = {"policy": {"Version": "2012-10-17", "Statement": list(statements)}} if statements else {}
    return {"accessKeyId": key_id, "secretAccessKey": SECRET, **policy, **members}


ANY_API = "arn:aws:execute-api:*:*:*"
CREDENTIALS = {
    "alice": credential(KEY),
    "temporary": credential("ASIATEMPORARY", sessionToken=TOKEN),
    "connector": credential("AKIACONNECTOR", statement("Allow", "execute-api:Invoke", f"{ANY_API}/dev/$connect")),
    "manager": credential("AKIAMANAGER", statement("Allow", "execute-api:ManageConnections", f"{ANY_API}/dev/POST/@connections/*")),
    "nobody": credential("AKIANOBODY", statement("Allow", "s3:*", "*")),
    "denied": credential("AKIADENIED", statement("Allow", "*", "*"), statement("Deny", "execute-api:*", "*")),
    "role": credential("AKIAROLE", userArn=f"arn:aws:sts::{ACCOUNT}:assumed-role/Reader/session-1"),
}
CONFIG = facts.api(
    {"$connect": {"function": "event", "authorizationType": "AWS_IAM"}, "$disconnect": "event", "$default": "event"},
    iam={"credentials": CREDENTIALS, "connections": True},
)
PATH = "/dev"


@pytest.fixture
def emulator(serve):
    return serve(CONFIG)


def now(emulator):
    return re.sub(r"[-:]|\.\d+", "", emulator.now())


def shifted(emulator, seconds):
    """A basic date that is so many seconds from the emulator's now."""


    moment = datetime.datetime.strptime(now(emulator), "%Y%m%dT%H%M%SZ") + datetime.timedelta(seconds=seconds)
    return moment.strftime("%Y%m%dT%H%M%SZ")


def signer(emulator, key_id=KEY, secret=SECRET, **wrong):
    return Signer(key_id, secret, wrong.pop("date", None) or now(emulator), **wrong)


def connect(emulator, headers):
    return facts.handshake(emulator, headers=headers)


def said(response):
    """(status, error type, message) of a refusal."""
    body = json.loads(response.text)
    return response.status, response.get("x-amzn-ErrorType"), body.get("message", body.get("Message"))


# ---- what is accepted ----


@fact("an upgrade that is signed in its headers is let in", GUIDE.where, DOCUMENTED)
def test_a_signed_upgrade(emulator):
    assert connect(emulator, signer(emulator).headers("GET", PATH)).status == 101


@fact("an upgrade that is signed in its query is let in", GUIDE.where, DOCUMENTED)
def test_a_presigned_upgrade(emulator):
    assert facts.handshake(emulator, signer(emulator).presign(PATH)).status == 101


@fact("X-Amz-Expires may be left out", AMPLIFY.where, OBSERVED)
def test_a_presigned_url_without_expiry(emulator):
    assert facts.handshake(emulator, signer(emulator).presign(PATH, expires=None)).status == 101


@fact("the query of a presigned URL is signed with it", SIGNING.where, DOCUMENTED)
def test_a_presigned_url_with_a_query(emulator):
    assert facts.handshake(emulator, signer(emulator).presign(PATH, {"room": "a b", "x": "/+="})).status == 101


@fact("the query of a request that is signed in headers is signed", SIGNING.where, DOCUMENTED)
def test_a_signed_query(emulator):
    headers = signer(emulator).headers("GET", PATH + "?b=2&a=1&c")
    assert facts.handshake(emulator, "?b=2&a=1&c", headers=headers).status == 101


@fact("temporary credentials come with their session token", SIGNING.where, DOCUMENTED)
def test_a_session_token_in_headers(emulator):
    headers = signer(emulator, "ASIATEMPORARY").headers("GET", PATH, signed=[("X-Amz-Security-Token", TOKEN)])
    assert connect(emulator, headers).status == 101


@fact("a presigned URL may have a session token", SIGNING.where, DOCUMENTED)
def test_a_session_token_in_the_query(emulator):
    assert facts.handshake(emulator, signer(emulator, "ASIATEMPORARY").presign(PATH, token=TOKEN)).status == 101


@fact("more headers may be signed", SDKS.where, OBSERVED)
def test_more_signed_headers(emulator):
    headers = signer(emulator).headers("GET", PATH, signed=[("User-Agent", "sdk"), ("amz-sdk-request", "attempt=1")])
    assert connect(emulator, headers).status == 101


@fact("X-Amz-Content-Sha256 is a header like others", SDKS.where, OBSERVED)
def test_a_signed_content_hash(emulator):
    headers = signer(emulator).headers("GET", PATH, signed=[("X-Amz-Content-Sha256", "0" * 64)])
    assert connect(emulator, headers).status == 101


@fact("the Authorization header's parts may stand without blanks", SIGNING.where, INFERRED)
def test_an_authorization_without_blanks(emulator):
    headers = [(name, value.replace(", ", ",")) for name, value in signer(emulator).headers("GET", PATH)]
    assert connect(emulator, headers).status == 101


@table(
    "seconds,expected",
    row("now", SKEW, "a signature of now is good", 0, 101),
    row("4 min 50 s old", SKEW, "a signature is good for 5 minutes", -290, 101),
    row("4 min 50 s ahead", AHEAD, "a clock may be 5 minutes ahead", 290, 101),
    row("5 min 10 s old", SKEW, "after 5 minutes a signature has expired", -310, 403),
    row("5 min 10 s ahead", AHEAD, "a clock may not be more than 5 minutes ahead", 310, 403),
    row("a day old", SKEW, "a signature of yesterday has expired", -86400, 403),
)
def test_the_age_of_a_signature(emulator, seconds, expected):
    assert connect(emulator, signer(emulator, date=shifted(emulator, seconds)).headers("GET", PATH)).status == expected


@table(
    "age,expires,expected",
    row("young", SIGNING, "a presigned URL is good for X-Amz-Expires seconds", -50, "60", 101),
    row("too old", SIGNING, "after X-Amz-Expires seconds a presigned URL has expired", -70, "60", 403),
    row("an hour", SIGNING, "X-Amz-Expires may be longer than 5 minutes", -3000, "3600", 101),
    row("a week", Source("whether more than 604800 is refused is not known", UNSETTLED), "X-Amz-Expires may be long", 0, "1000000", 101),
    row("no expiry, old", Source(AMPLIFY.where + "; the limit is inferred", INFERRED),
        "without X-Amz-Expires a presigned URL is good for 5 minutes", -310, None, 403),
)  # fmt: skip
def test_the_age_of_a_presigned_url(emulator, age, expires, expected):
    query = signer(emulator, date=shifted(emulator, age)).presign(PATH, expires=expires)
    assert facts.handshake(emulator, query).status == expected


# ---- refusals, the same for both ----



def authorization(value):
    return lambda emulator: [("Authorization", value), ("X-Amz-Date", now(emulator))]


def signed_by(**wrong):
    return lambda emulator: signer(emulator, **wrong).headers("GET", PATH)


def changed(header, old, new):
    """A correct signature in which a part of a header is replaced."""

    def make(emulator):
        return [(name, value.replace(old, new) if name == header else value) for name, value in signer(emulator).headers("GET", PATH)]

    return make


REQUIRES = "Authorization header requires '{}' parameter. "
NO_DATE = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "

FAILURES = [
    ("unsigned", FORBIDDEN_CONNECT, "an unsigned request misses its token", lambda emulator: [], "MissingAuthenticationTokenException",
     "Missing Authentication Token"),
    ("bearer", HEADER_TEXTS, "what is no key=value pair is named", authorization("Bearer sometoken"), "IncompleteSignatureException",
     "'sometoken' not a valid key=value pair (missing equal-sign) in Authorization header: 'Bearer sometoken'."),
    ("nothing in it", HEADER_TEXTS, "all that an Authorization header lacks is listed",
     lambda emulator: [("Authorization", "AWS4-HMAC-SHA256")], "IncompleteSignatureException",
     REQUIRES.format("Credential") + REQUIRES.format("Signature") + REQUIRES.format("SignedHeaders") + NO_DATE
     + "Authorization=AWS4-HMAC-SHA256"),
    ("no date", HEADER_TEXTS, "a date is required",
     lambda emulator: [("Authorization", "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=b, Signature=c")], "IncompleteSignatureException",
     NO_DATE + "Authorization=AWS4-HMAC-SHA256 Credential=a, SignedHeaders=b, Signature=c"),
    ("no signature", HEADER_TEXTS, "a Signature is required", authorization("AWS4-HMAC-SHA256 Credential=a, SignedHeaders=b"),
     "IncompleteSignatureException", REQUIRES.format("Signature") + "Authorization=AWS4-HMAC-SHA256 Credential=a, SignedHeaders=b"),
    ("no credential", HEADER_TEXTS, "a Credential is required", authorization("AWS4-HMAC-SHA256 SignedHeaders=b, Signature=c"),
     "IncompleteSignatureException", REQUIRES.format("Credential") + "Authorization=AWS4-HMAC-SHA256 SignedHeaders=b, Signature=c"),
    ("no signed headers", HEADER_TEXTS, "SignedHeaders are required", authorization("AWS4-HMAC-SHA256 Credential=a, Signature=c"),
     "IncompleteSignatureException", REQUIRES.format("SignedHeaders") + "Authorization=AWS4-HMAC-SHA256 Credential=a, Signature=c"),
    ("bad date", CORAL, "a date has the basic format", changed("X-Amz-Date", "T", "-"),
     "IncompleteSignatureException", r"re:Date must be in ISO-8601 'basic format'\. Got '.*'\. See http://en\.wikipedia\.org/wiki/ISO_8601"),
    ("another algorithm", CORAL, "the algorithm is AWS4-HMAC-SHA256", changed("Authorization", "AWS4-HMAC-SHA256", "AWS4-HMAC-MD5"),
     "IncompleteSignatureException", "Unsupported AWS 'algorithm': 'AWS4-HMAC-MD5' (only AWS4-HMAC-SHA256 for now). "),
    ("a short credential", Source("mhart/aws4#97, of another service", OBSERVED), "a Credential has five parts",
     changed("Authorization", "/aws4_request", ""), "IncompleteSignatureException",
     r"re:Credential must have exactly 5 slash-delimited elements, e\.g\. keyid/date/region/service/term, got '.*'"),
    ("another region", SCOPES, "a signature is for the API's region", signed_by(region="eu-west-1"), "InvalidSignatureException",
     "Credential should be scoped to a valid region, not 'eu-west-1'. "),
    ("another service", SCOPES, "a signature is for execute-api", signed_by(service="lambda"), "InvalidSignatureException",
     "Credential should be scoped to correct service: 'execute-api'. "),
    ("another terminator", CORAL, "a scope ends in aws4_request", signed_by(terminator="aws5_request"), "InvalidSignatureException",
     "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'. "),
    ("another day", CORAL, "a scope has the date's day", signed_by(day="20200101"), "InvalidSignatureException",
     r"re:Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20200101' != '\d{8}', from '\d{8}T\d{6}Z'\."),
    ("an unknown key", FORBIDDEN, "an unknown access key makes an invalid token", signed_by(key_id="AKIAUNKNOWN"), "UnrecognizedClientException",
     "The security token included in the request is invalid."),
    ("another secret", MISMATCH, "a wrong secret makes another signature", signed_by(secret="wrong"), "InvalidSignatureException",
     "re:(?s)The request signature we calculated does not match the signature you provided\\. Check your AWS Secret Access Key and "
     "signing method\\. Consult the service documentation for details\\..*"),
    ("a changed signature", MISMATCH, "a signature that was changed does not match", changed("Authorization", "Signature=", "Signature=0"),
     "InvalidSignatureException", "re:(?s)The request signature we calculated does not match.*"),
    ("host not signed", CORAL, "host must be signed", changed("Authorization", "SignedHeaders=host;", "SignedHeaders="),
     "InvalidSignatureException", "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."),
    ("a token too many", CORAL, "a long-term key has no session token",
     lambda emulator: signer(emulator).headers("GET", PATH, signed=[("X-Amz-Security-Token", TOKEN)]), "UnrecognizedClientException",
     "The security token included in the request is invalid"),
    ("no token", CORAL, "a temporary key needs its session token", signed_by(key_id="ASIATEMPORARY"), "UnrecognizedClientException",
     "The security token included in the request is invalid"),
    ("old", SKEW, "an old signature is told both times",
     lambda emulator: signer(emulator, date=shifted(emulator, -600)).headers("GET", PATH), "InvalidSignatureException",
     r"re:Signature expired: \d{8}T\d{6}Z is now earlier than \d{8}T\d{6}Z \(\d{8}T\d{6}Z - 5 min\.\)"),
    ("ahead", AHEAD, "an early signature is told both times",
     lambda emulator: signer(emulator, date=shifted(emulator, 600)).headers("GET", PATH), "InvalidSignatureException",
     r"re:Signature not yet current: \d{8}T\d{6}Z is still later than \d{8}T\d{6}Z \(\d{8}T\d{6}Z \+ 5 min\.\)"),
    ("not allowed", DENIED_CONNECT, "who is not allowed is told what, on which resource", signed_by(key_id="AKIANOBODY"), "AccessDeniedException",
     r"re:User: arn:aws:iam::123456789012:user/nobody is not authorized to perform: execute-api:Invoke on resource: "
     r"arn:aws:execute-api:us-east-1:\*{8}9012:[a-z0-9]{10}/dev/\$connect"),
    ("denied", DENIED_CONNECT, "an explicit deny is said to be one", signed_by(key_id="AKIADENIED"), "AccessDeniedException",
     r"re:User: arn:aws:iam::123456789012:user/denied is not authorized to perform: execute-api:Invoke on resource: "
     r"arn:aws:execute-api:us-east-1:\*{8}9012:[a-z0-9]{10}/dev/\$connect with an explicit deny"),
    ("allowed elsewhere", DENIED_CONNECT, "ManageConnections does not allow Invoke", signed_by(key_id="AKIAMANAGER"), "AccessDeniedException",
     r"re:User: .*manager is not authorized to perform: execute-api:Invoke on resource: .*"),
]  # fmt: skip


def matches(expected, text):
    return bool(re.fullmatch(expected[3:], text)) if expected.startswith("re:") else expected == text


@table("headers,error_type,message", *(row(name, source, words, *rest) for name, source, words, *rest in FAILURES))
def test_a_handshake_that_is_not_signed_well(emulator, headers, error_type, message):
    status, found_type, found = said(connect(emulator, headers(emulator)))
    assert (status, found_type) == (403, error_type)
    assert matches(message, found)


@table(
    "query,error_type,message",
    row("no algorithm's partners", CORAL, "all that a presigned URL lacks is listed", "?X-Amz-Algorithm=AWS4-HMAC-SHA256", "IncompleteSignatureException",
        "".join(f"AWS query-string parameters must include '{name}'. " for name in
                ("X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date")) + "Re-examine the query-string parameters."),
    row("signature alone", FORBIDDEN_CONNECT, "a query without X-Amz-Algorithm is unsigned", "?X-Amz-Signature=abc",
        "MissingAuthenticationTokenException", "Missing Authentication Token"),
)  # fmt: skip
def test_a_presigned_url_that_lacks_parts(emulator, query, error_type, message):
    assert said(facts.handshake(emulator, query)) == (403, error_type, message)


@fact("X-Amz-Expires is a number", "Amazon S3's text", UNSETTLED)
def test_a_presigned_url_with_an_odd_expiry(emulator):
    assert said(facts.handshake(emulator, signer(emulator).presign(PATH, expires="soon")))[2] == "X-Amz-Expires should be a number"


@fact("a query that was changed after signing does not match", MISMATCH.where, INFERRED)
def test_a_presigned_url_that_was_changed(emulator):
    assert said(facts.handshake(emulator, signer(emulator).presign(PATH, {"room": "a"}) + "&room=b"))[1] == "InvalidSignatureException"


@fact("a signature is in the header or in the query, not in both", CORAL.where, INFERRED)
def test_two_signatures(emulator):
    query = signer(emulator).presign(PATH)
    response = facts.handshake(emulator, query, headers=signer(emulator).headers("GET", PATH))
    assert said(response)[2] == "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."


@fact("a mismatch tells the canonical string and the string to sign", MISMATCH.where, OBSERVED)
def test_the_strings_of_a_mismatch(emulator):
    message = said(connect(emulator, signer(emulator, secret="wrong").headers("GET", PATH)))[2]
    assert re.fullmatch(
        r".* for details\.\n\nThe Canonical String for this request should have been\n'GET\n/dev\n\nhost:127\.0\.0\.1\nx-amz-date:(\d{8}T\d{6}Z)\n\n"
        r"host;x-amz-date\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'\n\nThe String-to-Sign should have been\n"
        r"'AWS4-HMAC-SHA256\n\1\n\d{8}/us-east-1/execute-api/aws4_request\n[0-9a-f]{64}'\n",
        message,
    )


@table(
    "key_id",
    row("not allowed", Source("LocalStack's table of gateway responses, checked against AWS", OBSERVED), "the key of an implicit deny's body is Message", "AKIANOBODY"),
    row("denied", Source("LocalStack's table of gateway responses, checked against AWS", OBSERVED), "the key of an explicit deny's body is Message", "AKIADENIED"),
)
def test_the_key_of_a_deny(emulator, key_id):
    response = connect(emulator, signer(emulator, key_id).headers("GET", PATH))
    assert list(json.loads(response.text)) == ["Message"]


@fact("a policy for {stage}/$connect allows to connect", GUIDE.where, DOCUMENTED)
def test_a_policy_for_connect(emulator):
    assert connect(emulator, signer(emulator, "AKIACONNECTOR").headers("GET", PATH)).status == 101


@fact("messages are not authorized again", "awsdocs/amazon-api-gateway-developer-guide#121", OBSERVED)
def test_messages_are_not_authorized(emulator):
    client = emulator.connect(headers=signer(emulator, "AKIACONNECTOR").headers("GET", PATH))
    assert json.loads(client.ask('{"action":"whoami"}'))["requestContext"]["routeKey"] == "whoami"


# ---- who it was ----


def identity(emulator, key_id):
    client = emulator.connect(headers=signer(emulator, key_id).headers("GET", PATH) + [("User-Agent", "sdk")])
    return json.loads(client.ask("x"))["requestContext"]["identity"]


@fact("identity of IAM callers has userArn, userAgent, accountId, caller, sourceIp, accessKey and user, in AWS's order",
      "the order of identity in captures; the members are documented", INFERRED)  # fmt: skip
def test_the_members_of_identity(emulator):
    assert list(identity(emulator, KEY)) == ["userArn", "userAgent", "accountId", "caller", "sourceIp", "accessKey", "user"]


@table(
    "member,value",
    row("userArn", GUIDE, "userArn is the caller's ARN", "userArn", f"arn:aws:iam::{ACCOUNT}:user/alice"),
    row("accountId", GUIDE, "accountId is the caller's account", "accountId", ACCOUNT),
    row("accessKey", GUIDE, "accessKey is the key that signed", "accessKey", KEY),
)
def test_a_member_of_identity(emulator, member, value):
    assert identity(emulator, KEY)[member] == value


@fact("of an assumed role caller and user are AROA…:session", "AWS's documentation of unique identifiers", DOCUMENTED)
def test_the_identity_of_a_role(emulator):
    found = identity(emulator, "AKIAROLE")
    assert re.fullmatch(r"AROA[A-Z2-7]{17}:session-1", found["caller"])
    assert found["user"] == found["caller"]


@fact("of a user caller and user are AIDA…", "AWS's documentation of unique identifiers", DOCUMENTED)
def test_the_identity_of_a_user(emulator):
    assert re.fullmatch(r"AIDA[A-Z2-7]{17}", identity(emulator, KEY)["caller"])


# ---- @connections ----


def call(emulator, method, connection_id=UNKNOWN_ID, body=b"", key_id=KEY, sign=True, **options):
    target = emulator.connection_target(connection_id)
    headers = signer(emulator, key_id).headers(method, target, body, **options) if sign else []
    return emulator.http(method, target, body, headers)


@pytest.fixture
def client(emulator):
    return emulator.connect(headers=signer(emulator).headers("GET", PATH))


@table(
    "method,status",
    row("POST", GUIDE, "a signed POST is let through", "POST", 200),
    row("GET", GUIDE, "a signed GET is let through", "GET", 200),
    row("DELETE", GUIDE, "a signed DELETE is let through", "DELETE", 204),
)
def test_a_signed_call(emulator, client, method, status):
    assert call(emulator, method, emulator.identify(client), b"hi" if method == "POST" else b"").status == status


@table(
    "method",
    row("POST", FORBIDDEN, "an unsigned POST misses its token", "POST"),
    row("GET", FORBIDDEN, "an unsigned GET misses its token", "GET"),
    row("DELETE", FORBIDDEN, "an unsigned DELETE misses its token", "DELETE"),
)
def test_an_unsigned_call(emulator, method):
    assert said(call(emulator, method, sign=False)) == (403, "MissingAuthenticationTokenException", "Missing Authentication Token")


@fact("the path is encoded again for signing: %3D is signed as %253D", ENCODED_TWICE.where, OBSERVED)
def test_the_path_is_encoded_twice(emulator, client):
    connection_id = emulator.identify(client)
    assert call(emulator, "POST", connection_id, b"hi").status == 200
    response = call(emulator, "POST", connection_id, b"hi", encode_twice=False)
    assert said(response)[1] == "InvalidSignatureException"


@fact("a bare = in the path is signed as %3D", "okigan/awscurl#61", OBSERVED)
def test_a_bare_equals_sign(emulator, client):
    target = f"/dev/@connections/{emulator.identify(client)}"
    assert emulator.http("POST", target, b"hi", signer(emulator).headers("POST", target, b"hi")).status == 200


@fact("the last canonical line is the hash of the body that came", SIGNING.where, DOCUMENTED)
def test_another_body(emulator):
    target = emulator.connection_target(UNKNOWN_ID)
    headers = signer(emulator).headers("POST", target, b"signed body")
    assert said(emulator.http("POST", target, b"another body", headers))[1] == "InvalidSignatureException"


@fact("UNSIGNED-PAYLOAD is not accepted", "S3 alone has it", INFERRED)
def test_an_unsigned_payload(emulator):
    assert said(call(emulator, "POST", body=b"x", body_hash="UNSIGNED-PAYLOAD"))[1] == "InvalidSignatureException"


@table(
    "method,status",
    row("POST", GUIDE, "a policy for …/POST/@connections/* allows to post", "POST", 410),
    row("GET", GUIDE, "a policy for …/POST/@connections/* does not allow GET", "GET", 403),
    row("DELETE", GUIDE, "a policy for …/POST/@connections/* does not allow DELETE", "DELETE", 403),
)
def test_a_policy_for_one_method(emulator, method, status):
    assert call(emulator, method, key_id="AKIAMANAGER").status == status


@table(
    "method",
    row("POST", DENIED, "the resource has the method and the literal {connectionId}", "POST"),
    row("GET", DENIED, "the resource has the method and the literal {connectionId}", "GET"),
    row("DELETE", DENIED, "the resource has the method and the literal {connectionId}", "DELETE"),
)
def test_a_call_that_is_not_allowed(emulator, method):
    response = call(emulator, method, key_id="AKIANOBODY")
    assert (response.status, response.get("x-amzn-ErrorType")) == (403, "AccessDeniedException")
    assert re.fullmatch(
        r'{"Message":"User: arn:aws:iam::123456789012:user/nobody is not authorized to perform: execute-api:ManageConnections on resource: '
        r'arn:aws:execute-api:us-east-1:\*{8}9012:[a-z0-9]{10}/dev/' + method + r'/@connections/{connectionId}"}',
        response.text,
    )


@fact("an explicit deny of a call is said to be one", DENIED.where, OBSERVED)
def test_a_call_that_is_denied(emulator):
    assert call(emulator, "POST", key_id="AKIADENIED").text.endswith(' with an explicit deny"}')


@fact("the signature is checked before the form of the id", "the order in which AWS's answers were seen", INFERRED)
def test_the_signature_comes_before_the_id(emulator):
    assert said(call(emulator, "POST", "short", sign=False))[1] == "MissingAuthenticationTokenException"
    assert said(call(emulator, "POST", "short"))[1] == "BadRequestException"


@fact("the stage is looked at before the signature", "the order in which AWS's answers were seen", INFERRED)
def test_the_stage_comes_before_the_signature(emulator):
    assert said(emulator.http("POST", f"/prod/@connections/{UNKNOWN_ID}", b"x")) == (403, "ForbiddenException", "Forbidden")


@fact("what a function does with connections needs no signature of its own", "the SDK in the function signs by itself", INFERRED)
def test_functions_need_no_signature(serve):
    config = facts.api({"$default": "post_self"}, iam={"credentials": {"alice": credential(KEY)}, "connections": True})
    client = serve(config).connect()
    client.send("hello")
    assert sorted([client.receive(), client.receive()]) == ["0", "hello"]
