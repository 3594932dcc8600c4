"""boto3 and websocket-client, as Debian has them."""

import boto3
import botocore.config
import botocore.exceptions
import harness
import pytest
import websocket


@pytest.fixture
def backend(emulator):
    return boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=f"http://127.0.0.1:{emulator.port}/{emulator.stage}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=botocore.config.Config(retries={"max_attempts": 0}),
    )


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
