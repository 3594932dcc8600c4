"""websocket-client, boto3 and a handler that was written for AWS, at each place of the file PLACES."""

import json
import os

import boto3
import botocore.exceptions
import handler
import websocket


def refusal(call, *arguments, **members):
    """The name of the error that AWS answers with."""
    try:
        call(*arguments, **members)
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    raise AssertionError(f"{call} has succeeded")


def the_handler_posts(place, event, client):
    if not place["isFoundByHandlers"]:
        assert refusal(handler.lambda_handler, event, None) == "NotFoundException"
        return
    assert handler.lambda_handler(event, None)["statusCode"] == 200
    assert client.recv() == "from the handler"


def boto3_manages(endpoint, connection_id, client, source_ip):
    backend = boto3.client("apigatewaymanagementapi", endpoint_url=endpoint)
    assert backend.get_connection(ConnectionId=connection_id)["Identity"]["SourceIp"] == source_ip
    backend.post_to_connection(ConnectionId=connection_id, Data="ä from boto3".encode())
    assert client.recv() == "ä from boto3"
    backend.delete_connection(ConnectionId=connection_id)
    opcode, payload = client.recv_data()
    assert (opcode, payload) == (websocket.ABNF.OPCODE_CLOSE, b"\x03\xe8Connection Closed Normally")
    assert refusal(backend.get_connection, ConnectionId=connection_id) == "GoneException"


def signatures_count(place, connection_id):
    backend = boto3.client("apigatewaymanagementapi", endpoint_url=place["endpoint"], aws_secret_access_key="other",
                           aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"])  # fmt: skip
    if place["isSigned"]:
        assert refusal(backend.get_connection, ConnectionId=connection_id) == "InvalidSignatureException"
    else:
        backend.get_connection(ConnectionId=connection_id)


def visit(place):
    client = websocket.create_connection(place["websocket"], timeout=20)
    client.send(json.dumps({"action": "whoami"}))
    event = json.loads(client.recv())
    context = event["requestContext"]
    assert {name: context[name] for name in place["context"]} == place["context"]
    assert context["identity"]["sourceIp"] == place["sourceIp"]
    signatures_count(place, context["connectionId"])
    the_handler_posts(place, event, client)
    boto3_manages(place["endpoint"], context["connectionId"], client, place["sourceIp"])


with open(os.environ["PLACES"], encoding="utf-8") as file:
    for where in json.load(file):
        visit(where)
        print("visited", where["websocket"], flush=True)
