"""Emulators that tests share, and the count of facts at the end."""

import copy
import json

import facts
import pytest


def pytest_configure(config):
    config.addinivalue_line("markers", "fact(words, where, tag): what the test says of AWS, and where that was learnt")


def pytest_collection_modifyitems(items):
    """Each case carries its fact into the reports, wherever it runs."""
    for item in items:
        if item.path.parent.name != "conformance":
            continue
        marks = list(item.iter_markers("fact"))
        assert len(marks) == 1, f"{item.nodeid} has {len(marks)} facts"
        item.user_properties.append(("fact", list(marks[0].args)))


def verdicts(reporter):
    """node id → ((words, where, tag), matched) of every case with a fact that has run."""
    found = {}
    for category in ("passed", "failed", "error"):
        for report in reporter.stats.get(category, []):
            said = dict(getattr(report, "user_properties", [])).get("fact")
            if said:
                found[report.nodeid] = (said, category == "passed")
    return found


def pytest_terminal_summary(terminalreporter):
    found = verdicts(terminalreporter)
    if not found:
        return
    for node, ((words, where, tag), matched) in sorted(found.items()):
        if not matched:
            terminalreporter.write_line(f"not as AWS: {words} [{tag}: {where}] ({node})")
    matches = sum(matched for _, matched in found.values())
    terminalreporter.write_line(f"{len(found)} facts: {matches} matched")


@pytest.fixture(scope="session")
def shared_emulators(tmp_path_factory):
    """The emulators of this process, by their configuration."""
    running = {}

    def find_or_start(config):
        key = json.dumps(config, sort_keys=True)
        if key not in running:
            running[key] = facts.Shared(tmp_path_factory.mktemp("shared"), copy.deepcopy(config))
        return running[key]

    yield find_or_start
    for emulator in running.values():
        emulator.advance("15m")  # ends what hangs, which a stop would wait for
        emulator.finish()


@pytest.fixture
def serve(shared_emulators, request):
    """serve(config): a running emulator, shared with other tests of the same configuration in this process."""
    used = request.node.emulators = []

    def serve_one(config):
        emulator = shared_emulators(config)
        used.append(emulator)
        return emulator

    yield serve_one
    for emulator in used:
        for client in emulator.clients:
            client.stream.close()
        emulator.clients.clear()
