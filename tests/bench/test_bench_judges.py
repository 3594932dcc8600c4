"""How the bench judges what it has measured. No program runs here."""

import instructions
import measure
import peers
import report
import rows
import scaling

ECHO = ("echo-1x1-1k", "apigw")
BARE = ("echo-1x1-1k", "L")


def figure(reach, at_most=False):
    return rows.than("echo-1x1-1k", "rate", reach, "L", at_most)


def rounds(*pairs):
    return [{ECHO: {"rate": ours}, BARE: {"rate": bare}} for ours, bare in pairs]


def test_a_ratio_is_taken_inside_a_round():
    """The machine is half as fast in the second: the ratio stays, and is not that of the medians."""
    assert figure(0.5).values(rounds((60, 100), (30, 50), (10, 40))) == [0.6, 0.6, 0.25]
    assert figure(0.6).reached(rounds((60, 100), (30, 50), (10, 40)))


def test_a_round_that_lacks_one_of_the_two_counts_for_neither():
    incomplete = [*rounds((60, 100)), {ECHO: {"rate": 1}}]
    assert figure(0.5).values(incomplete) == [0.6]


def test_what_was_not_measured_is_neither_reached_nor_missed():
    assert figure(0.5).reached([{ECHO: {"rate": 1}}]) is None


def test_a_limit_from_above_holds_at_the_limit():
    assert figure(2, at_most=True).reached(rounds((200, 100)))
    assert not figure(2, at_most=True).reached(rounds((201, 100)))


def row(*figures):
    return rows.Row(1, "echo", figures)


def test_a_row_is_reached_only_if_each_of_its_figures_is():
    both = row(figure(0.5), figure(0.7))
    assert report.mark(both, rounds((60, 100))) == report.MISSED
    assert report.mark(both, rounds((80, 100))) == report.REACHED


def test_a_row_without_a_peer_says_which_is_missing():
    with_s = row(figure(0.5), rows.than("echo-1x1-1k", "rate", 60, "S"))
    assert report.mark(with_s, rounds((60, 100))) == "reached, without S"
    assert report.mark(row(rows.than("echo-1x1-1k", "rate", 60, "S")), rounds((60, 100))) == report.UNKNOWN


def missed_with(*keys):
    """The rows that --check fails for, where these scenarios gave a hundredth of bare libwebsockets' rate."""
    results = {(key, peer): {"rate": rate} for key in keys for peer, rate in (("apigw", 1), ("L", 100))}
    return report.missed(report.Run("full", 0, [results], [], [], []))


def test_a_row_that_is_not_pinned_is_no_gate():
    """The time to wake a sleeping CPU drowns what it would tell."""
    assert missed_with("echo-32x16-64") == [5]
    assert missed_with("free-256x1-1k") == []


def test_reordering_counts_where_order_is_promised_and_nowhere_else():
    ordered = [{ECHO: {"reordered": 3}, BARE: {"reordered": 5}}]
    assert rows.reordered(ordered) == 3
    assert rows.reordered([{("echo-32x16-64", "apigw"): {"reordered": 7}}]) == 0


def test_each_row_asks_for_what_is_measured():
    measured = {(scenario.key, peer) for scenario in rows.SCENARIOS for peer in scenario.peers}
    for row_ in rows.ROWS:
        for figure_ in row_.figures:
            for of in (figure_.of, figure_.over):
                assert of is None or of[:2] in measured, row_.title


def test_the_order_of_the_peers_changes_from_round_to_round():
    import run

    bench = measure.Bench(None, measure.FULL, 0)
    scenario = rows.SCENARIOS[0]
    firsts = {run.peers_of(bench, scenario, number)[0] for number in range(len(scenario.peers))}
    assert firsts == set(scenario.peers)


def curve(series_key, costs):
    series = next(series for series in scaling.SERIES if series.key == series_key)
    return scaling.Curve(series, {point: [cost] for point, cost in costs.items()})


def test_a_curve_that_rises_at_its_end_bends():
    assert curve("routes", {1: 10, 10: 10, 100: 10.5}).bends() is False
    assert curve("routes", {1: 10, 10: 10, 100: 20}).bends() is True
    assert curve("routes", {1: 10, 10: 20}).bends() is None


def test_a_message_of_more_bytes_may_cost_more_but_not_each_byte():
    assert curve("size", {64: 5, 1064: 6, 11064: 16, 21064: 26}).bends() is False
    assert curve("size", {64: 5, 1064: 6, 11064: 16, 21064: 46}).bends() is True


def test_a_change_of_instructions_beyond_the_tolerance_is_told():
    before = dict.fromkeys(instructions.SCENARIOS, 10000)
    assert instructions.changes(before, {**before, "handshake": 10200}) == []
    for now in (10400, 9600):
        (sentence,) = instructions.changes(before, {**before, "handshake": now})
        assert "handshake" in sentence and f"{now:,}" in sentence


def test_the_api_that_is_measured_has_the_routes_of_its_scenario(tmp_path):
    assert "$connect" not in peers.api(tmp_path)["routes"]
    assert "$disconnect" not in peers.api(tmp_path, "connect")["routes"]
    assert {"$connect", "$disconnect"} <= peers.api(tmp_path, "connect+disconnect")["routes"].keys()
    assert len(peers.api(tmp_path, "functions:100")["functions"]) == 100


def test_no_limit_is_switched_off_for_the_bench(tmp_path):
    """The two rates of an account are numbers that are not reached: they are looked at all the same."""
    assert all(isinstance(setting, int) for setting in peers.api(tmp_path)["rules"].values())
