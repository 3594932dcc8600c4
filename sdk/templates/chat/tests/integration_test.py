"""Talks to the plugin as clients do. `ctest` runs it while the emulator serves; by hand, in the project's folder:

    apigw exec --ephemeral -- python3 tests/integration_test.py

It needs Debian's package python3-websocket (elsewhere: pip install websocket-client).
"""

import os
import sys
import unittest

try:
    import websocket
except ImportError:
    sys.exit(
        f"{sys.executable} has no module websocket: apt-get install python3-websocket; if another Python comes first, "
        "configure with cmake -B build -DPython3_EXECUTABLE=/usr/bin/python3"
    )

URL = os.environ["APIGW_WEBSOCKET_URL"]


class Chat(unittest.TestCase):
    def connect(self):
        client = websocket.create_connection(URL, timeout=10)
        self.addCleanup(client.close)
        return client

    def test_a_message_goes_to_all_others(self):
        anna, bob, carol = self.connect(), self.connect(), self.connect()
        anna.send("hello")
        self.assertEqual((bob.recv(), carol.recv()), ("hello", "hello"))

    def test_a_sender_does_not_hear_itself(self):
        anna, bob = self.connect(), self.connect()
        anna.send("from anna")
        self.assertEqual(bob.recv(), "from anna")
        bob.send("from bob")
        self.assertEqual(anna.recv(), "from bob")

    def test_who_left_is_no_trouble(self):
        anna, bob, carol = self.connect(), self.connect(), self.connect()
        carol.close()
        anna.send("still here?")
        self.assertEqual(bob.recv(), "still here?")


if __name__ == "__main__":
    unittest.main()
