"""A client whose machine is gone without a word: no FIN, no reset, no answer to the kernel's probes.

The emulator runs in a network namespace of its own, and the cable to it is pulled. That takes root.
"""

import ctypes
import json
import os
import subprocess

import harness
import pytest
import wire

CLONE_NEWNET = 0x40000000


def into_namespace():
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def ip(*arguments, pid=None):
    inside = ["nsenter", "-t", str(pid), "-n"] if pid else []
    return subprocess.run([*inside, "ip", *map(str, arguments)], capture_output=True, check=False).returncode == 0


def can_make_cables():
    name = f"apigw-{os.getpid()}"[:14]
    made = os.geteuid() == 0 and ip("link", "add", name + "a", "type", "veth", "peer", "name", name + "b")
    return made and ip("link", "del", name + "a")


class Cable:
    """Between us and the emulator."""

    def __init__(self, emulator):
        pid = emulator.process.pid
        network = f"10.{200 + pid % 50}.{pid // 50 % 256}"
        self.end, theirs = f"agw{pid}a", f"agw{pid}b"
        self.address = (f"{network}.2", emulator.port)
        assert ip("link", "add", self.end, "type", "veth", "peer", "name", theirs, "netns", pid)
        assert ip("addr", "add", f"{network}.1/30", "dev", self.end)
        assert ip("addr", "add", f"{network}.2/30", "dev", theirs, pid=pid)
        assert ip("link", "set", theirs, "up", pid=pid)
        assert ip("link", "set", self.end, "up")

    def pull(self):
        assert ip("link", "set", self.end, "down")


@pytest.fixture
def unplug(start, events):
    """unplug(rules): a client of an emulator that is cut off then."""
    if not can_make_cables():
        pytest.skip("needs root and network namespaces")

    def unplug_one(rules):
        config = harness.api({"$disconnect": "event", "$default": "echo"}, {"event": events.function}, rules=rules)
        emulator = start(config, arguments=["--host", "0.0.0.0"], preexec=into_namespace)
        cable = Cable(emulator)
        client = wire.Client(cable.address, "/dev")
        assert client.ask("hello") == "hello"
        cable.pull()
        return emulator

    return unplug_one


def test_a_client_that_is_unplugged_is_taken_for_gone_after_a_while(unplug, events):
    emulator = unplug({"client-vanished": 2000})
    end = json.loads(events.wait("DISCONNECT")[0])["requestContext"]
    assert (end["disconnectStatusCode"], end["disconnectReason"]) == (1006, "Connection closed abnormally")
    assert end["requestTimeEpoch"] - end["connectedAt"] >= 1000
    emulator.wait_log("rule=connection-lost")
