"""The AWS CLI, as one types it."""

import json
import os
import shutil
import subprocess

import harness
import pytest
import signing

# Debian's package; another one may come first in PATH.
AWS = "/usr/bin/aws" if os.access("/usr/bin/aws", os.X_OK) else shutil.which("aws")


@pytest.fixture
def aws(tmp_path):
    def run(emulator, command, connection_id, *arguments, **env):
        return subprocess.run(
            [AWS, "apigatewaymanagementapi", command, "--connection-id", connection_id, *arguments]
            + ["--endpoint-url", f"http://127.0.0.1:{emulator.port}/{emulator.stage}", "--output", "json"],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
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
