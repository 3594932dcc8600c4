"""What a function finds around it, how its environments live, and what its failures are called."""

import json
import re

import facts
import pytest
from facts import DOCUMENTED, OBSERVED, Source, fact, row, table

ENVIRONMENT = Source("Lambda's environment variables, recorded on AWS (nodejs22.x, python3.13; Jan 2026)", OBSERVED)
CONTEXT = Source("Lambda developer guide, the context object", DOCUMENTED)
LIFECYCLE = Source("Lambda developer guide, lambda-runtime-environment", DOCUMENTED)
EXITS = Source("function errors recorded on AWS", OBSERVED)
SIGNALS = Source("awslabs/aws-lambda-cpp#30", OBSERVED)
TIMEOUT = Source("function errors recorded on AWS (Nov 2025); the words of a timeout", OBSERVED)
PAYLOAD = Source("Lambda developer guide, quotas", DOCUMENTED)

CONFIG = facts.api(
    {"$default": "env", "context": "context", "request_id": "request_id", "remaining": "remaining"},
    {"env": {"memorySize": 256, "environment": {"ROOM": "lobby", "TZ_OF_MINE": "x"}}, "context": {"memorySize": 512}, "remaining": {"timeout": 30}},
)


@pytest.fixture
def client(serve):
    return serve(CONFIG).connect()


@table(
    "name,pattern",
    row("AWS_LAMBDA_FUNCTION_NAME", ENVIRONMENT, "the function's name", "AWS_LAMBDA_FUNCTION_NAME", "env"),
    row("AWS_LAMBDA_FUNCTION_VERSION", ENVIRONMENT, "the version is $LATEST", "AWS_LAMBDA_FUNCTION_VERSION", r"\$LATEST"),
    row("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", ENVIRONMENT, "the memory in MB", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
    row("AWS_LAMBDA_INITIALIZATION_TYPE", ENVIRONMENT, "environments start on demand", "AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
    row("AWS_LAMBDA_LOG_GROUP_NAME", ENVIRONMENT, "the log group is /aws/lambda/{name}", "AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/env"),
    row("AWS_LAMBDA_LOG_STREAM_NAME", ENVIRONMENT, "the log stream is {date}/[$LATEST]{32 hex}", "AWS_LAMBDA_LOG_STREAM_NAME",
        r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}"),
    row("AWS_REGION", ENVIRONMENT, "the region", "AWS_REGION", "us-east-1"),
    row("AWS_DEFAULT_REGION", ENVIRONMENT, "the region, for SDKs", "AWS_DEFAULT_REGION", "us-east-1"),
    row("AWS_ACCESS_KEY_ID", ENVIRONMENT, "credentials are there", "AWS_ACCESS_KEY_ID", ".+"),
    row("AWS_SECRET_ACCESS_KEY", ENVIRONMENT, "credentials are there", "AWS_SECRET_ACCESS_KEY", ".+"),
    row("AWS_SESSION_TOKEN", ENVIRONMENT, "credentials are temporary", "AWS_SESSION_TOKEN", ".+"),
    row("_HANDLER", ENVIRONMENT, "_HANDLER is the handler", "_HANDLER", "env"),
    row("LAMBDA_TASK_ROOT", ENVIRONMENT, "LAMBDA_TASK_ROOT is where the code is", "LAMBDA_TASK_ROOT", "/.+"),
    row("TZ", ENVIRONMENT, "the time zone is UTC", "TZ", ":UTC"),
    row("one of its own", Source("Lambda developer guide, environment variables", DOCUMENTED), "a function's own variables are there", "ROOM", "lobby"),
)  # fmt: skip
def test_an_environment_variable(client, name, pattern):
    assert re.fullmatch(pattern, client.ask(name))


@fact("the context has the function's name and its memory", CONTEXT.where, DOCUMENTED)
def test_the_context(client):
    found = json.loads(client.ask('{"action":"context"}'))
    assert (found["functionName"], found["memory"]) == ("context", 512)


@fact("awsRequestId is a UUID of version 4, new for each invocation", CONTEXT.where, DOCUMENTED)
def test_the_request_id(client):
    ids = [client.ask('{"action":"request_id"}') for _ in range(3)]
    assert all(re.fullmatch(facts.UUID, text) for text in ids)
    assert len(set(ids)) == 3


@fact("awsRequestId is not requestContext.requestId", CONTEXT.where, DOCUMENTED)
def test_the_request_id_is_lambdas(client):
    assert not re.fullmatch(facts.ID, client.ask('{"action":"request_id"}'))


@fact("the remaining time counts down from the function's timeout", CONTEXT.where, DOCUMENTED)
def test_the_remaining_time(client):
    assert 25_000 < int(client.ask('{"action":"remaining"}')) <= 30_000


# ---- environments ----


@fact("environments are reused, with what the code keeps in globals", LIFECYCLE.where, DOCUMENTED)
def test_an_environment_is_reused(serve):
    client = serve(facts.api({"$default": "pid"}, {"pid": {"concurrency": 1}}, name="reuse")).connect()
    first, second = (json.loads(client.ask("x")) for _ in range(2))
    assert (second["pid"], second["count"]) == (first["pid"], first["count"] + 1)


@fact("an environment has one event at a time: the next one is started when all are busy", LIFECYCLE.where, DOCUMENTED)
def test_one_event_at_a_time(serve, gate):
    config = facts.api({"$default": "gate"})
    config["functions"]["gate"] = gate.function(timeout=60)
    emulator = serve(config)
    client = emulator.connect()
    for name in ("first", "second"):
        client.send(name)
        gate.wait_entered(name)
    assert len(emulator.hosts()) == 2
    gate.open("first", "second")
    assert sorted([client.receive(), client.receive()]) == ["first", "second"]


@table(
    "handler",
    row("crash", LIFECYCLE, "after a crash the environment is replaced", "crash"),
    row("exit", LIFECYCLE, "after an exit the environment is replaced", "exit3"),
)
def test_a_dead_environment_is_replaced(serve, handler):
    client = serve(facts.api({"$default": handler, "echo": "echo"}, {handler: {"concurrency": 1}})).connect()
    assert ["Internal server error" in client.ask("x") for _ in range(2)] == [True, True]


@fact("a function that failed keeps its environment", LIFECYCLE.where, DOCUMENTED)
def test_a_failed_environment_stays(serve):
    emulator = serve(facts.api({"$default": "fail"}, {"fail": {"concurrency": 1}}, name="stays"))
    client = emulator.connect()
    client.ask("x")
    before = emulator.hosts()
    client.ask("x")
    assert emulator.hosts() == before


@fact("a function's init is run once for each environment, before its first event", LIFECYCLE.where, DOCUMENTED)
def test_init_comes_first(client):
    assert json.loads(client.ask('{"action":"context"}'))["user"] == 42


# ---- failures, as the log has them ----


@table(
    "handler,words",
    row("exit 0", EXITS, "a process that ends by itself", "exit0", "Runtime exited without providing a reason"),
    row("exit 3", EXITS, "a process that ends with a status", "exit3", "Runtime exited with error: exit status 3"),
    row("SIGSEGV", SIGNALS, "a process that a signal ends", "crash", "Runtime exited with error: signal: segmentation fault"),
    row("SIGABRT", SIGNALS, "a process that aborts", "abort", "Runtime exited with error: signal: aborted"),
)
def test_the_words_of_an_end(serve, handler, words):
    emulator = serve(facts.api({"$default": handler}, name=f"words {handler}"))
    emulator.connect().ask("x")
    emulator.wait_log(re.escape(words))


@table(
    "timeout,words",
    row("1 s", TIMEOUT, "a timeout names its seconds with two decimals", 1, "Task timed out after 1.00 seconds"),
    row("3 s", TIMEOUT, "a timeout names its seconds with two decimals", 3, "Task timed out after 3.00 seconds"),
)
def test_the_words_of_a_timeout(serve, timeout, words):
    emulator = serve(facts.api({"$default": "hang", "echo": "echo"}, {"hang": {"timeout": timeout}}, name=f"timeout {timeout}"))
    facts.hanging_client(emulator)
    emulator.advance("5s")
    emulator.wait_log(re.escape(words))


# ---- payloads ----


@fact("a function's answer may have several MB; what the client gets of it has its own limit", PAYLOAD.where, DOCUMENTED)
def test_a_large_answer(serve):
    client = serve(facts.api({"$default": "big"})).connect()
    assert "Internal server error" in client.ask("5000000")
    assert client.ask("10") == "x" * 10


@fact("an answer over 6 MB fails the invocation", PAYLOAD.where, DOCUMENTED)
def test_an_answer_that_is_too_large(serve):
    emulator = serve(facts.api({"$default": "big"}, name="six"))
    assert "Internal server error" in emulator.connect().ask("6291600")
    emulator.wait_log(r"6291556|payload size exceeded")
