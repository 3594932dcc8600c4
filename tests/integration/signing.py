"""Signature Version 4 as botocore makes it: nothing here was written by us but the way to it."""

import datetime
import unittest.mock

import botocore.auth
import botocore.awsrequest
import botocore.credentials

KEY_ID = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "IQoJb3JpZ2luX2VjE+/=="
HOST = "127.0.0.1"


def credential(**members):
    """A credential of routes.json."""
    return {"accessKeyId": KEY_ID, "secretAccessKey": SECRET, **members}


def iam(connections=False, **members):
    """`iam` of routes.json, with the one user alice."""
    return {"credentials": {"alice": credential(**members)}, "connections": connections}


class Signer:
    """Somebody with a key. `shift_s` is how far the signer's clock is ahead of ours."""

    def __init__(self, key_id=KEY_ID, secret=SECRET, token=None, region="us-east-1", service="execute-api", shift_s=0):
        self.credentials = botocore.credentials.Credentials(key_id, secret, token)
        self.region = region
        self.service = service
        self.shift = datetime.timedelta(seconds=shift_s)

    def _sign(self, auth, method, target, body, headers, host):
        request = botocore.awsrequest.AWSRequest(method, f"http://{host}{target}", dict(headers), body)
        now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) + self.shift
        with unittest.mock.patch.object(botocore.auth, "datetime", wraps=datetime) as clock:
            clock.datetime.utcnow.return_value = now
            auth.add_auth(request)
        return request

    def headers(self, method, target, body=b"", headers=(), host=HOST, kind=botocore.auth.SigV4Auth):
        """The headers of a request that is signed in its Authorization header."""
        auth = kind(self.credentials, self.service, self.region)
        return list(self._sign(auth, method, target, body, headers, host).headers.items())

    def presign(self, target, expires=300, host=HOST, kind=botocore.auth.SigV4QueryAuth):
        """The target of a presigned URL, as browsers need it."""
        auth = kind(self.credentials, self.service, self.region, expires)
        return self._sign(auth, "GET", target, b"", (), host).url.split(host, 1)[1]

    def connect(self, emulator, target="/dev", headers=(), **options):
        """A client whose handshake is signed."""
        return emulator.connect(path=target, headers=self.headers("GET", target, headers=headers, **options))

    def http(self, emulator, method, target, body=b"", **options):
        return emulator.http(method, target, body, self.headers(method, target, body, **options))
