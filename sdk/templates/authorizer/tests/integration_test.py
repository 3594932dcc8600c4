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


class Authorizer(unittest.TestCase):
    def connect(self, query):
        client = websocket.create_connection(URL + query, timeout=10)
        self.addCleanup(client.close)
        return client

    def status_of_refusal(self, query):
        with self.assertRaises(websocket.WebSocketBadStatusException) as refused:
            self.connect(query)
        return refused.exception.status_code

    def test_who_has_the_token_is_let_in_and_known_by_name(self):
        client = self.connect("?token=let-me-in&name=anna")
        client.send("who am I?")
        self.assertEqual(client.recv(), "anna")

    def test_a_wrong_token_is_refused(self):
        self.assertEqual(self.status_of_refusal("?token=let-me-out&name=anna"), 401)

    def test_no_token_is_refused(self):
        self.assertEqual(self.status_of_refusal(""), 401)


if __name__ == "__main__":
    unittest.main()
