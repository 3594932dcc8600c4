"""Lambda's Invoke API: POST /2015-03-31/functions/NAME/invocations, as it is on the wire."""

import base64
import json
import re
import socket

import harness
import pytest
import wire

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
ARN = "arn:aws:lambda:us-east-1:123456789012:function"

MB = 1024 * 1024

HANDLERS = (
    "echo",
    "event",
    "print",
    "fail",
    "hang",
    "crash",
    "exit3",
    "respond_none",
    "respond_json",
    "status",
    "request_id",
    "pid",
    "flood_log",
    "big",
    "get",
)


def suite(*handlers, **members):
    """An API whose functions are named as the handlers."""
    return harness.api(functions={name: {} for name in handlers or HANDLERS}, **members)


@pytest.fixture
def suite_emulator(start):
    return start(suite())


def invoke(emulator, name, event=b"{}", headers=(), query="", method="POST"):
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    return emulator.http(method, f"/2015-03-31/functions/{name}/invocations{query}", body, headers)


def message(body, **context):
    """An event of the shape that handlers know."""
    return {"requestContext": {"eventType": "MESSAGE", "connectionId": "AAAAAAAAAAAAAAA=", **context}, "body": body}


def result(response):
    assert (response.status, response.get("X-Amz-Function-Error")) == (200, None), response.text
    return json.loads(response.text)


def error(response):
    assert (response.status, response.get("X-Amz-Function-Error")) == (200, "Unhandled"), response.text
    return json.loads(response.text)


def log_tail(response):
    return base64.b64decode(response.get("X-Amz-Log-Result")).decode()


# ---- what comes back ----


def test_a_typed_answer_is_a_proxy_result(suite_emulator):
    response = invoke(suite_emulator, "echo", message('say "hi"\n'))
    assert response.text == '{"statusCode":200,"body":"say \\"hi\\"\\n"}'


def test_the_headers_are_lambdas(suite_emulator):
    response = invoke(suite_emulator, "fail", message("no"))
    names = [name for name in response.names if name not in ("Connection", "Content-Length")]  # the library places these
    assert names == [
        "Date",
        "Content-Type",
        "x-amzn-RequestId",
        "X-Amz-Function-Error",
        "x-amzn-Remapped-Content-Length",
        "X-Amz-Executed-Version",
        "X-Amzn-Trace-Id",
    ]
    assert response.get("Content-Type") == "application/json"
    assert response.get("X-Amz-Executed-Version") == "$LATEST"
    assert response.get("x-amzn-Remapped-Content-Length") == "0"
    assert re.fullmatch(r"root=1-[0-9a-f]{8}-[0-9a-f]{24};sampled=0", response.get("X-Amzn-Trace-Id"))


def test_the_handler_knows_the_request_id_of_the_answer(suite_emulator):
    response = invoke(suite_emulator, "request_id")
    assert re.fullmatch(UUID, response.get("x-amzn-RequestId"))
    assert result(response)["body"] == response.get("x-amzn-RequestId")


def test_a_status_is_the_results_and_not_the_responses(suite_emulator):
    assert result(invoke(suite_emulator, "status", message("404"))) == {"statusCode": 404, "body": "status 404"}


@pytest.mark.parametrize("text", ['{"a" : [1, 2.50]}', "5", '"text"', "[]", "no JSON at all"])
def test_what_a_function_returned_is_passed_on_to_the_byte(suite_emulator, text):
    assert invoke(suite_emulator, "respond_json", message(text)).text == text


def test_nothing_answered_is_null(suite_emulator):
    assert invoke(suite_emulator, "respond_none").text == "null"


# ---- what a handler gets ----


@pytest.mark.parametrize(
    "document",
    [
        b'{"requestContext": {"eventType":"MESSAGE"},\n "body":"h\\u00e4 \\ud83d\\ude00", "x": 1.50e1}',
        b'{"requestContext":{"eventType":"MESSAGE"},"body":""}\n',
        '{"requestContext":{"eventType":"MESSAGE"},"body":"hä"}'.encode(),
    ],
)
def test_a_handler_has_the_document_to_the_byte(suite_emulator, document):
    answer = result(invoke(suite_emulator, "event", document))
    assert answer["body"].encode() == document


def test_the_fields_are_those_of_the_document(suite_emulator):
    assert result(invoke(suite_emulator, "echo", message("hä \U0001f600")))["body"] == "hä \U0001f600"
    assert result(invoke(suite_emulator, "echo", message(""))) == {"statusCode": 200, "body": ""}


@pytest.mark.parametrize("document", [b"", b"{}", b"null", b"[1,2]", b'"text"', b'{"body":"x"}'])
def test_any_other_document_has_no_fields(suite_emulator, document):
    assert result(invoke(suite_emulator, "echo", document)) == {"statusCode": 200}


def test_an_empty_body_is_an_empty_object(start, events):
    emulator = start(harness.api(functions={"event": events.function}))
    invoke(emulator, "event", b"")
    harness.until(lambda: events.path.read_text() == "{}\n", "the event was written")


def test_environments_are_shared_with_clients(suite_emulator):
    first = json.loads(result(invoke(suite_emulator, "pid"))["body"])
    second = json.loads(result(invoke(suite_emulator, "pid"))["body"])
    assert (second["pid"], second["count"]) == (first["pid"], first["count"] + 1)


def test_a_connection_can_be_looked_up_from_a_direct_invocation(suite_emulator):
    client = suite_emulator.connect()
    connection_id = suite_emulator.identify(client)
    answer = json.loads(result(invoke(suite_emulator, "get", message(connection_id)))["body"])
    assert (answer["result"], answer["sourceIp"]) == (0, "127.0.0.1")


# ---- function errors ----


def test_an_error_has_type_and_message(suite_emulator):
    response = invoke(suite_emulator, "fail", message("it is broken"))
    assert error(response) == {"errorType": "SuiteError", "errorMessage": "it is broken"}


def test_a_timeout_is_an_error(start):
    emulator = start(harness.api(functions={"hang": {"timeout": 1}}))
    response = invoke(emulator, "hang")
    request_id = response.get("x-amzn-RequestId")
    assert response.text == (
        f'{{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: {request_id} Error: Task timed out after 1.00 seconds"}}'
    )
    assert response.get("X-Amz-Function-Error") == "Unhandled"


@pytest.mark.skipif(harness.SANITIZED, reason="a sanitizer reports a fault in its own words")
def test_a_crash_is_an_error(suite_emulator):
    response = invoke(suite_emulator, "crash")
    request_id = response.get("x-amzn-RequestId")
    reason = r"Runtime exited with error: signal: segmentation fault( \(core dumped\))?"
    assert error(response)["errorType"] == "Runtime.ExitError"
    assert re.fullmatch(f"RequestId: {request_id} Error: {reason}", error(response)["errorMessage"])


def test_an_exit_is_an_error(suite_emulator):
    response = invoke(suite_emulator, "exit3")
    assert error(response)["errorType"] == "Runtime.ExitError"
    assert error(response)["errorMessage"].endswith("Error: Runtime exited with error: exit status 3")


def test_an_init_that_fails_is_an_error(start):
    broken = {"plugin": harness.plugin("init_fails"), "handler": "init_fails", "environment": {"INIT_MESSAGE": "no database"}}
    emulator = start(harness.api(functions={"broken": broken}))
    failure = error(invoke(emulator, "broken"))
    assert failure["errorType"] == "InitFails"
    assert "no database" in failure["errorMessage"]


def test_a_result_over_6_mb_is_an_error(suite_emulator):
    response = invoke(suite_emulator, "big", message(str(7 * MB)))
    assert error(response) == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
    }


# ---- names ----


@pytest.mark.parametrize(
    "name,query",
    [
        ("echo", ""),
        ("echo", "?Qualifier=$LATEST"),
        ("echo", "?Qualifier=%24LATEST&x=1"),
        ("echo:$LATEST", ""),
        ("echo%3A%24LATEST", "?Qualifier=%24LATEST"),
        ("function:echo", ""),
        ("123456789012:function:echo", ""),
        ("123456789012%3Afunction%3Aecho%3A%24LATEST", ""),
        (f"{ARN}:echo", ""),
        (f"{ARN}:echo".replace(":", "%3A"), ""),
        (f"{ARN}:echo:$LATEST", "?Qualifier=$LATEST"),
    ],
)
def test_a_function_goes_by_each_of_its_names(suite_emulator, name, query):
    assert result(invoke(suite_emulator, name, message("x"), query=query))["body"] == "x"


@pytest.mark.parametrize(
    "name,query,arn",
    [
        ("nope", "", f"{ARN}:nope:$LATEST"),
        ("Echo", "", f"{ARN}:Echo:$LATEST"),
        ("echo", "?Qualifier=prod", f"{ARN}:echo:prod"),
        ("echo:7", "", f"{ARN}:echo:7"),
        (f"{ARN}:echo:prod", "", f"{ARN}:echo:prod"),
        ("111122223333:function:echo", "", "arn:aws:lambda:us-east-1:111122223333:function:echo:$LATEST"),
    ],
)
def test_a_function_that_there_is_not_is_a_404(suite_emulator, name, query, arn):
    response = invoke(suite_emulator, name, query=query)
    assert (response.status, response.get("x-amzn-ErrorType")) == (404, "ResourceNotFoundException")
    assert response.text == f'{{"Type":"User","Message":"Function not found: {arn}"}}'


def test_the_log_names_the_nearest_function(suite_emulator):
    invoke(suite_emulator, "ecko")
    suite_emulator.wait_log(r"refused an invocation: Function not found: .*:ecko:.* status=404 \(did you mean echo\?\)")


def test_a_function_of_another_region_is_a_404(suite_emulator):
    response = invoke(suite_emulator, "arn:aws:lambda:eu-west-1:123456789012:function:echo")
    assert (response.status, response.get("x-amzn-ErrorType")) == (404, "ResourceNotFoundException")
    assert json.loads(response.text)["Message"] == "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"


@pytest.mark.parametrize("name", ["a!b", "%00", "echo:", "a%2Fb", "arn:aws:s3:us-east-1:123456789012:function:echo"])
def test_what_is_no_name_of_a_function_is_a_400(suite_emulator, name):
    response = invoke(suite_emulator, name)
    assert (response.status, response.get("x-amzn-ErrorType")) == (400, "ValidationException")
    assert "at 'functionName' failed to satisfy constraint" in json.loads(response.text)["message"]


def test_two_qualifiers_must_be_the_same(suite_emulator):
    response = invoke(suite_emulator, "echo:$LATEST", query="?Qualifier=prod")
    assert (response.status, response.get("x-amzn-ErrorType")) == (400, "InvalidParameterValueException")
    assert response.text == (
        '{"Type":"User","message":"The derived qualifier from the function name does not match the specified qualifier."}'
    )


@pytest.mark.parametrize(
    "method,target",
    [
        ("GET", "/2015-03-31/functions/echo/invocations"),
        ("POST", "/2015-03-31/functions/echo"),
        ("GET", "/2015-03-31/functions/"),
        ("POST", "/2015-03-31/functions/echo/invocations/more"),
    ],
)
def test_there_is_no_other_operation(suite_emulator, method, target):
    response = suite_emulator.http(method, target)
    assert (response.status, response.get("x-amzn-ErrorType")) == (404, "UnknownOperationException")


# ---- events that are refused ----


@pytest.mark.parametrize("document,place", [(b"{'a':1}", (1, 2)), (b'{"a":1,\n "b":x}', (2, 6)), (b'{"a":"\xff"}', None)])
def test_an_event_that_is_not_json_is_a_400(suite_emulator, document, place):
    response = invoke(suite_emulator, "echo", document)
    assert (response.status, response.get("x-amzn-ErrorType")) == (400, "InvalidRequestContentException")
    body = json.loads(response.text)
    assert list(body) == ["Type", "message"]
    assert body["message"].startswith("Could not parse request body into json: Could not parse payload into json: ")
    if place:
        assert body["message"].endswith("line: %u, column: %u]" % place)


def test_an_event_may_have_6_mb_and_no_more(suite_emulator):
    most = b'"' + b"x" * (6 * MB - 2) + b'"'
    assert invoke(suite_emulator, "echo", most).status == 200
    response = invoke(suite_emulator, "echo", most + b" ")
    assert (response.status, response.get("x-amzn-ErrorType")) == (413, "RequestTooLargeException")
    assert response.text == (
        '{"Type":"User","message":"Request must be smaller than 6291456 bytes for the InvokeFunction operation"}'
    )


def test_a_body_in_an_event_of_6_mb_is_a_field_too(suite_emulator):
    size = 3 * MB
    answer = result(invoke(suite_emulator, "echo", message("x" * size)))
    assert answer["body"] == "x" * size


def test_an_asynchronous_event_may_have_1_mb_and_no_more(suite_emulator):
    asynchronous = [("X-Amz-Invocation-Type", "Event")]
    most = b'"' + b"x" * (MB - 2) + b'"'
    assert invoke(suite_emulator, "echo", most, asynchronous).status == 202
    response = invoke(suite_emulator, "echo", most + b" ", asynchronous)
    assert (response.status, response.get("x-amzn-ErrorType")) == (413, "RequestTooLargeException")
    assert json.loads(response.text)["message"] == (
        "1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)"
    )


@pytest.mark.parametrize("media_type", ["text/xml", "multipart/form-data; boundary=x", "image/png"])
def test_an_event_that_is_called_something_else_than_json_is_a_415(suite_emulator, media_type):
    response = invoke(suite_emulator, "echo", headers=[("Content-Type", media_type)])
    assert (response.status, response.get("x-amzn-ErrorType")) == (415, "UnsupportedMediaTypeException")
    assert response.text == f'{{"Type":"User","message":"Unsupported content type: {media_type}"}}'


@pytest.mark.parametrize(
    "media_type",
    ["application/json", "application/json; charset=utf-8", "Application/JSON", "application/octet-stream", ""],
)
def test_what_sdks_call_an_event_is_taken(suite_emulator, media_type):
    assert invoke(suite_emulator, "echo", headers=[("Content-Type", media_type)]).status == 200


@pytest.mark.parametrize(
    "header,value,member", [("X-Amz-Invocation-Type", "Later", "invocationType"), ("X-Amz-Log-Type", "All", "logType")]
)
def test_an_unknown_type_is_a_400(suite_emulator, header, value, member):
    response = invoke(suite_emulator, "echo", headers=[(header, value)])
    assert (response.status, response.get("x-amzn-ErrorType")) == (400, "ValidationException")
    assert f"Value '{value}' at '{member}'" in json.loads(response.text)["message"]


def test_bodies_have_a_limit_together(suite_emulator):
    head = (
        "POST /2015-03-31/functions/echo/invocations HTTP/1.1\r\nHost: x\r\nContent-Length: %u\r\n\r\n" % (6 * MB)
    ).encode()
    waiting = []
    for _ in range(22):  # 132 MB, and the limit is 128
        stream = wire.Stream(suite_emulator.address)
        stream.send(head + b" " * (6 * MB - 1))
        waiting.append(stream)
    suite_emulator.wait_log("the bodies of all requests under way have 128 MB status=503")
    statuses = set()
    for stream in waiting:
        stream.send(b"1")
        statuses.add(stream.socket.recv(12))
    assert b"HTTP/1.1 503" in statuses
    assert result(invoke(suite_emulator, "echo", message("x")))["body"] == "x"


# ---- invocation types ----


def test_a_dry_run_is_a_204_and_nothing_runs(suite_emulator):
    before = json.loads(result(invoke(suite_emulator, "pid"))["body"])["count"]
    response = invoke(suite_emulator, "pid", headers=[("X-Amz-Invocation-Type", "DryRun")])
    assert (response.status, response.body, response.get("Content-Type")) == (204, b"", None)
    assert json.loads(result(invoke(suite_emulator, "pid"))["body"])["count"] == before + 1


def test_a_dry_run_of_nothing_is_a_404(suite_emulator):
    assert invoke(suite_emulator, "nope", headers=[("X-Amz-Invocation-Type", "DryRun")]).status == 404


def test_an_event_is_a_202_at_once_and_runs_on(start, gate):
    config = harness.api()
    config["functions"]["gate"] = gate.function(timeout=60)
    emulator = start(config)
    response = invoke(emulator, "gate", message("one"), [("X-Amz-Invocation-Type", "Event")])
    assert (response.status, response.body, response.get("X-Amz-Executed-Version")) == (202, b"", None)
    gate.wait_entered("one")
    gate.open("one")


def test_a_client_that_leaves_does_not_end_its_invocation(start, gate, events):
    config = harness.api(functions={"event": events.function})
    config["functions"]["gate"] = gate.function(timeout=60, concurrency=1)
    emulator = start(config)
    stream = wire.Stream(emulator.address)
    body = json.dumps(message("one")).encode()
    stream.send(
        b"POST /2015-03-31/functions/gate/invocations HTTP/1.1\r\nHost: x\r\nContent-Length: %u\r\n\r\n" % len(body) + body
    )
    gate.wait_entered("one")
    stream.socket.shutdown(socket.SHUT_RDWR)
    gate.open("one")
    gate.open("two")
    assert result(invoke(emulator, "gate", message("two")))["body"] == "two"


# ---- retries ----


def advance(emulator, by):
    assert emulator.http("POST", "/_apigw/clock", json.dumps({"advance": by}).encode(), harness.JSON).status == 200


def attempts(emulator, request_id):
    return len(re.findall(rf"function: fail: SuiteError: .* req={request_id}", emulator.log))


def invoke_later(emulator, name, event=b"{}"):
    response = invoke(emulator, name, event, [("X-Amz-Invocation-Type", "Event")])
    assert response.status == 202, response.text
    return response.get("x-amzn-RequestId")


def test_an_event_that_failed_is_tried_twice_more(suite_emulator):
    request_id = invoke_later(suite_emulator, "fail", message("x"))
    suite_emulator.wait_log(f"is tried again in 60 s: attempt 1 of 3 failed req={request_id}")
    advance(suite_emulator, "59s")
    assert attempts(suite_emulator, request_id) == 1
    advance(suite_emulator, "1s")
    suite_emulator.wait_log(f"is tried again in 120 s: attempt 2 of 3 failed req={request_id}")
    advance(suite_emulator, "119s")
    assert attempts(suite_emulator, request_id) == 2
    advance(suite_emulator, "1s")
    suite_emulator.wait_log(f"is given up: attempt 3 of 3 failed req={request_id}")
    advance(suite_emulator, "6h")
    assert attempts(suite_emulator, request_id) == 3


def test_moving_the_clock_takes_no_time_from_a_retry(start, gate):
    config = harness.api()
    config["functions"]["gate"] = gate.function(timeout=1)
    emulator = start(config)
    request_id = invoke_later(emulator, "gate", message("one"))
    gate.wait_entered("one")
    advance(emulator, "2s")  # it runs already: so this is its timeout
    emulator.wait_log(f"attempt 1 of 3 failed req={request_id}")
    gate.open("one")
    advance(emulator, "10m")
    assert "attempt 2 of 3" not in emulator.log


def test_an_event_that_succeeded_is_not_tried_again(start):
    emulator = start(suite(), arguments=("--log-level", "debug"))
    invoke_later(emulator, "print", message("once"))
    emulator.wait_log("REPORT RequestId: ")
    advance(emulator, "7h")
    assert emulator.log.count("| stdout once") == 1


def test_events_that_wait_are_bounded(suite_emulator):
    headers = [("X-Amz-Invocation-Type", "Event")]
    document = b'"' + b"x" * (MB - 2) + b'"'
    statuses = [invoke(suite_emulator, "fail", document, headers).status for _ in range(64)]
    assert set(statuses) == {202}
    harness.until(lambda: suite_emulator.log.count("attempt 1 of 3") == 64, "all of them have failed once")
    response = invoke(suite_emulator, "fail", document, headers)
    assert (response.status, response.get("Retry-After")) == (429, "1")
    assert response.get("x-amzn-ErrorType") == "TooManyRequestsException"
    assert response.text == '{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}'


def test_what_still_waits_at_the_end_is_said(start):
    emulator = start(suite("fail"))
    request_id = invoke_later(emulator, "fail")
    emulator.wait_log(f"attempt 1 of 3 failed req={request_id}")
    emulator.stop()
    assert "dropped 1 asynchronous invocations that were to be tried again" in emulator.log


def test_what_runs_when_the_emulator_stops_is_answered(start, gate):
    config = harness.api()
    config["functions"]["gate"] = gate.function(timeout=60)
    emulator = start(config)
    stream = wire.Stream(emulator.address)
    body = json.dumps(message("one")).encode()
    stream.send(
        b"POST /2015-03-31/functions/gate/invocations HTTP/1.1\r\nHost: x\r\nContent-Length: %u\r\n\r\n" % len(body) + body
    )
    gate.wait_entered("one")
    emulator.process.terminate()
    gate.open("one")
    assert stream.socket.recv(15) == b"HTTP/1.1 200 OK"


# ---- the log ----


def test_the_tail_of_the_log_has_the_handlers_lines_between_lambdas(suite_emulator):
    response = invoke(suite_emulator, "print", message("x"), [("X-Amz-Log-Type", "Tail")])
    request_id = response.get("x-amzn-RequestId")
    lines = log_tail(response).splitlines()
    assert lines[0] == f"START RequestId: {request_id} Version: $LATEST"
    for line in ("stdout x", "stderr x", "two pieces x", "WARN logged", "stdout without newline x"):
        assert line in lines
    assert lines[-2] == f"END RequestId: {request_id}"
    assert re.fullmatch(
        rf"REPORT RequestId: {request_id}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB"
        r"\tMax Memory Used: \d+ MB\tInit Duration: [\d.]+ ms\t",
        lines[-1],
    )


def test_the_tail_is_the_last_4_kb(suite_emulator):
    response = invoke(suite_emulator, "flood_log", message("500"), [("X-Amz-Log-Type", "Tail")])
    tail = log_tail(response)
    assert len(tail.encode()) == 4096
    assert "flood 499 of stdout" in tail
    assert "flood 1 of stdout" not in tail


def test_without_being_asked_for_the_log_is_not_sent(suite_emulator):
    assert invoke(suite_emulator, "print", message("x")).get("X-Amz-Log-Result") is None
    assert invoke(suite_emulator, "print", message("x"), [("X-Amz-Log-Type", "None")]).get("X-Amz-Log-Result") is None


def test_a_failed_invocation_has_a_log_too(suite_emulator):
    response = invoke(suite_emulator, "fail", message("x"), [("X-Amz-Log-Type", "Tail")])
    assert response.get("X-Amz-Function-Error") == "Unhandled"
    assert log_tail(response).splitlines()[-1].split("\t")[-2:] == ["Status: error", "Error Type: Function.Unknown"]


def test_a_timeout_has_a_log_too(start):
    emulator = start(harness.api(functions={"hang": {"timeout": 1}}))
    response = invoke(emulator, "hang", headers=[("X-Amz-Log-Type", "Tail")])
    lines = log_tail(response).splitlines()
    assert any(line.endswith(" Task timed out after 1.00 seconds") for line in lines)
    assert lines[-1].endswith("\tStatus: timeout")


# ---- concurrency ----


def test_a_reserved_concurrency_that_is_used_up_is_a_429(start, gate):
    config = harness.api()
    config["functions"]["gate"] = gate.function(timeout=60, reservedConcurrency=1)
    emulator = start(config)
    invoke_later(emulator, "gate", message("one"))
    gate.wait_entered("one")
    response = invoke(emulator, "gate", message("two"))
    assert (response.status, response.get("x-amzn-ErrorType")) == (429, "TooManyRequestsException")
    assert response.get("Retry-After") == "1"
    assert response.text == (
        '{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}'
    )
    gate.open("one")


def test_a_throttled_event_is_tried_until_there_is_room(start, gate):
    config = harness.api()
    config["functions"]["gate"] = gate.function(timeout=900, reservedConcurrency=1)
    emulator = start(config)
    invoke_later(emulator, "gate", message("one"))
    gate.wait_entered("one")
    request_id = invoke_later(emulator, "gate", message("two"))
    for seconds in (1, 2, 4):
        emulator.wait_log(f"is tried again in {seconds} s: the function has no room for it req={request_id}")
        advance(emulator, f"{seconds}s")
    gate.open("one")
    gate.open("two")
    advance(emulator, "8s")
    gate.wait_entered("two")
