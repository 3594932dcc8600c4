"""`./dev bench --smoke`: everything is measured once, for a moment. That it runs is what counts here, never a figure."""

import json
import subprocess
import sys

import harness
import measure
import pytest
import rows
import scaling

LIMIT_S = 120  # it takes some ten seconds; a machine that does much else takes longer
MARKS = ("reached", "NOT REACHED", "not measured")
NUMBERS = [str(number) for number in range(1, 20)]
PROGRAM = harness.ROOT / "bench" / "run.py"


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """What one run printed, and what it has found."""
    found = tmp_path_factory.mktemp("bench") / "found.json"
    command = [sys.executable, str(PROGRAM), "--smoke", "--build", str(harness.BUILD), "--json", str(found)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, stdin=subprocess.DEVNULL)
    assert found.exists(), done.stderr
    return done, json.loads(found.read_text())


def check_failures(done, found):
    """Where nothing may be traced, system calls are not counted: that is no failure of the bench."""
    failures = [failure for failure in found["failures"] if "strace cannot trace here" not in failure]
    assert not failures
    assert done.returncode == (1 if found["failures"] else 0)


def check_table(done, found):
    """Each row is there once, in order, and has a mark."""
    first_cells = [line.split("|")[1].strip() for line in done.stdout.splitlines() if line.startswith("|")]
    assert [cell for cell in first_cells if cell in NUMBERS][: len(NUMBERS)] == NUMBERS
    assert sorted(found["marks"], key=int) == NUMBERS
    assert all(mark.startswith(MARKS) for mark in found["marks"].values())


def asked_of(scenario, peer):
    """The names of the figures that rows ask of a scenario and a peer."""
    figures = [figure for row in rows.ROWS for figure in row.figures]
    keys = [key for figure in figures for key in (figure.of, figure.over) if key]
    return {name for key, whose, name in keys if (key, whose) == (scenario, peer)}


def check_results(found):
    """Every scenario gives of every peer the numbers that its rows ask for."""
    results = {(result["scenario"], result["peer"]): result for result in found["rounds"][0]}
    for scenario in rows.SCENARIOS:
        if scenario.kind == "syscalls" and found["failures"]:
            continue
        for peer in scenario.peers:
            if peer == "S":
                continue
            for name in asked_of(scenario.key, peer):
                assert results[scenario.key, peer][name] >= 0, (scenario.key, peer, name)


def check_scaling(done, found):
    for series in scaling.SERIES:
        assert sorted(map(int, found["scaling"][series.key])) == scaling.points_of(series, measure.SMOKE.name)
        assert series.title in done.stdout


def test_a_smoke_run_measures_every_row(smoke, built):
    """One test, as each would have a run of its own where tests run in parallel."""
    done, found = smoke
    check_failures(done, found)
    check_table(done, found)
    check_results(found)
    check_scaling(done, found)


def test_what_does_not_exist_is_not_measured():
    command = [sys.executable, str(PROGRAM), "--smoke", "--build", str(harness.BUILD), "--only", "nonsense"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, stdin=subprocess.DEVNULL)
    assert done.returncode == 1
    assert "nothing starts with nonsense" in done.stderr and "echo-1x1-1k" in done.stderr
