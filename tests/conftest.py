"""Fixtures of the tests that run the real emulator."""

import harness
import pytest


@pytest.fixture
def start(tmp_path, request):
    """start(config, **options): a running emulator. Each is ended after the test, and must end well."""
    running = request.node.emulators = []

    def start_one(config=None, folder=None, **options):
        folder = folder or tmp_path / f"emulator-{len(running)}"
        folder.mkdir(exist_ok=True)
        running.append(harness.Emulator(folder, config or harness.api(), **options))
        return running[-1]

    yield start_one
    for emulator in running:
        emulator.finish()


@pytest.fixture
def emulator(start):
    """An emulator whose $default route echoes."""
    return start()


@pytest.fixture
def events(tmp_path):
    return harness.Events(tmp_path)


@pytest.fixture
def gate(tmp_path):
    return harness.Gate(tmp_path)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """Shows the log of the emulators of a test that failed."""
    report = (yield).get_result()
    if report.failed:
        for emulator in getattr(item, "emulators", []):
            report.sections.append((f"log of {emulator.folder.name}", emulator.log[-20000:]))
