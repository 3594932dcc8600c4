"""Talks to the plugin as a client does. `ctest` runs it while the emulator serves; by hand, in the project's folder:

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


class Echo(unittest.TestCase):
    def connect(self):
        client = websocket.create_connection(URL, timeout=10)
        self.addCleanup(client.close)
        return client

    def test_a_message_comes_back(self):
        client = self.connect()
        client.send("hello")
        self.assertEqual(client.recv(), "hello")

    def test_each_client_gets_its_own(self):
        anna, bob = self.connect(), self.connect()
        anna.send("from anna")
        bob.send("from bob")
        self.assertEqual((anna.recv(), bob.recv()), ("from anna", "from bob"))


if __name__ == "__main__":
    unittest.main()
