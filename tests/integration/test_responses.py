"""What a client gets back for a message."""

import re

import harness
import pytest

FRAME = r'{"message": "%s", "connectionId":"(' + harness.CONNECTION_ID + ')", "requestId":"' + harness.CONNECTION_ID + '"}'
INTERNAL = FRAME % "Internal server error"


@pytest.fixture
def answering(start):
    """A client whose every message is taken as the JSON that the function returns."""
    return start(harness.api({"$default": "respond_json"})).connect()


DELIVERED = {
    "a body": ('{"statusCode":200,"body":"text"}', "text"),
    "a status as text": ('{"statusCode":"201","body":"text"}', "text"),
    "no status": ('{"body":"text"}', "text"),
    "a client error": ('{"statusCode":404,"body":"text"}', "text"),
    "a server error": ('{"statusCode":500,"body":"text"}', "text"),
    "headers": ('{"statusCode":200,"headers":{"X":"y"},"body":"text"}', "text"),
    "headers that are booleans": ('{"statusCode":200,"headers":{"X":true},"body":"text"}', "text"),
    "headers that are null": ('{"statusCode":200,"headers":null,"body":"text"}', "text"),
    "many-valued headers": ('{"statusCode":200,"multiValueHeaders":{"X":["y","z"]},"body":"text"}', "text"),
    "a base64 mark": ('{"statusCode":200,"body":"dGV4dA==","isBase64Encoded":true}', None),
    "escapes": ('{"statusCode":200,"body":"\\u00e4\\n\\"\\ud83d\\ude00"}', 'ä\n"😀'),
    "no body": ('{"statusCode":200}', ""),
    "an empty body": ('{"statusCode":200,"body":""}', ""),
    "a null body": ('{"statusCode":200,"body":null}', ""),
    "an empty object": ("{}", ""),
}


@pytest.mark.parametrize("kind", DELIVERED)
def test_a_well_formed_result_is_delivered(answering, kind):
    result, text = DELIVERED[kind]
    answer = answering.ask(result)
    assert answer == text if text is not None else answer in ("dGV4dA==", "text")


MALFORMED = {
    "null": "null",
    "a text": '"text"',
    "a number": "200",
    "an array": "[]",
    "a member too many": '{"statusCode":200,"Data":"x"}',
    "a status that is no number": '{"statusCode":"ok"}',
    "a status with a fraction": '{"statusCode":200.5}',
    "a status that is an object": '{"statusCode":{}}',
    "a body that is an object": '{"statusCode":200,"body":{"a":1}}',
    "a body that is a number": '{"statusCode":200,"body":5}',
    "headers that are a list": '{"statusCode":200,"headers":[]}',
    "a header that is an object": '{"statusCode":200,"headers":{"X":{}}}',
    "many-valued headers that are not lists": '{"statusCode":200,"multiValueHeaders":{"X":"y"}}',
    "text that is not json": "{statusCode:200}",
    "two values": '{"statusCode":200}{}',
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_a_malformed_result_is_an_internal_server_error(answering, kind):
    assert re.fullmatch(INTERNAL, answering.ask(MALFORMED[kind]))


def test_the_log_says_what_is_malformed(start):
    emulator = start(harness.api({"$default": "respond_json"}))
    emulator.connect().ask('{"statusCode":200,"Data":"x"}')
    emulator.wait_log("a member other than statusCode.*rule=result-malformed")


@pytest.mark.parametrize("handler", ["fail", "error", "crash", "respond_none", "exit3"])
def test_a_handler_that_fails_is_an_internal_server_error(start, handler):
    emulator = start(harness.api({"$default": handler}))
    client = emulator.connect()
    assert re.fullmatch(INTERNAL, client.ask("x"))
    assert harness.Emulator.identify(client)


def test_an_error_frame_names_the_connection(start):
    emulator = start(harness.api({"$default": "fail"}))
    client = emulator.connect()
    assert re.fullmatch(INTERNAL, client.ask("x")).group(1) == emulator.identify(client)


def test_two_error_frames_have_request_ids_of_their_own(start):
    client = start(harness.api({"$default": "fail"})).connect()
    assert client.ask("x") != client.ask("x")


def test_a_one_way_route_sends_nothing(start):
    config = harness.api({"quiet": harness.one_way("echo"), "$default": "echo"})
    client = start(config).connect()
    client.send('{"action":"quiet"}')
    assert client.ask("marker") == "marker"


def test_a_one_way_route_still_sends_error_frames(start):
    client = start(harness.api({"quiet": harness.one_way("fail")})).connect()
    assert re.fullmatch(INTERNAL, client.ask('{"action":"quiet"}'))


def test_a_large_answer_comes_in_frames_of_32_kb(start):
    client = start(harness.api({"$default": "big"})).connect()
    client.send("100000")
    sizes, fin = [], False
    while not fin:
        fin, _, payload = client.receive_frame()
        sizes.append(len(payload))
    assert sizes == [32768, 32768, 32768, 100000 - 3 * 32768]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 131072])
def test_an_answer_of_any_size_up_to_128_kb_arrives_whole(start, size):
    client = start(harness.api({"$default": "big"})).connect()
    assert len(client.ask(str(size))) == size


def test_text_of_a_handler_that_is_not_utf_8_does_not_end_the_client(start):
    client = start(harness.api({"$default": "echo"})).connect()
    assert client.ask("ä€😀") == "ä€😀"
