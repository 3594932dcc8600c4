"""Lambda authorizers: identity sources, policies, what counts as an answer, and what the client gets."""

import json
import re

import facts
import harness
from facts import DOCUMENTED, INFERRED, OBSERVED, Source, allow, deny, fact, policy, query, row, table

GUIDE = Source("API Gateway developer guide, apigateway-websocket-api-lambda-auth", DOCUMENTED)
SOURCES = Source("API Gateway API reference, CreateAuthorizer", DOCUMENTED)
OUTPUT = Source("API Gateway developer guide, api-gateway-lambda-authorizer-output", DOCUMENTED)
IAM = Source("IAM's rules for policies", DOCUMENTED)
CONDITIONS = Source("API Gateway developer guide, api-gateway-resource-policies; details of keys inferred", INFERRED)
POWERTOOLS = Source("aws-powertools/powertools-lambda-python#5800", OBSERVED)
REPOST = Source("AWS re:Post QUCUOS5k2rRkeyr6xqeTiOtg", OBSERVED)
REFUSED = Source("AWS knowledge center, api-gateway-troubleshoot-403-forbidden; seen at REST APIs", INFERRED)
FAILURE = Source("serverless/examples#557 and #305, auth0-samples/jwt-rsa-aws-custom-authorizer#6", OBSERVED)
MALFORMED = Source(FAILURE.where + "; which answers are malformed follows from the documented form", INFERRED)
LIMITS = Source("API Gateway developer guide, limits of WebSocket APIs", DOCUMENTED)
OVER = Source(LIMITS.where + "; the answer to more is inferred", INFERRED)
HASHMAP = Source("aws-lambda-typing's tests; a small Java HashMap", INFERRED)

UNAUTHORIZED = (401, "UnauthorizedException", '{"message":"Unauthorized"}')
IMPLICIT_DENY = (403, "AccessDeniedException", '{"Message":"User is not authorized to access this resource"}')
EXPLICIT_DENY = (
    403, "AccessDeniedException", '{"Message":"User is not authorized to access this resource with an explicit deny"}'
)  # fmt: skip
BROKEN = (500, "AuthorizerConfigurationException", '{"message":null}')

ANSWERING = facts.authorized("answer")


def outcome(response):
    if response.status == 101:
        return "in"
    return response.status, response.get("x-amzn-ErrorType"), response.text


def judged(serve, answer):
    """What becomes of a client whose authorizer answers that."""
    return outcome(facts.handshake(serve(ANSWERING), query(answer=answer)))


# ---- policies ----


ARN = "{methodArn}"
ANY = "arn:aws:execute-api:*:*:*"


def stage_arn(rest):
    """An ARN of the test's API, whatever its id and region."""
    return f"arn:aws:execute-api:*:*:*/{rest}"


@table(
    "statements",
    row("the method ARN", GUIDE, "an Allow of the method ARN lets the client in", [allow(ARN)]),
    row("*", POWERTOOLS, "Resource * covers everything", [allow("*")]),
    row("any API", POWERTOOLS, "arn:aws:execute-api:*:*:* covers everything", [allow(ANY)]),
    row("the stage's $connect", POWERTOOLS, "…/dev/$connect covers it", [allow(stage_arn("dev/$connect"))]),
    row("the stage's all", POWERTOOLS, "…/dev/* covers $connect", [allow(stage_arn("dev/*"))]),
    row("stars for parts", IAM, "* stands for any characters", [allow("arn:*:execute-api:*/dev/$con*")]),
    row("star spans slashes", IAM, "* spans slashes", [allow("arn:aws:execute-api:*$connect")]),
    row("question marks", IAM, "? stands for one character", [allow(stage_arn("d?v/$connec?"))]),
    row("array of resources", IAM, "Resource may be an array", [allow(["arn:aws:execute-api:x:y:z", ARN])]),
    row("action *", IAM, "Action * covers Invoke", [allow(ARN, "*")]),
    row("action service *", IAM, "Action execute-api:* covers Invoke", [allow(ARN, "execute-api:*")]),
    row("action Inv*", IAM, "* works in an Action", [allow(ARN, "execute-api:Inv*")]),
    row("action ?nvoke", IAM, "? works in an Action", [allow(ARN, "execute-api:?nvoke")]),
    row("action without case", IAM, "actions are compared without case", [allow(ARN, "Execute-API:invoke")]),
    row("array of actions", IAM, "Action may be an array", [allow(ARN, ["execute-api:ManageConnections", "execute-api:Invoke"])]),
    row("a second statement", IAM, "one Allow is enough", [allow("arn:aws:execute-api:x:y:z"), allow(ARN)]),
    row("a deny of something else", IAM, "a Deny that does not match is nothing", [deny(stage_arn("prod/*")), allow(ARN)]),
    row("a deny of another action", IAM, "a Deny of another action is nothing", [deny(ARN, "execute-api:ManageConnections"), allow(ARN)]),
    row("NotAction", IAM, "NotAction covers what it does not name",
        [{"Effect": "Allow", "NotAction": "execute-api:ManageConnections", "Resource": ARN}]),
    row("NotResource", IAM, "NotResource covers what it does not name",
        [{"Effect": "Allow", "Action": "execute-api:Invoke", "NotResource": stage_arn("prod/*")}]),
    row("Sid", IAM, "a statement may have a Sid", [allow(ARN, Sid="first")]),
    row("source address", CONDITIONS, "a Condition on aws:SourceIp that holds",
        [allow(ARN, Condition={"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}})]),
    row("not a source address", CONDITIONS, "NotIpAddress of another network holds",
        [allow(ARN, Condition={"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}})]),
    row("a list of addresses", CONDITIONS, "one of several values is enough",
        [allow(ARN, Condition={"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "127.0.0.1/32"]}})]),
    row("a deny whose condition fails", CONDITIONS, "a Deny whose Condition does not hold is nothing",
        [allow(ARN), deny(ARN, Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})]),
)  # fmt: skip
def test_a_policy_that_allows(serve, statements):
    assert judged(serve, policy(*statements)) == "in"


@table(
    "statements",
    row("no statement", IAM, "without an Allow everything is denied", []),
    row("another API", IAM, "an Allow of another API does not cover this one", [allow("arn:aws:execute-api:us-east-1:123456789012:abcdefghij/dev/$connect")]),
    row("another stage", IAM, "an Allow of another stage does not cover this one", [allow(stage_arn("prod/$connect"))]),
    row("stage/*/*", REPOST, "…/stage/*/* does not cover …/stage/$connect", [allow(stage_arn("dev/*/*"))]),
    row("stage/GET/*", POWERTOOLS, "…/stage/GET/* does not cover …/stage/$connect", [allow(stage_arn("dev/GET/*"))]),
    row("another route", IAM, "an Allow of another route does not cover $connect", [allow(stage_arn("dev/chat"))]),
    row("longer", IAM, "a pattern must match the whole ARN", [allow(stage_arn("dev/$connect/x"))]),
    row("shorter", IAM, "a pattern must match the whole ARN", [allow(stage_arn("dev/$con"))]),
    row("one ? too many", IAM, "? stands for exactly one character", [allow(stage_arn("dev/$connect?"))]),
    row("resource in another case", IAM, "resources are compared with case", [allow(stage_arn("DEV/$connect"))]),
    row("another action", IAM, "an Allow of another action is none", [allow(ARN, "execute-api:ManageConnections")]),
    row("another service", IAM, "an Allow of another service is none", [allow(ARN, "lambda:InvokeFunction")]),
    row("NotAction of it", IAM, "NotAction does not cover what it names", [{"Effect": "Allow", "NotAction": "execute-api:*", "Resource": ARN}]),
    row("NotResource of it", IAM, "NotResource does not cover what it names",
        [{"Effect": "Allow", "Action": "execute-api:Invoke", "NotResource": ARN}]),
    row("condition fails", CONDITIONS, "an Allow whose Condition does not hold is none",
        [allow(ARN, Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})]),
    row("one condition of two fails", CONDITIONS, "all operators of a Condition must hold",
        [allow(ARN, Condition={"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}, "NotIpAddress": {"aws:SourceIp": "127.0.0.1/32"}})]),
)  # fmt: skip
def test_a_policy_without_a_matching_allow(serve, statements):
    assert judged(serve, policy(*statements)) == IMPLICIT_DENY


@table(
    "statements",
    row("a deny", REFUSED, "a Deny is an explicit one", [deny(ARN)]),
    row("deny behind allow", IAM, "an explicit Deny wins over an Allow", [allow(ARN), deny(ARN)]),
    row("deny before allow", IAM, "an explicit Deny wins wherever it stands", [deny(ARN), allow(ARN)]),
    row("deny *", IAM, "a Deny may have wildcards", [allow("*"), deny("*", "*")]),
    row("deny of the stage", IAM, "a Deny of the stage covers $connect", [allow(ARN), deny(stage_arn("dev/*"))]),
    row("deny by NotResource", IAM, "a Deny may have NotResource",
        [allow(ARN), {"Effect": "Deny", "Action": "*", "NotResource": stage_arn("prod/*")}]),
    row("deny by NotAction", IAM, "a Deny may have NotAction",
        [allow(ARN), {"Effect": "Deny", "NotAction": "execute-api:ManageConnections", "Resource": "*"}]),
    row("deny of the address", CONDITIONS, "a Deny whose Condition holds denies",
        [allow(ARN), deny(ARN, Condition={"IpAddress": {"aws:SourceIp": "127.0.0.1"}})]),
)  # fmt: skip
def test_a_policy_that_denies(serve, statements):
    assert judged(serve, policy(*statements)) == EXPLICIT_DENY


# ---- what counts as an answer ----


GOOD = policy(allow())


def without(*names):
    return {name: value for name, value in GOOD.items() if name not in names}


@table(
    "answer",
    row("minimal", OUTPUT, "principalId and policyDocument are enough", GOOD),
    row("a statement alone", IAM, "Statement may be one object",
        {"principalId": "user", "policyDocument": {"Version": "2012-10-17", "Statement": allow()}}),
    row("context", OUTPUT, "a context of strings, numbers and booleans is allowed", GOOD | {"context": {"s": "x", "n": 1, "b": True}}),
    row("empty context", OUTPUT, "a context may be empty", GOOD | {"context": {}}),
    row("usageIdentifierKey", OUTPUT, "an answer may have a usageIdentifierKey", GOOD | {"usageIdentifierKey": "key"}),
    row("old version", IAM, "Version 2008-10-17 is a policy's, too",
        {"principalId": "user", "policyDocument": {"Version": "2008-10-17", "Statement": [allow()]}}),
    row("Id", IAM, "a policy may have an Id",
        {"principalId": "user", "policyDocument": {"Version": "2012-10-17", "Id": "x", "Statement": [allow()]}}),
)  # fmt: skip
def test_an_answer_that_counts(serve, answer):
    assert judged(serve, answer) == "in"


@table(
    "answer",
    row("null", FAILURE, "null is no authorizer result", "null"),
    row("not JSON", FAILURE, "text is no authorizer result", "hello"),
    row("a string", MALFORMED, "a string is no authorizer result", '"allow"'),
    row("a number", MALFORMED, "a number is no authorizer result", "1"),
    row("an array", MALFORMED, "an array is no authorizer result", [GOOD]),
    row("an empty object", FAILURE, "an empty object is no authorizer result", {}),
    row("a proxy result", FAILURE, "a proxy result is no authorizer result", {"statusCode": 200}),
    row("a proxy result that denies", FAILURE, "a statusCode of 401 is no authorizer result", {"statusCode": 401, "body": "no"}),
    row("a simple response", Source("API Gateway API reference: simple responses are for HTTP APIs", DOCUMENTED),
        "isAuthorized is no authorizer result", {"isAuthorized": True}),
    row("no principalId", FAILURE, "principalId is required", without("principalId")),
    row("no policy", FAILURE, "policyDocument is required", without("policyDocument")),
    row("null policy", MALFORMED, "a null policyDocument is none", GOOD | {"policyDocument": None}),
    row("a policy as text", MALFORMED, "a policyDocument is an object", GOOD | {"policyDocument": json.dumps(GOOD["policyDocument"])}),
    row("a policy without statements", MALFORMED, "a policy has a Statement", GOOD | {"policyDocument": {"Version": "2012-10-17"}}),
    row("an unknown effect", MALFORMED, "Effect is Allow or Deny", policy({"Effect": "Maybe", "Action": "*", "Resource": "*"})),
    row("no effect", MALFORMED, "a statement has an Effect", policy({"Action": "*", "Resource": "*"})),
    row("no action", MALFORMED, "a statement has an Action", policy({"Effect": "Allow", "Resource": "*"})),
    row("no resource", MALFORMED, "a statement has a Resource", policy({"Effect": "Allow", "Action": "*"})),
    row("an object in the context", Source("API Gateway developer guide: context values are strings, numbers and booleans", INFERRED),
        "an object in the context is a configuration error", GOOD | {"context": {"o": {"k": "v"}}}),
    row("an array in the context", Source("API Gateway developer guide: context values are strings, numbers and booleans", INFERRED),
        "an array in the context is a configuration error", GOOD | {"context": {"a": ["x"]}}),
    row("a context that is text", MALFORMED, "a context is an object", GOOD | {"context": "x"}),
)  # fmt: skip
def test_an_answer_that_is_malformed(serve, answer):
    assert judged(serve, answer) == BROKEN


@table(
    "handler,query_string,expected",
    row("Unauthorized", GUIDE, "the exact error string Unauthorized is a 401", "fail", "?message=Unauthorized", UNAUTHORIZED),
    row("unauthorized", GUIDE, "the string is compared exactly", "fail", "?message=unauthorized", BROKEN),
    row("Unauthorized.", GUIDE, "the string is compared exactly", "fail", "?message=Unauthorized.", BROKEN),
    row("another error", FAILURE, "another error is a 500", "fail", "?message=boom", BROKEN),
    row("an empty error", FAILURE, "another error is a 500", "fail", "?message=", BROKEN),
    row("a crash", FAILURE, "a crash is a 500", "crash", "", BROKEN),
    row("nothing", FAILURE, "no answer is a 500", "none", "", BROKEN),
    row("8 KB", LIMITS, "an answer may have 8 KB", "sized", "?bytes=8192", "in"),
    row("over 8 KB", OVER, "an answer over 8 KB is a 500", "sized", "?bytes=8193", BROKEN),
)
def test_a_function_that_is_no_help(serve, handler, query_string, expected):
    assert outcome(facts.handshake(serve(facts.authorized(handler)), query_string)) == expected


@table(
    "length,expected",
    row("512", LIMITS, "a Resource may have 512 characters", 512, IMPLICIT_DENY),
    row("513", OVER, "a Resource over 512 characters is a 500", 513, BROKEN),
)
def test_the_length_of_a_resource(serve, length, expected):
    resource = "arn:aws:execute-api:".ljust(length, "x")
    assert judged(serve, policy(allow(resource))) == expected


@fact("an authorizer has 10 s to answer: then it is a 500", LIMITS.where, DOCUMENTED)
def test_an_authorizer_that_is_too_slow(serve):
    config = facts.authorized("hang")
    config["functions"]["authorizer"]["timeout"] = 60
    emulator = serve(config)
    stream = facts.hanging_handshake(emulator)
    emulator.advance("9s")
    assert facts.has_said_nothing(stream)
    emulator.advance("1s")
    assert outcome(stream.read_response()) == BROKEN
    stream.close()


@fact("an authorizer function that times out by itself is a 500", FAILURE.where, OBSERVED)
def test_an_authorizer_that_times_out_by_itself(serve):
    config = facts.authorized("hang")
    config["functions"]["authorizer"]["timeout"] = 1
    emulator = serve(config)
    stream = facts.hanging_handshake(emulator)
    emulator.advance("2s")
    assert outcome(stream.read_response()) == BROKEN
    stream.close()


# ---- identity sources ----


def visit(serve, identity_source, query_string="", headers=(), **members):
    """(outcome, was the authorizer asked) of a handshake."""
    emulator = serve(facts.authorized("count", identity_source, **members))
    before = len(emulator.events('"type":"REQUEST"'))
    result = outcome(facts.handshake(emulator, query_string, headers=headers))
    return result, len(emulator.events('"type":"REQUEST"')) > before


HEADER = ["route.request.header.Auth"]
QUERY = ["route.request.querystring.token"]
BOTH = HEADER + QUERY


@table(
    "identity_source,query_string,headers",
    row("no sources", SOURCES, "an authorizer may have no identity sources", [], "", []),
    row("header", SOURCES, "a header that is there is a source", HEADER, "", [("Auth", "x")]),
    row("header without case", Source("header names, as HTTP compares them", INFERRED), "header names are compared without case",
        HEADER, "", [("aUTH", "x")]),
    row("query", SOURCES, "a query parameter that is there is a source", QUERY, "?token=x", []),
    row("both", SOURCES, "all sources are there", BOTH, "?token=x", [("Auth", "y")]),
    row("connection id", SOURCES, "context.connectionId is always there", ["context.connectionId"], "", []),
    row("source address", SOURCES, "context.identity.sourceIp is always there", ["context.identity.sourceIp"], "", []),
    row("route key", SOURCES, "context.routeKey is always there", ["context.routeKey"], "", []),
)  # fmt: skip
def test_identity_sources_that_are_there(serve, identity_source, query_string, headers):
    assert visit(serve, identity_source, query_string, headers) == ("in", True)


@table(
    "identity_source,query_string,headers",
    row("header missing", GUIDE, "a missing header is a 401, without a call", HEADER, "?Auth=x", []),
    row("header empty", GUIDE, "an empty header is a 401, without a call", HEADER, "", [("Auth", "")]),
    row("query missing", GUIDE, "a missing parameter is a 401, without a call", QUERY, "", [("token", "x")]),
    row("query empty", GUIDE, "an empty parameter is a 401, without a call", QUERY, "?token=", []),
    row("query without a value", GUIDE, "a parameter without a value is a 401, without a call", QUERY, "?token", []),
    row("query in another case", Source("parameters, as URLs compare them", INFERRED), "parameters are compared with case", QUERY,
        "?TOKEN=x", []),
    row("one of two: query", GUIDE, "all sources must be there", BOTH, "", [("Auth", "x")]),
    row("one of two: header", GUIDE, "all sources must be there", BOTH, "?token=x", []),
    row("context not there", GUIDE, "a context variable that is not there is a 401", ["context.messageId"], "", []),
    row("user agent not there", GUIDE, "a client without a user agent has no context.identity.userAgent",
        ["context.identity.userAgent"], "", []),
    row("stage variable not there", GUIDE, "a stage variable that is not there is a 401", ["stageVariables.level"], "", []),
)  # fmt: skip
def test_an_identity_source_that_is_missing(serve, identity_source, query_string, headers):
    assert visit(serve, identity_source, query_string, headers) == (UNAUTHORIZED, False)


@fact("a stage variable is an identity source", SOURCES.where, DOCUMENTED)
def test_a_stage_variable_as_source(serve):
    assert visit(serve, ["stageVariables.level"], stageVariables={"level": "test"}) == ("in", True)


# ---- the context ----


def context_of(serve, **members):
    client = serve(ANSWERING).connect(query(answer=GOOD | members))
    return json.loads(client.ask("x"))["requestContext"]["authorizer"]


@table(
    "context,expected",
    row("strings", OUTPUT, "strings of the context are members of the authorizer", {"a": "x", "b": "y"}, {"a": "x", "b": "y"}),
    row("number", Source(OUTPUT.where + " says it of $context; for events inferred", INFERRED), "a number becomes a string", {"n": 1}, {"n": "1"}),
    row("fraction", Source(OUTPUT.where + " says it of $context; for events inferred", INFERRED), "a number becomes a string", {"n": 1.5}, {"n": "1.5"}),
    row("true", Source(OUTPUT.where + " says it of $context; for events inferred", INFERRED), "a boolean becomes a string", {"b": True}, {"b": "true"}),
    row("false", Source(OUTPUT.where + " says it of $context; for events inferred", INFERRED), "a boolean becomes a string", {"b": False}, {"b": "false"}),
    row("empty string", OUTPUT, "an empty string stays one", {"s": ""}, {"s": ""}),
    row("unicode", OUTPUT, "texts survive", {"s": "ä\"\\"}, {"s": "ä\"\\"}),
    row("none", OUTPUT, "without a context there is the principal alone", {}, {}),
)  # fmt: skip
def test_what_the_context_becomes(serve, context, expected):
    assert context_of(serve, context=context) == expected | {"principalId": "user"}


@fact("principalId is what the authorizer said", GUIDE.where, DOCUMENTED)
def test_the_principal(serve):
    assert context_of(serve, principalId="somebody else") == {"principalId": "somebody else"}


# ---- the order of things ----


@fact("an authorizer is asked at every connect: results are not cached", "API Gateway API reference: AuthorizerResultTtlInSeconds is for HTTP APIs", DOCUMENTED)
def test_no_cache(serve):
    emulator = serve(facts.authorized("count", HEADER))
    counts = [
        json.loads(emulator.connect(headers=[("Auth", "same")]).ask("x"))["requestContext"]["authorizer"]["count"] for _ in range(2)
    ]
    assert counts[0] != counts[1]


@fact("an existing connection is not authorized again", GUIDE.where, DOCUMENTED)
def test_messages_are_not_authorized(serve):
    emulator = serve(facts.authorized("count"))
    client = emulator.connect()
    texts = [client.ask("x"), client.ask("y")]
    connection_id = json.loads(texts[0])["requestContext"]["connectionId"]
    assert sum('"type":"REQUEST"' in text for text in emulator.events(connection_id)) == 1


@fact("who is refused by the authorizer never reaches the $connect function", GUIDE.where, DOCUMENTED)
def test_refused_before_connect(serve):
    emulator = serve(facts.authorized("answer"))
    assert facts.handshake(emulator, query(answer=policy(deny()), mark="never-let-in")).status == 403
    assert facts.handshake(emulator, query(answer=GOOD, mark="let-in")).status == 101
    emulator.event("let-in", "CONNECT")
    assert not emulator.events("never-let-in")


@fact("the authorizer is asked even if $connect has no integration", GUIDE.where, INFERRED)
def test_an_authorizer_without_a_connect_function(serve):
    emulator = serve(facts.authorized("answer", routes={"$default": "event"}))
    assert outcome(facts.handshake(emulator, query(answer=policy(deny())))) == EXPLICIT_DENY
    assert outcome(facts.handshake(emulator, query(answer=GOOD))) == "in"


@fact("a $connect function that refuses decides after the authorizer has allowed", GUIDE.where, DOCUMENTED)
def test_connect_decides_after_the_authorizer(serve):
    emulator = serve(facts.authorized("policy_allow", routes={"$connect": "answer", "$default": "event"}))
    assert facts.handshake(emulator, query(answer={"statusCode": 418})).status == 418


@fact("a refusal by an authorizer has the headers of every refusal", REFUSED.where, INFERRED)
def test_the_headers_of_a_refusal(serve):
    response = facts.handshake(serve(ANSWERING), query(answer=policy(deny())))
    assert response.names == ["Date", "Content-Type", "Content-Length", "Connection", "x-amzn-RequestId", "x-amzn-ErrorType", "x-amz-apigw-id"]
    assert re.fullmatch(facts.UUID, response.get("x-amzn-RequestId"))
    assert re.fullmatch(harness.CONNECTION_ID, response.get("x-amz-apigw-id"))
