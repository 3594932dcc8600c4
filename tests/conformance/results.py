"""What a function may not return: the same for $connect and for messages."""

from facts import INFERRED, OBSERVED, Source, row

PIPELINE = Source("Lambda proxy results as recorded at REST APIs; the same pipeline", INFERRED)

MALFORMED_RESULTS = (
    row("null", PIPELINE, "null is no result: malformed", None),
    row("string", PIPELINE, "a bare string is no result: malformed", "justAString"),
    row("number", PIPELINE, "a number is no result: malformed", 200),
    row("boolean", PIPELINE, "a boolean is no result: malformed", True),
    row("array", PIPELINE, "an array is no result: malformed", [{"statusCode": 200}]),
    row("another key", PIPELINE, "a key that results do not have is malformed", {"statusCode": 200, "wrongValue": "v"}),
    row("Data", Source("middyjs/middy#1219", OBSERVED), "the result {ConnectionId, Data, statusCode} is malformed",
        {"ConnectionId": "x", "Data": "y", "statusCode": 200}),
    row("key in another case", PIPELINE, "keys of results are compared with case", {"StatusCode": 200}),
    row("object body", PIPELINE, "a body that is an object is malformed", {"statusCode": 200, "body": {"a": 1}}),
    row("number body", PIPELINE, "a body that is a number is malformed", {"statusCode": 200, "body": 1}),
    row("array body", PIPELINE, "a body that is an array is malformed", {"statusCode": 200, "body": ["x"]}),
    row("worded status", PIPELINE, "a statusCode that is no number is malformed", {"statusCode": "ok"}),
    row("object status", PIPELINE, "a statusCode that is an object is malformed", {"statusCode": {}}),
    row("array headers", PIPELINE, "headers that are an array are malformed", {"statusCode": 200, "headers": ["a"]}),
    row("text headers", PIPELINE, "headers that are a string are malformed", {"statusCode": 200, "headers": "a"}),
    row("object in a header", PIPELINE, "a header whose value is an object is malformed",
        {"statusCode": 200, "headers": {"X": {}}}),
    row("multi header without array", PIPELINE, "multiValueHeaders without an array are malformed",
        {"statusCode": 200, "multiValueHeaders": {"X": "a"}}),
)  # fmt: skip
