"""A Lambda function as it is written for AWS: it knows of no emulator."""

import boto3


def lambda_handler(event, context):
    domain_name = event["requestContext"]["domainName"]
    stage = event["requestContext"]["stage"]
    client = boto3.client("apigatewaymanagementapi", endpoint_url=f"https://{domain_name}/{stage}")
    client.post_to_connection(ConnectionId=event["requestContext"]["connectionId"], Data=b"from the handler")
    return {"statusCode": 200, "body": "done"}
