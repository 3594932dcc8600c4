"""How connections end, and what frames and messages may carry: codes and reasons, for the client and for $disconnect."""

import struct

import facts
import harness
import pytest
import wire
from facts import DOCUMENTED, INFERRED, OBSERVED, UNSETTLED, Source, fact, row, table

CODES = Source('API Gateway developer guide, apigateway-websocket-api-overview, "WebSocket API status codes"', DOCUMENTED)
LIMITS = Source("API Gateway developer guide, apigateway-execution-service-websocket-limits-table", DOCUMENTED)
TOO_BIG = Source("AWS re:Post QUpz6uWU0SSnunjzPrbmLtRg: 1009, reason = Message too big", OBSERVED)
TOO_BIG_EVENT = Source("the close frame's reason, for the event inferred", INFERRED)
BINARY = Source("API Gateway developer guide, websocket-api-develop-binary-media-types; the reason is not settled", DOCUMENTED)
NO_CODE = Source("aws-powertools/powertools-lambda-python and more than eight other captures", OBSERVED)
CLIENT_CODE = Source("two captures of 2025, and what RFC 6455 wants", INFERRED)
TAB = Source("two captures of 2025 of a browser's tab that is closed", OBSERVED)
ECHO = Source("RFC 6455, 5.5.1", INFERRED)
DELETED = Source("boto/boto3#3789 and aws/chalice#2060", OBSERVED)
DELETED_WIRE = Source("boto/boto3#3789, the event's reason; on the wire inferred", INFERRED)
IDLE = Source("captures of Firefox through a custom domain (Feb 2024), closed after 603.9 s", OBSERVED)
LIFETIME = Source(CODES.where + "; the reason is inferred from the idle timeout's", INFERRED)
KEEP_ALIVE = Source("hotsock.io's documentation of keep-alives, measured", OBSERVED)
PINGS = Source("client libraries ping every few minutes and rely on it", UNSETTLED)
RFC = Source("RFC 6455; what AWS does is not known", UNSETTLED)
LOST = Source(CODES.where + "; the text is not settled", DOCUMENTED)
AFTER = Source("API Gateway developer guide, apigateway-websocket-api-route-keys-connect-disconnect", DOCUMENTED)

KB = 1024
CONFIG = facts.api({"$disconnect": "event", "$default": "echo", "delete": "delete"})


@pytest.fixture
def emulator(serve):
    return serve(CONFIG)


class Opened:
    """A client whose id is known, so that its end can be looked up."""

    def __init__(self, emulator):
        self.emulator = emulator
        self.client = emulator.connect()
        self.id = emulator.identify(self.client)

    @property
    def end(self):
        return self.emulator.end_of(self.id)


@pytest.fixture
def opened(emulator):
    return Opened(emulator)


# ---- the client closes ----


@table(
    "code,reason",
    row("1000", CLIENT_CODE, "a client's 1000 and its reason", 1000, "bye"),
    row("1000 without reason", CLIENT_CODE, "a client's 1000 without a reason: the key is there, empty", 1000, ""),
    row("1001", TAB, "a browser's tab that is closed is 1001 with an empty reason", 1001, ""),
    row("1002", CLIENT_CODE, "a client's own 1002", 1002, "broken"),
    row("1003", CLIENT_CODE, "a client's own 1003", 1003, ""),
    row("1007", CLIENT_CODE, "a client's own 1007", 1007, ""),
    row("1008", CLIENT_CODE, "a client's own 1008", 1008, "policy"),
    row("1009", CLIENT_CODE, "a client's own 1009", 1009, ""),
    row("1011", CLIENT_CODE, "a client's own 1011", 1011, "error"),
    row("3000", CLIENT_CODE, "a library's code", 3000, "library"),
    row("3999", CLIENT_CODE, "a library's code", 3999, ""),
    row("4000", CLIENT_CODE, "an application's code", 4000, "application"),
    row("4999", CLIENT_CODE, "an application's code", 4999, ""),
    row("unicode reason", CLIENT_CODE, "a reason is UTF-8", 1000, "tschüß €"),
    row("longest reason", CLIENT_CODE, "a reason has up to 123 bytes", 1000, "x" * 123),
)
def test_a_client_closes_with_a_code(opened, code, reason):
    assert opened.client.close(code, reason)[0] == code
    assert opened.end == (code, reason)


@fact("a client that closes without a code is 1005 in the event", NO_CODE.where, OBSERVED)
def test_a_client_closes_without_a_code(opened):
    opened.client.close()
    assert opened.end == (1005, "Client-side close frame status not set")


@fact("a close frame without a code is echoed without one", ECHO.where, INFERRED)
def test_an_empty_close_is_echoed(opened):
    assert opened.client.close() == (1005, "")


@fact("a client's close frame is echoed with its code", ECHO.where, INFERRED)
def test_a_close_is_echoed(opened):
    opened.client.send_frame(wire.CLOSE, struct.pack(">H", 4001))
    _, opcode, payload = opened.client.receive_frame()
    assert (opcode, payload[:2]) == (wire.CLOSE, struct.pack(">H", 4001))


@fact("a client that is gone without a close frame is 1006", LOST.where, DOCUMENTED)
def test_a_client_that_is_gone(opened):
    opened.client.stream.close()
    assert opened.end == (1006, "Connection closed abnormally")


@fact("a client whose connection is reset is 1006", LOST.where, DOCUMENTED)
def test_a_client_that_is_reset(opened):
    opened.client.drop()
    assert opened.end[0] == 1006


@fact("$disconnect runs after the connection is gone", AFTER.where, DOCUMENTED)
def test_disconnect_comes_after_the_end(opened):
    opened.client.close(1000)
    assert opened.end == (1000, "")
    assert opened.emulator.get(opened.id).status == 410


@fact("the result of $disconnect is ignored", AFTER.where, DOCUMENTED)
def test_the_result_of_disconnect_is_ignored(serve):
    emulator = serve(facts.api({"$disconnect": "fail", "$default": "echo"}))
    assert emulator.connect().close(1000) == (1000, "")
    assert emulator.connect().ask("hello") == "hello"


# ---- the backend closes ----


@fact("DELETE @connections is 1000 `Connection Closed Normally` on the wire", DELETED_WIRE.where, INFERRED)
def test_a_delete_on_the_wire(opened):
    assert opened.emulator.delete(opened.id).status == 204
    assert opened.client.wait_closed() == (1000, "Connection Closed Normally")


@fact("DELETE @connections is 1000 `Connection Closed Normally` in the event", DELETED.where, OBSERVED)
def test_a_delete_in_the_event(opened):
    opened.emulator.delete(opened.id)
    opened.client.wait_closed()
    assert opened.end == (1000, "Connection Closed Normally")


@fact("a function that deletes its own connection closes it with 1000", DELETED.where, OBSERVED)
def test_a_function_deletes(serve):
    emulator = serve(facts.api({"$disconnect": "event", "$default": harness.one_way("delete"), "echo": "echo"}))
    opened = Opened(emulator)
    opened.client.send(opened.id)
    assert opened.client.wait_closed() == (1000, "Connection Closed Normally")
    assert opened.end == (1000, "Connection Closed Normally")


# ---- the gateway closes ----



BREACHES = {
    "frame over 32 KB": lambda client: client.send("x" * (32 * KB + 1)),
    "message over 128 KB": lambda client: client.send_fragmented(b"x" * (128 * KB + 1), 32 * KB),
    "binary": lambda client: client.send_frame(wire.BINARY, b"x"),
    "empty binary": lambda client: client.send_frame(wire.BINARY, b""),
    "not UTF-8": lambda client: client.send_frame(wire.TEXT, b"\xff"),
    "reserved opcode": lambda client: client.send_frame(3, b"x"),
    "reserved bit": lambda client: client.send_frame(wire.TEXT, b"x", rsv=4),
    "lone continuation": lambda client: client.send_frame(wire.CONTINUATION, b"x"),
    "fragmented ping": lambda client: client.send_frame(wire.PING, b"x", fin=False),
    "large ping": lambda client: client.send_frame(wire.PING, b"x" * 126),
    "unmasked": lambda client: client.send_frame(wire.TEXT, b"x", mask=False),
}


def breach_rows(event):
    """A row for each breach, for the client's view or the event's."""
    big = TOO_BIG_EVENT if event else TOO_BIG
    view = "in the event" if event else "on the wire"
    return [
        row("frame over 32 KB", big, f"a frame over 32 KB is 1009 `Message too big` {view}", "frame over 32 KB", 1009, "Message too big"),
        row("message over 128 KB", big, f"a message over 128 KB is 1009 `Message too big` {view}", "message over 128 KB", 1009, "Message too big"),
        row("binary", BINARY, f"a binary frame is 1003 {view}", "binary", 1003, "Unsupported data"),
        row("empty binary", BINARY, f"an empty binary frame is 1003 {view}", "empty binary", 1003, "Unsupported data"),
        row("not UTF-8", RFC, f"text that is not UTF-8 is 1007 {view}", "not UTF-8", 1007, "Invalid frame payload data"),
        row("reserved opcode", RFC, f"a reserved opcode is 1002 {view}", "reserved opcode", 1002, "Protocol error"),
        row("reserved bit", RFC, f"a reserved bit is 1002 {view}", "reserved bit", 1002, "Protocol error"),
        row("lone continuation", RFC, f"a continuation of nothing is 1002 {view}", "lone continuation", 1002, "Protocol error"),
        row("fragmented ping", RFC, f"a control frame in fragments is 1002 {view}", "fragmented ping", 1002, "Protocol error"),
        row("large ping", RFC, f"a control frame over 125 bytes is 1002 {view}", "large ping", 1002, "Protocol error"),
        row("unmasked", RFC, f"an unmasked frame is 1002 {view}", "unmasked", 1002, "Protocol error"),
    ]


@table("breach,code,reason", *breach_rows(event=False))
def test_a_breach_on_the_wire(opened, breach, code, reason):
    BREACHES[breach](opened.client)
    assert opened.client.wait_closed() == (code, reason)


@table("breach,code,reason", *breach_rows(event=True))
def test_a_breach_in_the_event(opened, breach, code, reason):
    BREACHES[breach](opened.client)
    assert opened.end == (code, reason)


@table(
    "breach",
    row("too large", LIMITS, "what is too large makes no error frame, but a close", "frame over 32 KB"),
    row("binary", BINARY, "a binary frame makes no error frame, but a close", "binary"),
)
def test_a_breach_has_no_error_frame(opened, breach):
    BREACHES[breach](opened.client)
    _, opcode, _ = opened.client.receive_frame()
    assert opcode == wire.CLOSE


# ---- sizes ----


@table(
    "size",
    row("1", LIMITS, "a frame of one byte", 1),
    row("125", LIMITS, "a frame with the short length", 125),
    row("126", LIMITS, "a frame with the 16 bit length", 126),
    row("32767", LIMITS, "a frame just under 32 KB", 32 * KB - 1),
    row("32768", Source(LIMITS.where + "; that the limit itself passes is inferred", INFERRED), "a frame of exactly 32 KB", 32 * KB),
)
def test_a_frame_that_passes(opened, size):
    assert opened.client.ask("x" * size) == "x" * size


@table(
    "size,frame",
    row("two frames", LIMITS, "a message over 32 KB passes in several frames", 40 * KB, 32 * KB),
    row("many frames", LIMITS, "a message may have many frames", 4 * KB, 64),
    row("just under 128 KB", LIMITS, "a message just under 128 KB", 128 * KB - 1, 32 * KB),
    row("128 KB", Source(LIMITS.where + "; that the limit itself passes is inferred", INFERRED), "a message of exactly 128 KB", 128 * KB, 32 * KB),
    row("128 KB in small frames", LIMITS, "128 KB in frames of 1 KB", 128 * KB, KB),
)
def test_a_message_that_passes(opened, size, frame):
    opened.client.send_fragmented(b"x" * size, frame)
    assert opened.client.receive_bytes() == b"x" * size


# ---- pings ----


@table(
    "payload",
    row("empty", Source("clients with read deadlines rely on it", INFERRED), "a ping is answered with a pong", b""),
    row("text", Source("RFC 6455, 5.5.3", INFERRED), "a pong has the ping's payload", b"are you there"),
    row("125 bytes", Source("RFC 6455, 5.5.3", INFERRED), "a ping may have 125 bytes", b"x" * 125),
)
def test_a_ping_is_answered(opened, payload):
    opened.client.send_frame(wire.PING, payload)
    assert opened.client.receive_frame() == (True, wire.PONG, payload)


@fact("a ping makes no event", "RFC 6455, 5.5.2", INFERRED)
def test_a_ping_is_no_message(opened):
    opened.client.send_frame(wire.PING, b"x")
    assert opened.client.receive_frame()[1] == wire.PONG
    assert opened.client.ask("next") == "next"


# ---- time ----


# Two emulators: on one connections are left alone, on the other they are kept busy.
IDLE_CONFIG = facts.api({"$disconnect": "event", "$default": "echo"}, name="idle")
BUSY_CONFIG = facts.api({"$disconnect": "event", "$default": "echo"}, name="busy")


@fact("10 minutes without traffic close with 1001 `Going away`", IDLE.where, OBSERVED)
def test_the_idle_timeout_on_the_wire(serve):
    opened = Opened(serve(IDLE_CONFIG))
    opened.emulator.advance("10m")
    assert opened.client.wait_closed() == (1001, "Going away")


@fact("the $disconnect of the idle timeout has 1001 `Going away`", IDLE.where, OBSERVED)
def test_the_idle_timeout_in_the_event(serve):
    opened = Opened(serve(IDLE_CONFIG))
    opened.emulator.advance("11m")
    assert opened.end == (1001, "Going away")


@fact("the idle timeout fires 10 minutes after the last traffic", LIMITS.where, DOCUMENTED)
def test_when_the_idle_timeout_fires(serve):
    opened = Opened(serve(IDLE_CONFIG))
    opened.emulator.advance("1h")
    context = opened.emulator.event(opened.id, "DISCONNECT")["requestContext"]
    assert abs(context["requestTimeEpoch"] - context["connectedAt"] - 600_000) < 5_000


@fact("a connection that is idle for less than 10 minutes stays", LIMITS.where, DOCUMENTED)
def test_no_idle_timeout_before_10_minutes(serve):
    opened = Opened(serve(IDLE_CONFIG))
    opened.emulator.advance(590_000)
    assert opened.client.ask("still here") == "still here"


def keep(opened, how):
    """Keeps a connection busy for 50 minutes, every 5."""
    for _ in range(10):
        opened.emulator.advance("5m")
        how()


@fact("messages of the client start the idle timeout again", LIMITS.where, DOCUMENTED)
def test_messages_keep_a_connection(serve):
    opened = Opened(serve(BUSY_CONFIG))
    keep(opened, lambda: opened.client.ask("x"))
    assert opened.client.ask("still here") == "still here"


@fact("messages to the client start the idle timeout again", KEEP_ALIVE.where, OBSERVED)
def test_posts_keep_a_connection(serve):
    opened = Opened(serve(BUSY_CONFIG))

    def post():
        assert opened.emulator.post(opened.id, "x").status == 200
        assert opened.client.receive() == "x"

    keep(opened, post)
    assert opened.emulator.get(opened.id).status == 200


@fact("a ping of the client starts the idle timeout again", PINGS.where, UNSETTLED)
def test_pings_keep_a_connection(serve):
    opened = Opened(serve(BUSY_CONFIG))

    def ping():
        opened.client.send_frame(wire.PING, b"")
        assert opened.client.receive_frame()[1] == wire.PONG

    keep(opened, ping)
    assert opened.client.ask("still here") == "still here"


@fact("a GET of @connections is no traffic", "the idle timeout is about data in either direction", INFERRED)
def test_gets_do_not_keep_a_connection(serve):
    opened = Opened(serve(IDLE_CONFIG))
    opened.emulator.advance("6m")
    assert opened.emulator.get(opened.id).status == 200
    opened.emulator.advance("6m")
    assert opened.end == (1001, "Going away")


def live_on(opened, minutes):
    for _ in range(minutes // 9):
        opened.emulator.advance("9m")
        opened.client.ask("x")
    opened.emulator.advance(minutes % 9 * 60_000)


@fact("a connection lives for 2 hours at most: then 1001", CODES.where, DOCUMENTED)
def test_the_lifetime_on_the_wire(serve):
    opened = Opened(serve(BUSY_CONFIG))
    live_on(opened, 120)
    assert opened.client.wait_closed() == (1001, "Going away")


@fact("the $disconnect of the lifetime has 1001 `Going away`", LIFETIME.where, INFERRED)
def test_the_lifetime_in_the_event(serve):
    opened = Opened(serve(BUSY_CONFIG))
    live_on(opened, 121)
    assert opened.end == (1001, "Going away")
    context = opened.emulator.event(opened.id, "DISCONNECT")["requestContext"]
    assert abs(context["requestTimeEpoch"] - context["connectedAt"] - 7_200_000) < 5_000


@fact("a busy connection is still there after 1 h 58 min", KEEP_ALIVE.where, OBSERVED)
def test_the_lifetime_is_2_hours(serve):
    opened = Opened(serve(BUSY_CONFIG))
    live_on(opened, 118)
    assert opened.client.ask("still here") == "still here"


@fact("the gateway sends no pings of its own", "keep-alives of hotsock and others", OBSERVED)
def test_no_pings_of_the_gateway(serve):
    opened = Opened(serve(IDLE_CONFIG))
    opened.emulator.advance("9m")
    opened.client.send("x")
    assert opened.client.receive_frame() == (True, wire.TEXT, b"x")


# ---- the id ----


@table(
    "method",
    row("POST", Source("serverless-offline's end-to-end suite, written against AWS", OBSERVED), "a post to a closed connection is 410", "POST"),
    row("GET", Source("serverless-offline's end-to-end suite, written against AWS", OBSERVED), "a GET of a closed connection is 410", "GET"),
    row("DELETE", Source("serverless-offline's end-to-end suite, written against AWS", OBSERVED), "a DELETE of a closed connection is 410", "DELETE"),
)
def test_a_closed_connection_is_gone(opened, method):
    opened.client.close(1000)
    assert opened.end == (1000, "")
    response = opened.emulator.http(method, opened.emulator.connection_target(opened.id), b"x" if method == "POST" else b"")
    assert (response.status, response.body) == (410, b"")


@fact("posting to the connection from its own $disconnect is 410", "serverless-offline's end-to-end suite, written against AWS", OBSERVED)
def test_posting_from_disconnect(serve):
    emulator = serve(facts.api({"$disconnect": "post_self", "$default": "echo"}))
    emulator.connect().close(1000)
    emulator.wait_log("rule=connection-gone")


@fact("there is one $disconnect for each connection", AFTER.where, INFERRED)
def test_one_disconnect(opened):
    opened.client.send_frame(wire.CLOSE, struct.pack(">H", 1000))
    opened.emulator.delete(opened.id)
    opened.client.stream.close()
    assert opened.end[0] == 1000
    other = Opened(opened.emulator)
    other.client.close(1000)
    assert other.end == (1000, "")
    assert sum('"eventType":"DISCONNECT"' in text for text in opened.emulator.events(opened.id)) == 1
