"""What AWS's control plane takes and refuses, as `apigw check` judges it."""

import json

import facts
import harness
from facts import DOCUMENTED, OBSERVED, Source, row, table

STAGES = Source("API Gateway developer guide, apigateway-set-up-websocket-deployment", DOCUMENTED)
LIMITS = Source("API Gateway developer guide, limits of WebSocket APIs", DOCUMENTED)
ROUTES = Source("API Gateway developer guide, websocket-api-develop-routes", DOCUMENTED)
VARIABLES = Source("API Gateway developer guide, limits: stage variables", DOCUMENTED)
EXPRESSIONS = Source("API Gateway developer guide, apigateway-websocket-api-selection-expressions", DOCUMENTED)
VALIDATED = Source("AWS-validated tests of LocalStack", OBSERVED)
CREATE_AUTHORIZER = Source("API Gateway API reference, CreateAuthorizer", DOCUMENTED)
LAMBDA = Source("Lambda API reference, CreateFunction", DOCUMENTED)
RESERVED = Source("Lambda developer guide, reserved environment variables", DOCUMENTED)
NO_DEFAULT_STAGE = Source("localstack/localstack#9649; terraform-aws-apigateway-v2#7", OBSERVED)
NO_ROUTE = Source("serverless-application-model#2512: no routes, no deployment", OBSERVED)


def checked(tmp_path, config):
    path = tmp_path / "routes.json"
    path.write_text(json.dumps(config))
    return harness.run("check", path).returncode == 0


def plain(**members):
    return facts.api({"$default": "echo"}, **members)


def function(**members):
    return facts.api({"$default": "echo"}, {"echo": members})


def routes(*keys):
    return facts.api(dict.fromkeys(keys, "echo"))


def authorizers(count, source=()):
    config = facts.authorized("answer", source)
    config["authorizers"] |= {f"more {number}": {"function": "authorizer"} for number in range(count - 1)}
    return config


def on_route(key, **members):
    config = facts.authorized("answer")
    config["routes"][key] = {"function": "event", **members}
    return config


@table(
    "config",
    row("stage with all kinds", STAGES, "a stage has letters, digits, - and _", plain(stage="Dev-1_x")),
    row("stage of 128", STAGES, "a stage has up to 128 characters", plain(stage="x" * 128)),
    row("300 routes", LIMITS, "an API has up to 300 routes", routes("$default", *(f"r{number}" for number in range(298)))),
    row("static expression", EXPRESSIONS, "an expression may be static", plain(routeSelectionExpression="action")),
    row("escaped expression", EXPRESSIONS, "an expression may be \\$default", plain(routeSelectionExpression="\\$default")),
    row("braces", EXPRESSIONS, "an expression may have braces", plain(routeSelectionExpression="${request.body.a}/${request.body.b}")),
    row("100 stage variables", VARIABLES, "a stage has up to 100 variables", plain(stageVariables={f"v{number}": "x" for number in range(100)})),
    row("variable's name of 64", VARIABLES, "a stage variable's name has up to 64 characters", plain(stageVariables={"v" * 64: "x"})),
    row("variable's value of 512", VARIABLES, "a stage variable's value has up to 512 characters", plain(stageVariables={"v": "x" * 512})),
    row("10 authorizers", LIMITS, "an API has up to 10 authorizers", authorizers(10)),
    row("header source", CREATE_AUTHORIZER, "route.request.header.X is an identity source", authorizers(1, ["route.request.header.X"])),
    row("query source", CREATE_AUTHORIZER, "route.request.querystring.x is an identity source", authorizers(1, ["route.request.querystring.x"])),
    row("context source", CREATE_AUTHORIZER, "context.x is an identity source", authorizers(1, ["context.identity.sourceIp"])),
    row("variable source", CREATE_AUTHORIZER, "stageVariables.x is an identity source", authorizers(1, ["stageVariables.x"])),
    row("key in the header", EXPRESSIONS, "keys may come from x-api-key", plain(apiKeySelectionExpression="$request.header.x-api-key")),
    row("key of the authorizer", EXPRESSIONS, "keys may come from the authorizer",
        plain(apiKeySelectionExpression="$context.authorizer.usageIdentifierKey")),
    row("timeout 900", LAMBDA, "a function has up to 900 s", function(timeout=900)),
    row("timeout 1", LAMBDA, "a function has at least 1 s", function(timeout=1)),
    row("memory 10240", LAMBDA, "a function has up to 10240 MB", function(memorySize=10240)),
    row("memory 128", LAMBDA, "a function has at least 128 MB", function(memorySize=128)),
    row("own variable", LAMBDA, "a function has variables of its own", function(environment={"ROOM": "x"})),
    row("NONE elsewhere", ROUTES, "authorizationType NONE is allowed everywhere", on_route("chat", authorizationType="NONE")),
)  # fmt: skip
def test_what_aws_takes(tmp_path, config):
    assert checked(tmp_path, config)


@table(
    "config",
    row("stage with a dot", STAGES, "a stage has letters, digits, - and _ only", plain(stage="v1.0")),
    row("stage with a slash", STAGES, "a stage has letters, digits, - and _ only", plain(stage="a/b")),
    row("stage of 129", STAGES, "a stage has up to 128 characters", plain(stage="x" * 129)),
    row("empty stage", STAGES, "a stage has a name", plain(stage="")),
    row("$default stage", NO_DEFAULT_STAGE, "a WebSocket API has no $default stage", plain(stage="$default")),
    row("301 routes", LIMITS, "an API has up to 300 routes", routes("$default", *(f"r{number}" for number in range(299)))),
    row("no route", NO_ROUTE, "an API has a route", {**plain(), "routes": {}}),
    row("$mine", ROUTES, "a key of one's own does not begin with $", routes("$default", "$mine")),
    row("$Connect", ROUTES, "the reserved keys are written exactly so", routes("$default", "$Connect")),
    row("header in the expression", EXPRESSIONS, "a route's expression has request.body only", plain(routeSelectionExpression="$request.header.x")),
    row("context in the expression", EXPRESSIONS, "a route's expression has request.body only", plain(routeSelectionExpression="$context.connectionId")),
    row("no expression", Source("API Gateway API reference, CreateApi", DOCUMENTED), "a WebSocket API needs an expression",
        {name: value for name, value in plain().items() if name != "routeSelectionExpression"}),
    row("101 stage variables", VARIABLES, "a stage has up to 100 variables", plain(stageVariables={f"v{number}": "x" for number in range(101)})),
    row("variable's name of 65", VARIABLES, "a stage variable's name has up to 64 characters", plain(stageVariables={"v" * 65: "x"})),
    row("variable's value of 513", VARIABLES, "a stage variable's value has up to 512 characters", plain(stageVariables={"v": "x" * 513})),
    row("11 authorizers", LIMITS, "an API has up to 10 authorizers", authorizers(11)),
    row("CUSTOM on $disconnect", VALIDATED, "an authorizer on $disconnect is refused",
        on_route("$disconnect", authorizationType="CUSTOM", authorizer="gatekeeper")),
    row("CUSTOM on a route", VALIDATED, "only $connect is authorized", on_route("chat", authorizationType="CUSTOM", authorizer="gatekeeper")),
    row("AWS_IAM on a route", VALIDATED, "only $connect is authorized", on_route("chat", authorizationType="AWS_IAM")),
    row("JWT", Source("API Gateway API reference: JWT is for HTTP APIs", DOCUMENTED), "JWT is no authorization of WebSocket APIs",
        on_route("$connect", authorizationType="JWT")),
    row("HTTP API's source", VALIDATED, "$request.header.X is no identity source here", authorizers(1, ["$request.header.X"])),
    row("source without a name", CREATE_AUTHORIZER, "an identity source has a name", authorizers(1, ["route.request.header."])),
    row("body source", CREATE_AUTHORIZER, "a body is no identity source", authorizers(1, ["route.request.body.x"])),
    row("another key expression", EXPRESSIONS, "keys come from x-api-key or the authorizer", plain(apiKeySelectionExpression="$request.header.key")),
    row("timeout 901", LAMBDA, "a function has up to 900 s", function(timeout=901)),
    row("timeout 0", LAMBDA, "a function has at least 1 s", function(timeout=0)),
    row("memory 10241", LAMBDA, "a function has up to 10240 MB", function(memorySize=10241)),
    row("memory 127", LAMBDA, "a function has at least 128 MB", function(memorySize=127)),
    row("AWS_REGION", RESERVED, "AWS_REGION cannot be set", function(environment={"AWS_REGION": "x"})),
    row("_HANDLER", RESERVED, "_HANDLER cannot be set", function(environment={"_HANDLER": "x"})),
    row("AWS_LAMBDA_FUNCTION_NAME", RESERVED, "AWS_LAMBDA_FUNCTION_NAME cannot be set", function(environment={"AWS_LAMBDA_FUNCTION_NAME": "x"})),
    row("over 4 KB of variables", Source("Lambda developer guide, quotas", DOCUMENTED), "variables have 4 KB in all", function(environment={"LONG": "x" * 5000})),
)  # fmt: skip
def test_what_aws_refuses(tmp_path, config):
    assert not checked(tmp_path, config)
