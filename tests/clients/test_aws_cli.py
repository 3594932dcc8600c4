"""The AWS CLI, as one types it."""

import base64
import json
import os
import shutil
import subprocess

import harness
import pytest
import signing

# Debian's package; another one may come first in PATH.
AWS = "/usr/bin/aws" if os.access("/usr/bin/aws", os.X_OK) else shutil.which("aws")


def run_aws(home, *arguments, **env):
    return subprocess.run(
        [AWS, *arguments, "--output", "json"],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
            **env,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def aws(tmp_path):
    def run(emulator, command, connection_id, *arguments, **env):
        operation = ("apigatewaymanagementapi", command, "--connection-id", connection_id)
        endpoint = f"http://127.0.0.1:{emulator.port}/{emulator.stage}"
        return run_aws(tmp_path, *operation, *arguments, "--endpoint-url", endpoint, **env)

    return run


@pytest.fixture
def invoke(start, tmp_path):
    emulator = start(harness.api(functions={"fail": {}, "print": {}}))

    def run(function, *arguments):
        """What the CLI says, and the payload that it wrote."""
        operation = ("lambda", "invoke", "--function-name", function)
        endpoint = f"http://127.0.0.1:{emulator.port}"
        payload = tmp_path / "payload"
        result = run_aws(tmp_path, *operation, *arguments, "--endpoint-url", endpoint, str(payload))
        return result, payload.read_text() if payload.exists() else None

    return run


def post(aws, emulator, connection_id, **env):
    data = ("--data", "hello", "--cli-binary-format", "raw-in-base64-out")
    return aws(emulator, "post-to-connection", connection_id, *data, **env)


def test_the_aws_cli_posts_gets_and_deletes(aws, emulator):
    client = emulator.connect(headers=[("User-Agent", "browser/1.0")])
    connection_id = emulator.identify(client)

    posted = post(aws, emulator, connection_id)
    assert posted.returncode == 0, posted.stderr
    assert client.receive() == "hello"

    got = aws(emulator, "get-connection", connection_id)
    assert got.returncode == 0, got.stderr
    assert json.loads(got.stdout)["Identity"] == {"SourceIp": "127.0.0.1", "UserAgent": "browser/1.0"}

    deleted = aws(emulator, "delete-connection", connection_id)
    assert deleted.returncode == 0, deleted.stderr
    assert client.wait_closed()[0] == 1000


def test_the_aws_cli_says_gone(aws, emulator):
    result = aws(emulator, "get-connection", "AAAAAAAAAAAAAAA=")
    assert result.returncode != 0
    assert "GoneException" in result.stderr


# ---- with IAM ----

ALICE = {"AWS_ACCESS_KEY_ID": signing.KEY_ID, "AWS_SECRET_ACCESS_KEY": signing.SECRET}


def test_the_aws_cli_signs_what_iam_wants(aws, start):
    emulator = start(harness.api(iam=signing.iam(connections=True)))
    client = emulator.connect()
    connection_id = emulator.identify(client)
    posted = post(aws, emulator, connection_id, **ALICE)
    assert posted.returncode == 0, posted.stderr
    assert client.receive() == "hello"
    got = aws(emulator, "get-connection", connection_id, **ALICE)
    assert got.returncode == 0, got.stderr
    deleted = aws(emulator, "delete-connection", connection_id, **ALICE)
    assert deleted.returncode == 0, deleted.stderr
    assert client.wait_closed()[0] == 1000
    assert "GoneException" in post(aws, emulator, connection_id, **ALICE).stderr


def test_the_aws_cli_sends_a_session_token(aws, start):
    emulator = start(harness.api(iam=signing.iam(connections=True, sessionToken=signing.TOKEN)))
    client = emulator.connect()
    posted = post(aws, emulator, emulator.identify(client), **ALICE, AWS_SESSION_TOKEN=signing.TOKEN)
    assert posted.returncode == 0, posted.stderr
    assert client.receive() == "hello"


WRONG = {
    "another secret": ({"AWS_SECRET_ACCESS_KEY": "other"}, "InvalidSignatureException"),
    "an unknown key": ({"AWS_ACCESS_KEY_ID": "AKIDOTHER"}, "UnrecognizedClientException"),
    "another region": ({"AWS_DEFAULT_REGION": "eu-west-1"}, "InvalidSignatureException"),
    "a session token": ({"AWS_SESSION_TOKEN": "other"}, "UnrecognizedClientException"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_the_aws_cli_shows_what_is_wrong_with(aws, start, kind):
    env, error_type = WRONG[kind]
    emulator = start(harness.api(iam=signing.iam(connections=True)))
    result = post(aws, emulator, "AAAAAAAAAAAAAAA=", **{**ALICE, **env})
    assert result.returncode != 0
    assert error_type in result.stderr


def test_the_aws_cli_shows_who_may_not(aws, start):
    policy = {"Version": "2012-10-17", "Statement": []}
    emulator = start(harness.api(iam=signing.iam(connections=True, policy=policy)))
    result = post(aws, emulator, "AAAAAAAAAAAAAAA=", **ALICE)
    assert result.returncode != 0
    assert "AccessDeniedException" in result.stderr
    assert "user/alice is not authorized to perform: execute-api:ManageConnections" in result.stderr


def event(body):
    document = json.dumps({"requestContext": {"eventType": "MESSAGE"}, "body": body})
    return ("--payload", document, "--cli-binary-format", "raw-in-base64-out")


def test_the_aws_cli_invokes_a_function(invoke):
    result, payload = invoke("echo", *event("hello"))
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == {"StatusCode": 200, "ExecutedVersion": "$LATEST"}
    assert payload == '{"statusCode":200,"body":"hello"}'


def test_the_aws_cli_shows_the_log_and_the_error_of_a_function(invoke):
    result, payload = invoke("fail", "--log-type", "Tail", *event("broken"))
    assert result.returncode == 0, result.stderr
    said = json.loads(result.stdout)
    assert said["FunctionError"] == "Unhandled"
    assert payload == '{"errorType":"SuiteError","errorMessage":"broken"}'
    lines = base64.b64decode(said["LogResult"]).decode().splitlines()
    assert lines[0].startswith("START RequestId: ")
    assert lines[-1].startswith("REPORT RequestId: ")


def test_the_aws_cli_invokes_asynchronously_and_in_a_dry_run(invoke):
    result, payload = invoke("echo", "--invocation-type", "Event", *event("x"))
    assert (json.loads(result.stdout), payload) == ({"StatusCode": 202}, "")
    result, _ = invoke("echo", "--invocation-type", "DryRun", *event("x"))
    assert json.loads(result.stdout) == {"StatusCode": 204}


def test_the_aws_cli_says_what_function_there_is_not(invoke):
    result, _ = invoke("nope")
    assert result.returncode != 0
    assert "ResourceNotFoundException" in result.stderr
    assert "Function not found: arn:aws:lambda:us-east-1:123456789012:function:nope:$LATEST" in result.stderr
