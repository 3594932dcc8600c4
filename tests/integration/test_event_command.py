"""`apigw event`: events as AWS would send them."""

import json
import re
import subprocess

import harness
import pytest

KINDS = ("connect", "message", "disconnect", "authorizer")

AWS_HOST = r"[a-z0-9]{10}\.execute-api\.us-east-1\.amazonaws\.com"


def event(*arguments, cwd=None, stdin=None):
    result = subprocess.run(
        [str(harness.PROGRAM), "event", *map(str, arguments)],
        cwd=cwd,
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return result


def document(*arguments, cwd, **options):
    result = event(*arguments, cwd=cwd, **options)
    assert (result.returncode, result.stderr) == (0, ""), result.stderr
    assert result.stdout.count("\n") == 1
    return json.loads(result.stdout)


def refusal(*arguments, cwd):
    result = event(*arguments, cwd=cwd)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.endswith("Try 'apigw event --help'.\n")
    return result.stderr.splitlines()[0].removeprefix("apigw event: ")


def write(folder, config, name="routes.json"):
    (folder / name).write_text(json.dumps(config))


def shape(value):
    """A document without its values: what there is, in which order."""
    if isinstance(value, dict):
        return [(key, shape(member)) for key, member in value.items()]
    return type(value).__name__


# ---- the documents ----


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_one_line_of_json_with_new_ids(tmp_path, kind):
    first, second = (document(kind, cwd=tmp_path)["requestContext"] for _ in range(2))
    assert re.fullmatch(harness.CONNECTION_ID, first["connectionId"])
    assert first["connectionId"] != second["connectionId"]
    assert first["requestId"] == first["extendedRequestId"] != second["requestId"]


def test_the_types_are_those_of_the_names(tmp_path):
    context = {kind: document(kind, cwd=tmp_path)["requestContext"] for kind in KINDS}
    assert [context[kind]["eventType"] for kind in KINDS] == ["CONNECT", "MESSAGE", "DISCONNECT", "CONNECT"]
    assert [context[kind]["routeKey"] for kind in KINDS] == ["$connect", "$default", "$disconnect", "$connect"]


def test_a_message_has_the_members_that_a_clients_has(tmp_path, start):
    config = harness.api(stageVariables={"level": "test"})
    write(tmp_path, config)
    received = json.loads(start(config).connect().ask('{"action":"whoami"}'))
    made = document("message", "--body", '{"action":"whoami"}', cwd=tmp_path)
    assert shape(made) == shape(received)
    for member in ("routeKey", "stage", "apiId"):
        assert made["requestContext"][member] == received["requestContext"][member]
    assert (made["body"], made["stageVariables"]) == (received["body"], received["stageVariables"])


def test_a_connect_and_a_disconnect_have_the_members_that_clients_have(tmp_path, start, events):
    config = harness.api({"$connect": "event", "$disconnect": "event"}, {"event": events.function})
    write(tmp_path, config)
    start(config).connect().close()
    for kind in ("connect", "disconnect"):
        (received,) = events.wait(kind.upper())
        assert shape(document(kind, cwd=tmp_path)) == shape(json.loads(received)), kind


def test_it_looks_as_on_aws(tmp_path):
    made = document("connect", cwd=tmp_path)
    host = made["requestContext"]["domainName"]
    assert re.fullmatch(AWS_HOST, host)
    assert (made["headers"]["Host"], made["headers"]["X-Forwarded-Proto"], made["headers"]["X-Forwarded-Port"]) == (
        host,
        "https",
        "443",
    )


def test_an_authorizers_event_names_what_it_must_allow(tmp_path):
    write(tmp_path, harness.api(stage="prod", name="shop"))
    made = document("authorizer", cwd=tmp_path)
    api_id = made["requestContext"]["apiId"]
    assert made["type"] == "REQUEST"
    assert made["methodArn"] == f"arn:aws:execute-api:us-east-1:123456789012:{api_id}/prod/$connect"
    assert (made["headers"]["Connection"], made["headers"]["Upgrade"]) == ("upgrade", "websocket")


def test_a_disconnect_says_why(tmp_path):
    context = document("disconnect", cwd=tmp_path)["requestContext"]
    assert (context["disconnectStatusCode"], context["disconnectReason"]) == (1005, "Client-side close frame status not set")


# ---- the configuration ----


def test_without_a_configuration_there_is_an_api_of_its_own(tmp_path):
    assert document("message", cwd=tmp_path)["requestContext"]["stage"] == "dev"


def test_the_route_is_the_one_that_the_message_takes(tmp_path):
    write(tmp_path, harness.api(), "api.json")
    for body, route in (('{"action":"whoami"}', "whoami"), ('{"action":"x"}', "$default"), ("no JSON", "$default")):
        made = document("message", "--body", body, "api.json", cwd=tmp_path)
        assert (made["requestContext"]["routeKey"], made["body"]) == (route, body)


def test_a_message_that_no_handler_would_get_is_said(tmp_path):
    write(tmp_path, harness.api({"join": "echo"}))
    result = event("message", "--body", '{"action":"jion"}', cwd=tmp_path)
    assert result.returncode == 0
    assert json.loads(result.stdout)["requestContext"]["routeKey"] == "$default"
    assert "no handler would get this message" in result.stderr
    assert 'did you mean "join"?' in result.stderr


def test_plugins_need_not_be_built(tmp_path):
    config = harness.api()
    for function in config["functions"].values():
        function["plugin"] = "not-built-yet.so"
    write(tmp_path, config)
    assert document("message", cwd=tmp_path)


def test_an_error_in_the_configuration_is_shown(tmp_path):
    (tmp_path / "routes.json").write_text("{")
    result = event("message", cwd=tmp_path)
    assert result.returncode == 2
    assert "routes.json:1:" in result.stderr


def test_a_configuration_that_was_named_must_be_there(tmp_path):
    result = event("message", "missing.json", cwd=tmp_path)
    assert result.returncode == 2
    assert "missing.json" in result.stderr


# ---- the body ----


@pytest.mark.parametrize("body", ["", "hi", 'say "hi"\n\t\\', "hä \U0001f600", "x" * 131072], ids=range(5))
def test_the_body_is_what_was_given(tmp_path, body):
    (tmp_path / "body").write_text(body)
    assert document("message", "--body", "@body", cwd=tmp_path)["body"] == body
    assert document("message", "--body", "@-", cwd=tmp_path, stdin=body)["body"] == body
    if len(body) < 1000:
        assert document("message", f"--body={body}", cwd=tmp_path)["body"] == body


def test_without_one_the_body_is_hello(tmp_path):
    assert document("message", cwd=tmp_path)["body"] == "hello"


def test_a_body_that_aws_would_not_take_is_refused(tmp_path):
    (tmp_path / "large").write_text("x" * 131073)
    (tmp_path / "binary").write_bytes(b"ab\xff")
    assert refusal("message", "--body", "@large", cwd=tmp_path) == "--body: large has more than 131072 bytes"
    assert refusal("message", "--body", "@binary", cwd=tmp_path) == "--body: a message is UTF-8, and byte 3 is not"
    assert refusal("message", "--body", "@missing", cwd=tmp_path) == "--body: missing: No such file or directory"
    assert refusal("connect", "--body", "x", cwd=tmp_path) == "a connect event has no body"


# ---- setting values ----


def test_values_are_set(tmp_path):
    made = document(
        "connect",
        "--set=headers.Auth=secret",
        "--set",
        "queryStringParameters.room=7",
        "--set",
        "requestContext.connectionId=abc",
        "--set",
        "requestContext.connectedAt=5",
        "--set",
        "requestContext.authorizer.admin=true",
        "--set",
        "requestContext.identity.userAgent=browser/1.0",
        "--set",
        "requestContext.stage:=null",
        cwd=tmp_path,
    )
    assert (made["headers"]["Auth"], made["multiValueHeaders"]["Auth"]) == ("secret", ["secret"])
    assert list(made["headers"])[:2] == ["Auth", "Host"]
    assert (made["queryStringParameters"], made["multiValueQueryStringParameters"]) == ({"room": "7"}, {"room": ["7"]})
    context = made["requestContext"]
    assert (context["connectionId"], context["connectedAt"], context["stage"]) == ("abc", 5, None)
    assert context["authorizer"] == {"admin": True}
    assert list(context["identity"].items())[0] == ("userAgent", "browser/1.0")


def test_the_last_setting_of_a_path_counts(tmp_path):
    made = document("message", "--set", "body=a", "--set", "body=b", cwd=tmp_path)
    assert made["body"] == "b"


@pytest.mark.parametrize(
    "kind,setting,why",
    [
        ("message", "connectionId=x", "a message event has no connectionId; did you mean requestContext.connectionId?"),
        ("message", "bdy=x", "a message event has no bdy; did you mean body?"),
        ("connect", "header.Auth=x", "a connect event has no header.Auth; did you mean headers.Auth?"),
        ("message", "headers.Auth=x", "a message event has no headers.Auth, only connect, disconnect and authorizer events do"),
        ("message", "body", "what is set is written PATH=VALUE, not 'body'"),
    ],
)
def test_a_path_that_the_event_does_not_have_is_explained(tmp_path, kind, setting, why):
    assert refusal(kind, "--set", setting, cwd=tmp_path) == f"--set: {why}"


# ---- the command line ----


@pytest.mark.parametrize(
    "arguments,why",
    [
        ([], "which event? connect, message, disconnect or authorizer"),
        (["mesage"], "there is no event 'mesage'; did you mean 'message'?"),
        (["zzz"], "there is no event 'zzz': it is connect, message, disconnect or authorizer"),
        (["message", "a.json", "b.json"], "one CONFIG is enough; 'b.json' is another"),
        (["message", "--bdy", "x"], "there is no option '--bdy'"),
        (["message", "--body"], "--body needs a value"),
    ],
)
def test_a_wrong_command_line_is_explained(tmp_path, arguments, why):
    assert refusal(*arguments, cwd=tmp_path) == why


def test_options_may_stand_anywhere(tmp_path):
    write(tmp_path, harness.api(stage="prod"), "api.json")
    for arguments in (["--body", "x", "message", "api.json"], ["message", "api.json", "--body", "x"]):
        made = document(*arguments, cwd=tmp_path)
        assert (made["body"], made["requestContext"]["stage"]) == ("x", "prod")
