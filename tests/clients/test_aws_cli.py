"""The AWS CLI, as one types it."""

import json
import os
import shutil
import subprocess

import pytest

# Debian's package; another one may come first in PATH.
AWS = "/usr/bin/aws" if os.access("/usr/bin/aws", os.X_OK) else shutil.which("aws")


@pytest.fixture
def aws(emulator, tmp_path):
    def run(command, connection_id, *arguments):
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
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def test_the_aws_cli_posts_gets_and_deletes(aws, emulator):
    client = emulator.connect(headers=[("User-Agent", "browser/1.0")])
    connection_id = emulator.identify(client)

    posted = aws("post-to-connection", connection_id, "--data", "hello", "--cli-binary-format", "raw-in-base64-out")
    assert posted.returncode == 0, posted.stderr
    assert client.receive() == "hello"

    got = aws("get-connection", connection_id)
    assert got.returncode == 0, got.stderr
    assert json.loads(got.stdout)["Identity"] == {"SourceIp": "127.0.0.1", "UserAgent": "browser/1.0"}

    deleted = aws("delete-connection", connection_id)
    assert deleted.returncode == 0, deleted.stderr
    assert client.wait_closed()[0] == 1000


def test_the_aws_cli_says_gone(aws):
    result = aws("get-connection", "AAAAAAAAAAAAAAA=")
    assert result.returncode != 0
    assert "GoneException" in result.stderr
