"""boto3 and websocket-client, as Debian has them."""

import base64
import json

import boto3
import botocore.config
import botocore.exceptions
import harness
import pytest
import signing
import websocket


def backend_of(emulator, key_id="test", secret="test", token=None):
    return boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=f"http://127.0.0.1:{emulator.port}/{emulator.stage}",
        region_name="us-east-1",
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=botocore.config.Config(retries={"max_attempts": 0}),
    )


@pytest.fixture
def backend(emulator):
    return backend_of(emulator)


@pytest.fixture
def client(emulator):
    return emulator.connect(headers=[("User-Agent", "browser/1.0")])


@pytest.fixture
def connection_id(emulator, client):
    return emulator.identify(client)


def test_boto3_posts(backend, client, connection_id):
    reply = backend.post_to_connection(ConnectionId=connection_id, Data=b"from boto3")
    assert reply["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert client.receive() == "from boto3"


def test_boto3_gets(backend, connection_id):
    reply = backend.get_connection(ConnectionId=connection_id)
    assert reply["Identity"] == {"SourceIp": "127.0.0.1", "UserAgent": "browser/1.0"}
    assert reply["ConnectedAt"] <= reply["LastActiveAt"]


def test_boto3_deletes(backend, client, connection_id):
    reply = backend.delete_connection(ConnectionId=connection_id)
    assert reply["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert client.wait_closed() == (1000, "Connection Closed Normally")


def test_boto3_raises_gone(backend, client, connection_id):
    backend.delete_connection(ConnectionId=connection_id)
    client.wait_closed()
    with pytest.raises(backend.exceptions.GoneException):
        backend.post_to_connection(ConnectionId=connection_id, Data=b"late")
    with pytest.raises(backend.exceptions.GoneException):
        backend.get_connection(ConnectionId=connection_id)
    with pytest.raises(backend.exceptions.GoneException):
        backend.delete_connection(ConnectionId=connection_id)


def test_boto3_raises_payload_too_large(backend, connection_id):
    with pytest.raises(backend.exceptions.PayloadTooLargeException):
        backend.post_to_connection(ConnectionId=connection_id, Data=b"x" * 131073)


def test_boto3_raises_limit_exceeded_for_a_client_that_does_not_read(backend, emulator):
    blocked = emulator.connect(receive_buffer=4096)
    blocked_id = emulator.identify(blocked)
    with pytest.raises(backend.exceptions.LimitExceededException):
        for _ in range(400):
            backend.post_to_connection(ConnectionId=blocked_id, Data=b"x" * 65536)


def test_boto3_shows_the_words_of_a_bad_request(backend):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        backend.post_to_connection(ConnectionId="short", Data=b"x")
    error = caught.value.response["Error"]
    assert (error["Code"], error["Message"]) == ("BadRequestException", "Invalid connectionId: short")


def test_websocket_client_talks(emulator):
    client = websocket.create_connection(emulator.ready["websocket"], timeout=20)
    client.send("hello")
    assert client.recv() == "hello"
    client.send("x" * 32768)
    assert client.recv() == "x" * 32768
    client.close()


def test_websocket_client_gets_the_subprotocol_that_connect_chose(start):
    emulator = start(harness.api({"$connect": "status", "$default": "echo"}))
    url = emulator.ready["websocket"] + "?status=200&protocol=chat"
    client = websocket.create_connection(url, timeout=20, subprotocols=["other", "chat"])
    assert client.getsubprotocol() == "chat"
    client.close()


def test_websocket_client_gives_up_when_connect_chose_no_subprotocol(emulator):
    with pytest.raises(websocket.WebSocketException):
        websocket.create_connection(emulator.ready["websocket"], timeout=20, subprotocols=["chat"])


# ---- with IAM ----


@pytest.fixture
def guarded(start):
    connect = {"function": "status", "authorizationType": "AWS_IAM"}
    return start(harness.api({"$connect": connect, "$default": "echo"}, iam=signing.iam(connections=True)))


def url_of(emulator, signer, target="/dev?room=a%20b"):
    host = f"127.0.0.1:{emulator.port}"
    return f"ws://{host}" + signer.presign(target, host=host)


def test_boto3_signs_what_iam_wants(guarded):
    backend = backend_of(guarded, signing.KEY_ID, signing.SECRET)
    client = websocket.create_connection(url_of(guarded, signing.Signer()), timeout=20)
    connection_id = guarded.identify(Answering(client))
    backend.post_to_connection(ConnectionId=connection_id, Data="\N{EURO SIGN}\0x".encode())
    assert client.recv() == "\N{EURO SIGN}\0x"
    assert backend.get_connection(ConnectionId=connection_id)["Identity"]["SourceIp"] == "127.0.0.1"
    backend.delete_connection(ConnectionId=connection_id)
    with pytest.raises(backend.exceptions.GoneException):
        backend.post_to_connection(ConnectionId=connection_id, Data=b"late")


class Answering:
    """A websocket-client that can be asked."""

    def __init__(self, client):
        self.client = client

    def ask(self, text):
        self.client.send(text)
        return self.client.recv()


@pytest.mark.parametrize(
    "key_id,secret,token,code",
    [
        (signing.KEY_ID, "other", None, "InvalidSignatureException"),
        ("AKIDOTHER", signing.SECRET, None, "UnrecognizedClientException"),
        (signing.KEY_ID, signing.SECRET, "other", "UnrecognizedClientException"),
    ],
)
def test_boto3_raises_what_is_wrong_with_a_signature(guarded, key_id, secret, token, code):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        backend_of(guarded, key_id, secret, token).get_connection(ConnectionId="AAAAAAAAAAAAAAA=")
    assert caught.value.response["Error"]["Code"] == code


def test_boto3_is_throttled_as_by_aws(start):
    emulator = start(harness.api(rules={"account-throttle": 0}))
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        backend_of(emulator).get_connection(ConnectionId="AAAAAAAAAAAAAAA=")
    assert caught.value.response["Error"]["Code"] == "LimitExceededException"


@pytest.mark.parametrize("signer", [None, signing.Signer(secret="other"), signing.Signer("AKIDOTHER")])
def test_websocket_client_is_told_403_without_a_good_signature(guarded, signer):
    url = url_of(guarded, signer) if signer else guarded.ready["websocket"]
    with pytest.raises(websocket.WebSocketBadStatusException) as caught:
        websocket.create_connection(url, timeout=20)
    assert caught.value.status_code == 403


# ---- Lambda ----


@pytest.fixture
def functions(start):
    emulator = start(harness.api(functions={"fail": {}, "print": {}}))
    return boto3.client(
        "lambda",
        endpoint_url=f"http://127.0.0.1:{emulator.port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=botocore.config.Config(retries={"max_attempts": 0}),
    )


def message(body):
    return json.dumps({"requestContext": {"eventType": "MESSAGE"}, "body": body})


def test_boto3_invokes_a_function(functions):
    reply = functions.invoke(FunctionName="echo", Payload=message("hä"))
    assert (reply["StatusCode"], reply["ExecutedVersion"]) == (200, "$LATEST")
    assert "FunctionError" not in reply
    assert json.load(reply["Payload"]) == {"statusCode": 200, "body": "hä"}


def test_boto3_invokes_a_function_by_its_arn_and_qualifier(functions):
    arn = "arn:aws:lambda:us-east-1:123456789012:function:echo"
    reply = functions.invoke(FunctionName=arn, Qualifier="$LATEST", Payload=message("x"))
    assert json.load(reply["Payload"])["body"] == "x"


def test_boto3_is_told_of_a_function_error_and_its_log(functions):
    reply = functions.invoke(FunctionName="fail", Payload=message("broken"), LogType="Tail")
    assert (reply["StatusCode"], reply["FunctionError"]) == (200, "Unhandled")
    assert json.load(reply["Payload"]) == {"errorType": "SuiteError", "errorMessage": "broken"}
    assert base64.b64decode(reply["LogResult"]).decode().startswith("START RequestId: ")


@pytest.mark.parametrize("invocation_type,status", [("Event", 202), ("DryRun", 204)])
def test_boto3_invokes_without_an_answer(functions, invocation_type, status):
    reply = functions.invoke(FunctionName="echo", Payload=message("x"), InvocationType=invocation_type)
    assert (reply["StatusCode"], reply["Payload"].read()) == (status, b"")


def test_boto3_raises_resource_not_found(functions):
    for arguments in ({"FunctionName": "nope"}, {"FunctionName": "echo", "Qualifier": "prod"}):
        with pytest.raises(functions.exceptions.ResourceNotFoundException) as caught:
            functions.invoke(**arguments)
        assert caught.value.response["Error"]["Message"].startswith("Function not found: arn:aws:lambda:us-east-1:")


def test_boto3_raises_what_is_wrong_with_an_event(functions):
    with pytest.raises(functions.exceptions.InvalidRequestContentException):
        functions.invoke(FunctionName="echo", Payload=b"no JSON")
    with pytest.raises(functions.exceptions.RequestTooLargeException):
        functions.invoke(FunctionName="echo", Payload=b'"' + b"x" * 6291456 + b'"')
