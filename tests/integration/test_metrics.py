"""/_apigw/metrics: what was done is what was counted, in the format of Prometheus."""

import json
import shutil
import subprocess

import harness
import prometheus_client.parser
import pytest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """One scrape, read by Prometheus's own client."""

    def __init__(self, emulator):
        response = emulator.http("GET", "/_apigw/metrics")
        assert (response.status, response.get("Content-Type")) == (200, CONTENT_TYPE)
        self.text = response.text
        self.families = list(prometheus_client.parser.text_string_to_metric_families(self.text))
        self.samples = {}
        for family in self.families:
            for sample in family.samples:
                key = (sample.name, frozenset(sample.labels.items()))
                assert key not in self.samples, f"{key} is there twice"
                self.samples[key] = sample.value

    def get(self, name, **labels):
        """The sum of the samples that have these labels."""
        wanted = set(labels.items())
        return sum(value for (found, has), value in self.samples.items() if found == name and wanted <= has)

    def labels(self, name):
        return [dict(has) for found, has in self.samples if found == name]


def wait_metric(emulator, count, name, **labels):
    """The scrape that has so many of it."""
    scrape = None

    def has_come():
        nonlocal scrape
        scrape = Metrics(emulator)
        return scrape.get(name, **labels) == count

    harness.until(has_come, f"{name} {labels} is {count}")
    return scrape


def ended(emulator, route, count=1):
    """What was counted once so many integrations of a route have ended."""
    return wait_metric(emulator, count, "apigw_integration_latency_seconds_count", route=route)


def test_what_was_done_is_what_was_counted(start):
    routes = {"$connect": "status", "$disconnect": "status", "say": "status", "lost": "fail", "$default": "echo"}
    emulator = start(harness.api(routes))
    clients = [emulator.connect() for _ in range(3)]
    for client in clients:
        assert client.ask("hello") == "hello"
    for status in (200, 404, 503):
        clients[0].ask(str(status))  # $default echoes: no such route
    clients[0].ask('{"action":"lost"}')
    connection = emulator.identify(clients[1])
    assert emulator.post(connection, "pushed").status == 200
    assert clients[1].receive() == "pushed"
    assert emulator.refusal(query="?status=401").status == 401
    clients[2].close()
    m = ended(emulator, "$disconnect")
    assert m.get("apigw_connect_count_total", route="$connect") == 4
    assert m.get("apigw_connect_count_total") == 4
    assert m.get("apigw_message_count_total", direction="in", route="$default") == 6
    assert m.get("apigw_message_count_total", direction="out", route="$default") == 6
    assert m.get("apigw_message_count_total", direction="in", route="lost") == 1
    assert m.get("apigw_message_count_total", direction="out", route="lost") == 1, "the error frame"
    assert m.get("apigw_message_count_total", direction="in", route="whoami") == 1
    assert m.get("apigw_message_count_total", direction="out") == 9, "six echoes, an error, an event and a push"
    assert m.get("apigw_message_bytes_total", direction="in", route="$default") == 3 * 5 + 3 * 3
    assert m.get("apigw_integration_error_total", route="$connect") == 1, "the 401"
    assert m.get("apigw_integration_error_total") == 1
    assert m.get("apigw_execution_error_total", route="lost") == 1
    assert m.get("apigw_execution_error_total") == 1
    assert m.get("apigw_client_error_total") == 0
    assert m.get("apigw_integration_latency_seconds_count", route="$connect") == 4
    assert m.get("apigw_integration_latency_seconds_count", route="$default") == 6
    assert m.get("apigw_handshakes_total", status="101") == 3
    assert m.get("apigw_handshakes_total", status="401") == 1
    assert m.get("apigw_connections") == 2
    assert m.get("apigw_function_invocations_total", function="echo") == 6
    assert m.get("apigw_function_errors_total", function="fail") == 1
    assert m.get("apigw_function_duration_seconds_count", function="echo") == 6
    assert m.get("apigw_function_cold_starts_total", function="echo") == 1
    assert m.get("apigw_function_environments", function="echo") == 1
    assert m.get("apigw_function_queued") == m.get("apigw_function_running") == 0


def test_a_status_of_the_integration_is_its_error_whatever_the_client_is_sent(start):
    emulator = start(harness.api({"$default": "status"}))
    client = emulator.connect()
    for status in ("200", "399", "400", "599"):
        assert client.ask(status) == f"status {status}"
    m = ended(emulator, "$default", 4)
    assert m.get("apigw_integration_error_total", route="$default") == 2
    assert m.get("apigw_execution_error_total") == m.get("apigw_client_error_total") == 0


def test_what_the_gateway_refuses_is_the_clients_error(start):
    throttled = {"throttlingRateLimit": 0, "throttlingBurstLimit": 0}
    emulator = start(harness.api({"say": "echo", "busy": "echo"}, routeSettings={"busy": throttled}))
    client = emulator.connect()
    client.ask("no route")
    client.ask('{"action":"busy"}')
    m = Metrics(emulator)
    assert m.get("apigw_client_error_total", route="busy") == 1
    assert m.get("apigw_client_error_total") == 2
    assert m.get("apigw_message_count_total", direction="in") == 2
    assert m.get("apigw_message_count_total", direction="out") == 2
    assert [labels for labels in m.labels("apigw_client_error_total") if "route" not in labels] == [
        {"api_id": m.labels("apigw_connections")[0]["api_id"], "stage": "dev"}
    ], "what has no route has no such label"
    assert m.get("apigw_integration_latency_seconds_count") == 0


def test_a_refused_handshake_is_the_clients_error_and_a_failed_authorizer_nobodys(start):
    emulator = start(harness.guarded("answer", ["route.request.header.Auth"]))
    assert emulator.refusal().status == 401
    assert emulator.refusal(headers=[("Auth", "x"), ("X-Answer", "nonsense")]).status == 500
    m = Metrics(emulator)
    assert m.get("apigw_client_error_total", route="$connect") == 1
    assert m.get("apigw_handshakes_total", status="401") == m.get("apigw_handshakes_total", status="500") == 1
    assert m.get("apigw_connect_count_total") == 0
    assert m.get("apigw_execution_error_total") == m.get("apigw_integration_error_total") == 0


def test_a_handshake_to_no_stage_is_counted_nowhere(start):
    emulator = start()
    assert emulator.refusal(path="/nowhere").status == 403
    m = Metrics(emulator)
    assert m.get("apigw_handshakes_total") == m.get("apigw_client_error_total") == 0


def test_latencies_are_where_they_belong(start):
    emulator = start(harness.api({"slow": "hang", "$default": "echo"}, {"hang": {"timeout": 60}}))
    client = emulator.connect()
    client.ask("quick")
    client.send('{"action":"slow"}')
    emulator.wait_log("hanging")
    emulator.advance("29s")
    client.receive()
    m = ended(emulator, "slow")
    name = "apigw_integration_latency_seconds"
    assert 29 <= m.get(f"{name}_sum", route="slow") < 60
    assert m.get(f"{name}_bucket", route="slow", le="10") == 0
    assert {labels["le"] for labels in m.labels(f"{name}_bucket")} >= {"10", "29", "+Inf"}
    assert m.get(f"{name}_bucket", route="slow", le="+Inf") == 1
    assert 0 < m.get(f"{name}_sum", route="$default") < 29
    assert m.get(f"{name}_bucket", route="$default", le="29") == 1
    buckets = [value for (found, has), value in m.samples.items() if found == f"{name}_bucket" and ("route", "$default") in has]
    assert buckets == sorted(buckets)
    assert m.get("apigw_execution_error_total", route="slow") == 1


def test_stages_are_counted_apart(start):
    emulator = start(harness.api(stages={"dev": {}, "prod": {}}))
    for stage, messages in (("dev", 1), ("prod", 2)):
        client = emulator.connect(path=f"/{stage}")
        for _ in range(messages):
            client.ask("x")
    m = Metrics(emulator)
    for stage, messages in (("dev", 1), ("prod", 2)):
        assert m.get("apigw_message_count_total", stage=stage, direction="in") == messages
        assert m.get("apigw_connections", stage=stage) == 1


def test_counters_survive_a_changed_configuration(start):
    emulator = start(harness.api({"old": "echo", "$default": "echo"}), watch=True)
    client = emulator.connect()
    for text in ("x", '{"action":"old"}'):
        client.ask(text)
    emulator.config_path.write_text(json.dumps(harness.api({"new": "echo", "$default": "echo"})))
    emulator.wait_log("taken over")
    client.ask("x")
    m = Metrics(emulator)
    assert m.get("apigw_message_count_total", direction="in", route="$default") == 2
    assert {labels.get("route") for labels in m.labels("apigw_client_error_total")} == {"new", "$default", "whoami", None}


def test_a_message_that_began_before_a_change_is_counted_where_its_route_is_now(start, gate):
    function = gate.function()
    emulator = start(harness.api({"first": "echo", "held": "gate", "$default": "echo"}, {"gate": function}), watch=True)
    client = emulator.connect()
    client.send('{"action":"held"}')
    gate.wait_entered('{"action":"held"}')
    emulator.config_path.write_text(json.dumps(harness.api({"held": "gate", "$default": "echo"}, {"gate": function})))
    emulator.wait_log("taken over")
    gate.open('{"action":"held"}')
    client.receive()
    m = ended(emulator, "held")
    assert m.get("apigw_message_count_total", direction="out", route="held") == 1


def test_every_family_is_described_and_none_is_empty_of_help(emulator):
    emulator.connect().ask("x")
    m = Metrics(emulator)
    for family in m.families:
        assert family.documentation and family.type in ("counter", "gauge", "histogram", "summary"), family
        assert family.name.startswith("apigw_")
    kinds = {family.name: family.type for family in m.families}
    assert kinds["apigw_integration_latency_seconds"] == "histogram"
    assert m.text.endswith("\n")


def test_a_route_key_cannot_end_its_label(start):
    key = 'a"b\\c{}\n#\u00e9'
    emulator = start(harness.api({key: "echo", "$default": "echo"}))
    emulator.connect().ask(json.dumps({"action": key}))
    assert Metrics(emulator).get("apigw_message_count_total", route=key, direction="in") == 1


def test_every_metric_is_in_the_manual(emulator):
    emulator.connect().ask("x")
    manual = (harness.ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    names = {line.split()[2] for line in Metrics(emulator).text.splitlines() if line.startswith("# TYPE")}
    assert not {name for name in names if f"`{name}`" not in manual}


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_promtool_finds_nothing_wrong(start):
    emulator = start()
    emulator.connect().ask("x")
    result = subprocess.run(
        ["promtool", "check", "metrics"], input=Metrics(emulator).text, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


def test_apis_are_counted_apart_and_share_what_functions_have_done(start):
    emulator = start(harness.api(name="one"), also=[harness.api(name="two", stage="other")])
    for path, messages in (("/dev", 1), ("/other", 3)):
        client = emulator.connect(path=path)
        for _ in range(messages):
            client.ask("x")
    m = Metrics(emulator)
    ids = {labels["stage"]: labels["api_id"] for labels in m.labels("apigw_connections")}
    assert len(set(ids.values())) == 2
    assert m.get("apigw_message_count_total", api_id=ids["dev"], direction="in") == 1
    assert m.get("apigw_message_count_total", api_id=ids["other"], direction="in") == 3
    assert m.get("apigw_function_invocations_total", function="echo") == 4
