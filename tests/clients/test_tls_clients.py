"""Clients over wss and https, over IPv4 and IPv6, in the environment that `apigw exec` makes: nothing else is set."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys

import harness
import pytest

HERE = pathlib.Path(__file__).parent
AWS = "/usr/bin/aws" if os.access("/usr/bin/aws", os.X_OK) else shutil.which("aws")
CURL = shutil.which("curl")


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


IPV6 = pytest.param("::1", marks=pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1"))


@pytest.fixture(params=["127.0.0.1", IPV6, "localhost"], name="execute")
def fixture_execute(request, tmp_path):
    """execute(command…): what it printed, under `apigw exec --host HOST`."""

    def execute(*command):
        (tmp_path / "routes.json").write_text(json.dumps(harness.api()))
        trust = ("NODE_EXTRA_CA_CERTS", "AWS_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR")
        environment = harness.environment({**dict.fromkeys(trust), "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": ""})
        result = subprocess.run(
            [str(harness.PROGRAM), "exec", "--host", request.param, str(tmp_path / "routes.json"), "--", *command],
            cwd=HERE,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        assert result.returncode == 0, result.stdout
        return result.stdout

    return execute


def test_ws_and_the_sdk_for_javascript(execute):
    assert (HERE / "node_modules" / "ws").is_dir(), "npm ci has not run in tests/clients; ./dev test does it"
    execute("node", "--test", "js/tls.test.mjs")


PYTHON = """
import json, os, urllib.request
import boto3, websocket

client = websocket.create_connection(os.environ["APIGW_WEBSOCKET_URL"].replace("ws:", "wss:"))
client.send("hello")
assert client.recv() == "hello"
client.send(json.dumps({"action": "whoami"}))
context = json.loads(client.recv())["requestContext"]
backend = boto3.client("apigatewaymanagementapi", endpoint_url=f"https://{context['domainName']}/{context['stage']}")
backend.post_to_connection(ConnectionId=context["connectionId"], Data=b"from boto3")
assert client.recv() == "from boto3"
assert backend.get_connection(ConnectionId=context["connectionId"])["Identity"]["SourceIp"] in ("127.0.0.1", "::1")
functions = boto3.client("lambda", endpoint_url=os.environ["AWS_ENDPOINT_URL_LAMBDA"].replace("http:", "https:"))
assert functions.invoke(FunctionName="echo", InvocationType="DryRun")["StatusCode"] == 204
try:
    urllib.request.urlopen(os.environ["APIGW_ENDPOINT"].replace("http:", "https:"))
except urllib.error.HTTPError as error:
    assert error.code == 426
backend.delete_connection(ConnectionId=context["connectionId"])
print("all went well")
"""


def test_boto3_websocket_client_and_urllib(execute):
    assert "all went well" in execute(sys.executable, "-c", PYTHON)


def test_the_aws_cli(execute):
    script = (
        'exec "$0" apigatewaymanagementapi get-connection --connection-id AAAAAAAAAAAAAAA= '
        '--endpoint-url "https${APIGW_ENDPOINT#http}" 2>&1 | grep -E "GoneException|Invalid endpoint"'
    )
    printed = execute("sh", "-c", script, AWS)
    if "Invalid endpoint: https://[" in printed:
        pytest.skip("this AWS CLI takes no IPv6 address for an endpoint, not over http either")
    assert "GoneException" in printed


@pytest.mark.skipif(not CURL, reason="there is no curl")
def test_curl(execute):
    script = 'exec curl -sS -o /dev/null -w "%{http_code} verified: %{ssl_verify_result}" "https${APIGW_ENDPOINT#http}"'
    assert "426 verified: 0" in execute("sh", "-c", script)


@pytest.mark.skipif(not CURL, reason="there is no curl")
def test_curl_by_a_name_as_apis_have_it(execute):
    """curl takes whatever ends in .localhost for this machine, so that it is the certificate alone that is tried."""
    script = (
        'PORT=${APIGW_ENDPOINT##*:}; exec curl -sS -o /dev/null -w "verified: %{ssl_verify_result}" '
        '"https://any.execute-api.us-east-1.localhost:${PORT%%/*}/dev"'
    )
    assert "verified: 0" in execute("sh", "-c", script)
