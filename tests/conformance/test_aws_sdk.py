"""What botocore makes of the answers: the exceptions and values that programs are written for."""

import datetime

import boto3
import botocore.config
import botocore.exceptions
import facts
import pytest
from facts import DOCUMENTED, OBSERVED, Source, fact, row, table

SDK = Source("botocore 1.43 against AWS's recorded answers", OBSERVED)
MODEL = Source("ApiGatewayManagementApi 2018-11-29, service model", DOCUMENTED)

UNKNOWN_ID = "AAAAAAAAAAAAAAA="
CONFIG = facts.api({"$default": "echo"})


def backend(emulator, stage="dev", retries=0):
    return boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=f"http://127.0.0.1:{emulator.port}/{stage}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=botocore.config.Config(retries={"max_attempts": retries}),
    )


@pytest.fixture
def emulator(serve):
    return serve(CONFIG)


@pytest.fixture
def client(emulator):
    return emulator.connect(headers=[("User-Agent", "browser/1.0")])


CALLS = {
    "post": lambda sdk, connection_id: sdk.post_to_connection(ConnectionId=connection_id, Data=b"x"),
    "get": lambda sdk, connection_id: sdk.get_connection(ConnectionId=connection_id),
    "delete": lambda sdk, connection_id: sdk.delete_connection(ConnectionId=connection_id),
}


def failure(call):
    """(exception's class, code, message, status) of a call that fails."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call()
    response = caught.value.response
    error = response["Error"]
    return type(caught.value).__name__, error["Code"], error["Message"], response["ResponseMetadata"]["HTTPStatusCode"]


@table(
    "name,status",
    row("post", MODEL, "post_to_connection answers 200", "post", 200),
    row("get", MODEL, "get_connection answers 200", "get", 200),
    row("delete", MODEL, "delete_connection answers 204", "delete", 204),
)
def test_a_call_succeeds(emulator, client, name, status):
    reply = CALLS[name](backend(emulator), emulator.identify(client))
    assert reply["ResponseMetadata"]["HTTPStatusCode"] == status


@table("name", *(row(name, SDK, f"a 410 of {name} is a GoneException with an empty message", name) for name in CALLS))
def test_gone(emulator, name):
    found = failure(lambda: CALLS[name](backend(emulator), UNKNOWN_ID))
    assert found == ("GoneException", "GoneException", "", 410)


@table("name", *(row(name, SDK, f"a 400 of {name} is a ClientError with the code BadRequestException", name) for name in CALLS))
def test_a_malformed_id(emulator, name):
    found = failure(lambda: CALLS[name](backend(emulator), "short"))
    assert found == ("ClientError", "BadRequestException", "Invalid connectionId: short", 400)


@fact("a 403 is a ForbiddenException", SDK.where, OBSERVED)
def test_forbidden(emulator):
    found = failure(lambda: CALLS["post"](backend(emulator, "prod"), UNKNOWN_ID))
    assert found == ("ForbiddenException", "ForbiddenException", "Forbidden", 403)


@fact("a 413 is a PayloadTooLargeException", SDK.where, OBSERVED)
def test_too_large(emulator, client):
    connection_id = emulator.identify(client)
    found = failure(lambda: backend(emulator).post_to_connection(ConnectionId=connection_id, Data=b"x" * 131073))
    assert found[:2] + found[3:] == ("PayloadTooLargeException", "PayloadTooLargeException", 413)


@fact("a 429 is a LimitExceededException", SDK.where, OBSERVED)
def test_limit_exceeded(serve):
    emulator = serve(facts.api({"$default": "echo"}, name="limited", rules={"account-throttle": 1, "account-burst": 0}))
    found = failure(lambda: CALLS["post"](backend(emulator), UNKNOWN_ID))
    assert found[:2] + found[3:] == ("LimitExceededException", "LimitExceededException", 429)


@fact("botocore retries a 429", SDK.where, OBSERVED)
def test_limit_exceeded_is_retried(serve):
    emulator = serve(facts.api({"$default": "echo"}, name="retried", rules={"account-throttle": 1, "account-burst": 0}))
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        CALLS["post"](backend(emulator, retries=1), UNKNOWN_ID)
    assert caught.value.response["ResponseMetadata"]["RetryAttempts"] == 1


@fact("the times of get_connection are times", SDK.where, OBSERVED)
def test_times(emulator, client):
    reply = CALLS["get"](backend(emulator), emulator.identify(client))
    assert isinstance(reply["ConnectedAt"], datetime.datetime) and reply["ConnectedAt"] <= reply["LastActiveAt"]


@fact("Identity has SourceIp and UserAgent", MODEL.where, DOCUMENTED)
def test_identity(emulator, client):
    reply = CALLS["get"](backend(emulator), emulator.identify(client))
    assert reply["Identity"] == {"SourceIp": "127.0.0.1", "UserAgent": "browser/1.0"}


@fact("the request id is that of x-amzn-RequestId", SDK.where, OBSERVED)
def test_the_request_id(emulator, client):
    metadata = CALLS["get"](backend(emulator), emulator.identify(client))["ResponseMetadata"]
    assert metadata["RequestId"] == metadata["HTTPHeaders"]["x-amzn-requestid"]
