"""--log-format json: every line is an object, and says what acted, on whom, and what the client was given."""

import json
import re

import harness
import pytest
import signing
import wire

ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
JSON = ["--log-format", "json"]
TYPES = {
    "time": str,
    "level": str,
    "subject": str,
    "fn": str,
    "rule": str,
    "value": int,
    "limit": int,
    "unit": str,
    "conn": str,
    "req": str,
    "status": int,
    "close": int,
    "frame": str,
    "todo": str,
    "message": str,
}
ALWAYS = {"time", "level", "subject", "message"}
LEVELS = {"error", "warn", "info", "debug"}
SUBJECTS = {"gateway", "function", "net", "config", "handler"}
UNKNOWN_ID = "AAAAAAAAAAAAAAA="
KEY = "d41d8cd98f00b204e980"
ALLOW_NOTHING = {"Version": "2012-10-17", "Statement": []}


@pytest.fixture
def start_json(start):
    def start_one(config=None, arguments=JSON):
        return start(config, arguments=arguments, split=True)

    return start_one


def lines_of(emulator):
    """The log as objects. The last line may be on its way."""
    text = emulator.log
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def wait_line(emulator, **members):
    """The first line with these members."""

    def find():
        found = [line for line in lines_of(emulator) if members.items() <= line.items()]
        return found and found[0]

    return harness.until(find, f"a line with {members}")


def check(line):
    """Is it as docs/cli.md says?"""
    assert ALWAYS <= set(line) <= set(TYPES), line
    for name, value in line.items():
        assert isinstance(value, TYPES[name]) and value != "", line
    assert re.fullmatch(ISO, line["time"])
    assert line["level"] in LEVELS and line["subject"] in SUBJECTS


# ---- one line for each kind of refusal, close, drop and throttle ----


def client_sends(*frames, **how):
    def act(emulator):
        client = emulator.connect()
        for opcode, payload in frames:
            client.send_frame(opcode, payload, **how)

    return act


def message(text):
    return client_sends((wire.TEXT, text.encode()))


def route(key):
    return message(json.dumps({"action": key}))


def refused(*arguments, **options):
    return lambda emulator: emulator.refusal(*arguments, **options)


def http(*arguments, **options):
    return lambda emulator: emulator.http(*arguments, **options)


def idle(amount):
    def act(emulator):
        emulator.connect()
        emulator.advance(amount)

    return act


def lifetime(emulator):
    client = emulator.connect()
    for _ in range(14):
        emulator.advance("9m")
        try:
            client.ask("hello")
        except wire.Closed:
            return


def dropped(emulator):
    emulator.connect().drop()


def deleted(emulator):
    emulator.delete(emulator.identify(emulator.connect()))


def stalled(emulator):
    stream = wire.Stream(emulator.address)
    stream.send(b"GET /dev HTTP/1.1\r\n")
    stream.read_to_end()


def does_not_read(emulator):
    connection_id = emulator.identify(emulator.connect(receive_buffer=4096))
    while emulator.post(connection_id, b"x" * 100_000).status == 200:
        pass


def large_head(emulator):
    stream = wire.Stream(emulator.address)
    stream.send(wire.handshake_request("/dev", [("X-Large", "x" * 20_000)])[0])
    stream.read_to_end()


def fragmented(emulator):
    emulator.connect().send_fragmented(b"x" * 131073, 32768)


def api(**members):
    handlers = {name: name for name in ("crash", "respond_none", "echo")}
    return harness.api({"$connect": "status", **handlers}, **members)


def with_connect(connect, **members):
    config = api(**members)
    config["routes"]["$connect"].update(connect)
    return config


def guarded(handler):
    return harness.guarded(handler, ["route.request.querystring.token"])


def keyed(plan):
    plans = {"basic": {"apiKeys": ["a"], **plan}}
    return with_connect({"apiKeyRequired": True}, apiKeys={"a": {"value": KEY}}, usagePlans=plans)


def twice(emulator):
    emulator.connect(headers=[("x-api-key", KEY)])
    emulator.refusal(headers=[("x-api-key", KEY)])


IAM = {"authorizationType": "AWS_IAM"}
SIGNED = with_connect(IAM, iam=signing.iam(policy=ALLOW_NOTHING))
WARN, INFO = {"level": "warn"}, {"level": "info"}
IDS = {"conn", "req"}

# The rule: the API, what is done, what the line has, and the ids that it has too.
ACTS = {
    "frame-too-large": (
        api(),
        message("x" * 32769),
        {**WARN, "value": 32769, "limit": 32768, "unit": "bytes", "close": 1009},
        {"conn", "todo"},
    ),
    "message-too-large": (
        api(),
        fragmented,
        {**WARN, "value": 131073, "limit": 131072, "unit": "bytes", "close": 1009},
        {"conn", "todo"},
    ),
    "binary-frame": (api(), client_sends((wire.BINARY, b"x")), {**WARN, "close": 1003}, {"conn", "todo"}),
    "text-not-utf8": (api(), client_sends((wire.TEXT, b"\xff")), {**WARN, "close": 1007}, {"conn", "todo"}),
    "protocol-error": (api(), client_sends((wire.TEXT, b"x"), rsv=4), {**WARN, "close": 1002}, {"conn", "todo"}),
    "idle-timeout": (
        api(),
        idle("10m"),
        {**INFO, "value": 600_000, "limit": 600_000, "unit": "ms", "close": 1001},
        {"conn", "todo"},
    ),
    "connection-lifetime": (
        api(),
        lifetime,
        {**INFO, "value": 7_200_000, "limit": 7_200_000, "unit": "ms", "close": 1001},
        {"conn", "todo"},
    ),
    "connection-lost": (api(), dropped, INFO, {"conn"}),
    "closed-by-backend": (api(), deleted, {**INFO, "close": 1000}, {"conn"}),
    "route-not-found": (api(), message("nope"), {**WARN, "frame": "Forbidden"}, {*IDS, "todo"}),
    "integration-failed": (api(), route("crash"), {**WARN, "frame": "Internal server error"}, {*IDS, "todo"}),
    "result-malformed": (api(), route("respond_none"), {**WARN, "frame": "Internal server error"}, {*IDS, "todo"}),
    "connect-refused": (api(), refused("?status=418"), {**INFO, "status": 418}, {*IDS, "todo"}),
    "stage-unknown": (api(), refused(path="/prod"), {**WARN, "status": 403}, set()),
    "upgrade-required": (api(), http("GET", "/dev"), {**WARN, "status": 426}, {"todo"}),
    "handshake-invalid": (
        api(),
        refused(headers=[("Sec-WebSocket-Version", "8")]),
        {**WARN, "status": 400},
        {"todo"},
    ),
    "head-too-large": (api(), large_head, {**WARN, "limit": 16384, "unit": "bytes", "status": 431}, {"value", "todo"}),
    "head-timeout": (
        api(rules={"head-timeout": 50}),
        stalled,
        {**WARN, "limit": 50, "unit": "ms", "status": 408},
        set(),
    ),
    "url-too-long": (
        api(),
        refused(path="/dev?" + "x" * 4092),
        {**WARN, "value": 4097, "limit": 4096, "unit": "characters", "status": 414},
        {"todo"},
    ),
    "connection-gone": (
        api(),
        http("GET", f"/dev/@connections/{UNKNOWN_ID}"),
        {**INFO, "status": 410, "conn": UNKNOWN_ID},
        {"todo"},
    ),
    "connection-id-invalid": (
        api(),
        http("GET", "/dev/@connections/short"),
        {**WARN, "status": 400, "conn": "short"},
        {"todo"},
    ),
    "payload-too-large": (
        api(),
        http("POST", f"/dev/@connections/{UNKNOWN_ID}", b"x" * 131073),
        {**WARN, "value": 131073, "limit": 131072, "unit": "bytes", "status": 413},
        {"conn", "todo"},
    ),
    "management-forbidden": (api(), http("PUT", "/dev/@connections/x"), {**WARN, "status": 403}, {"todo"}),
    "management-path": (api(), http("GET", "/dev/@connections"), {**WARN, "status": 404}, {"todo"}),
    "send-queue-full": (
        api(),
        does_not_read,
        {**WARN, "limit": 1048576, "unit": "bytes", "status": 429},
        {"conn", "todo"},
    ),
    "account-throttle": (
        api(rules={"account-throttle": 1, "account-burst": 1}),
        message("hello"),
        {**WARN, "limit": 1, "unit": "requests/s", "frame": "Too Many Requests"},
        {*IDS, "todo"},
    ),
    "callback-throttled": (
        api(rules={"account-throttle": 0}),
        http("GET", f"/dev/@connections/{UNKNOWN_ID}"),
        {**WARN, "status": 429, "conn": UNKNOWN_ID},
        {"todo"},
    ),
    "connections-per-second": (
        api(rules={"connections-per-second": 0}),
        refused(),
        {**WARN, "status": 429, "unit": "handshakes/s"},
        {"todo"},
    ),
    "route-throttle": (
        api(routeSettings={"$connect": {"throttlingRateLimit": 0}}),
        refused(),
        {**WARN, "status": 429},
        {"todo"},
    ),
    "throttled-message": (
        api(routeSettings={"echo": {"throttlingRateLimit": 0}}, rules={"throttled-message": "close"}),
        route("echo"),
        {"close": 1008},
        {"conn", "todo"},
    ),
    "signature-missing": (SIGNED, refused(), {**WARN, "status": 403}, {"todo"}),
    "iam-denied": (
        SIGNED,
        lambda emulator: emulator.refusal(headers=signing.Signer().headers("GET", "/dev")),
        {**WARN, "status": 403},
        {"todo"},
    ),
    "signature-mismatch": (
        api(iam=signing.iam(connections=True)),
        lambda emulator: signing.Signer(secret="x").http(emulator, "GET", f"/dev/@connections/{UNKNOWN_ID}"),
        {**WARN, "status": 403},
        set(),
    ),
    "signature-expired": (
        with_connect(IAM, iam=signing.iam()),
        lambda emulator: emulator.refusal(headers=signing.Signer(shift_s=-1000).headers("GET", "/dev")),
        {**WARN, "status": 403, "limit": 300_000, "unit": "ms"},
        {"value", "todo"},
    ),
    "api-key-invalid": (keyed({}), refused(), {**WARN, "status": 403}, {*IDS, "todo"}),
    "usage-plan-throttle": (
        keyed({"throttle": {"rateLimit": 0.01, "burstLimit": 1}}),
        twice,
        {**WARN, "status": 429},
        {*IDS, "todo"},
    ),
    "usage-plan-quota": (
        keyed({"quota": {"limit": 1, "period": "MONTH"}}),
        twice,
        {**WARN, "status": 429},
        {*IDS, "todo"},
    ),
    "identity-source-missing": (guarded("none"), refused(), {**WARN, "status": 401}, {*IDS, "todo"}),
    "authorizer-unauthorized": (
        guarded("fail"),
        refused("?token=x&message=Unauthorized"),
        {**INFO, "status": 401},
        IDS,
    ),
    "authorizer-failed": (guarded("crash"), refused("?token=x"), {**WARN, "status": 500}, {*IDS, "todo"}),
    "authorizer-result-malformed": (guarded("none"), refused("?token=x"), {**WARN, "status": 500}, {*IDS, "todo"}),
    "authorizer-result-too-large": (
        guarded("sized"),
        refused("?token=x&bytes=9000"),
        {**WARN, "status": 500, "value": 9000, "limit": 8192, "unit": "bytes"},
        {*IDS, "todo"},
    ),
}


@pytest.mark.parametrize("rule", ACTS)
def test_a_line_says_everything_about(start_json, rule):
    config, act, members, more = ACTS[rule]
    emulator = start_json(config)
    act(emulator)
    line = wait_line(emulator, rule=rule)
    assert line == {**line, **members, "subject": "gateway"}
    given = {"status", "close", "frame"} & set(members)
    assert set(line) - {"value", "limit", "unit", *IDS} == {*ALWAYS, "rule", *given, *(more - {"value", *IDS})}
    assert more <= set(line)
    for line in lines_of(emulator):
        check(line)


# ---- functions and handlers ----


@pytest.mark.parametrize("handler", ["crash", "fail", "exit3"])
def test_a_failed_invocation_has_a_line_of_the_function_and_one_of_the_gateway(start_json, handler):
    emulator = start_json(harness.api({handler: handler}))
    frame = json.loads(emulator.connect().ask(f'{{"action":"{handler}"}}'))
    function = wait_line(emulator, subject="function", fn=handler)
    assert function["level"] == "error"
    assert re.fullmatch(UUID, function["req"])
    gateway = wait_line(emulator, subject="gateway", rule="integration-failed")
    assert (gateway["conn"], gateway["req"]) == (frame["connectionId"], frame["requestId"])
    assert gateway["frame"] == frame["message"]


def test_what_a_handler_prints_is_a_line_of_the_subject_handler(start_json):
    emulator = start_json(harness.api({"$default": "print"}))
    emulator.connect().ask("hello")
    for text in ("stdout hello", "stderr hello", "two pieces hello", "WARN logged"):
        line = wait_line(emulator, subject="handler", message=text)
        assert (line["fn"], line["level"]) == ("print", "info")
        assert re.fullmatch(UUID, line["req"])
    for text in ("raw stdout hello", "raw stderr hello"):
        assert wait_line(emulator, subject="handler", message=text)["fn"] == "print"
    for line in lines_of(emulator):
        check(line)


ODD_TEXTS = {
    "quotes": '{"a":"b\\"c"}',
    "controls": "\x01\x02\t\x1b[31mred\x7f",
    "a forged line": '"}\n{"time":"2026","level":"error"',
    "other languages": "äö€😀 \u2028\u202e",
    "a null": "a\0b",
}


@pytest.mark.parametrize("kind", ODD_TEXTS)
def test_whatever_a_handler_prints_each_line_parses(start_json, kind):
    emulator = start_json(harness.api({"$default": "print"}))
    emulator.connect().ask(ODD_TEXTS[kind])
    wait_line(emulator, message="WARN logged")
    emulator.stop()
    lines = lines_of(emulator)
    for line in lines:
        check(line)
    assert "\x1b" not in emulator.log and "\x01" not in emulator.log
    assert [line["rule"] for line in lines if line["subject"] != "handler"] == ["going-away"]


@pytest.mark.parametrize("text", ["x" * 10_000, '"' * 10_000, "€" * 5000, "\x01" * 9000], ids="xq€c")
def test_a_line_that_is_too_long_is_cut_and_parses(start_json, text):
    emulator = start_json(harness.api({"$default": "print"}))
    emulator.connect().ask(text)
    emulator.stop()
    assert max(len(line.encode()) for line in emulator.log.splitlines()) < 4096
    for line in lines_of(emulator):
        check(line)
    assert any(len(line["message"]) > 500 and line["message"].startswith("stdout ") for line in lines_of(emulator))


def test_what_a_client_sends_cannot_break_a_line(start_json):
    emulator = start_json(harness.api({"say": "echo"}))
    client = emulator.connect()
    for text in ODD_TEXTS.values():
        client.ask(json.dumps({"action": text}))
        emulator.http("GET", "/" + "".join(f"%{byte:02x}" for byte in text.encode()))
    emulator.http("GET", '/a"b\\c\x9b')
    client.close(1000, '"}\n{')
    emulator.stop()
    lines = lines_of(emulator)
    for line in lines:
        check(line)
    assert sum(line.get("rule") == "route-not-found" for line in lines) == len(ODD_TEXTS)


def test_at_level_debug_each_line_parses_too(start_json):
    emulator = start_json(harness.api({"$connect": "status", "$default": "echo"}), [*JSON, "--log-level", "debug"])
    emulator.connect().ask("hello")
    emulator.get(UNKNOWN_ID)
    emulator.stop()
    lines = lines_of(emulator)
    for line in lines:
        check_debug(line)
    assert any(line["level"] == "debug" for line in lines)


def check_debug(line):
    """Debug lines have fields of their own."""
    assert ALWAYS <= set(line), line
    assert re.fullmatch(ISO, line["time"])
    assert line["level"] in LEVELS


def test_the_times_follow_the_clock(start_json):
    emulator = start_json()
    now = emulator.advance("365d")["now"]
    emulator.get(UNKNOWN_ID)
    assert wait_line(emulator, rule="connection-gone")["time"] >= now


def test_tuned_rules_are_lines_too(start_json):
    emulator = start_json(harness.api(rules={"binary-frame": "allow", "idle-timeout": 60000}))
    wait_line(emulator, subject="config", message='rule binary-frame is "allow" here, "close" on AWS')
    wait_line(emulator, subject="config", message="rule idle-timeout is 60000 ms here, 600000 on AWS")


def test_there_are_no_colours_in_json(start_json):
    emulator = start_json()
    emulator.refusal(path="/nowhere")
    wait_line(emulator, rule="stage-unknown")
    assert "\x1b" not in emulator.log


def test_text_is_the_format_unless_it_is_asked_for(start):
    emulator = start()
    emulator.refusal(path="/nowhere")
    emulator.wait_log(r"(?m)^\d\d:\d\d:\d\d\.\d{3} warn  gateway: .* rule=stage-unknown status=403$")


def test_another_format_is_refused():
    result = harness.run("run", "--log-format", "xml")
    assert result.returncode == 2
    assert "xml" in result.stderr and "json" in result.stderr
