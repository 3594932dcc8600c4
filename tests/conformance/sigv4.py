"""Signature Version 4 as a client makes it, with every step open to mistakes on purpose."""

import hashlib
import hmac
import urllib.parse

SERVICE = "execute-api"
EMPTY_HASH = hashlib.sha256(b"").hexdigest()


def quote(text, safe=""):
    return urllib.parse.quote(text, safe=safe + "-_.~")


def hmac_sha256(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Signer:
    """One caller. `date` is in basic format; what else is given differs from what is right."""

    def __init__(self, key_id, secret, date, region="us-east-1", service=SERVICE, terminator="aws4_request", day=None):
        self.key_id = key_id
        self.secret = secret
        self.date = date
        self.scope = "/".join([day or date[:8], region, service, terminator])

    def signature(self, canonical):
        key = f"AWS4{self.secret}".encode()
        for part in self.scope.split("/"):
            key = hmac_sha256(key, part)
        text = "\n".join(["AWS4-HMAC-SHA256", self.date, self.scope, hashlib.sha256(canonical.encode()).hexdigest()])
        return hmac_sha256(key, text).hex(), text

    def headers(self, method, target, body=b"", host="127.0.0.1", signed=(), body_hash=None, encode_twice=True):
        """The headers that sign a request; `signed` are more (name, value) to send and sign."""
        path, _, query = target.partition("?")
        fields = sorted([("host", host), ("x-amz-date", self.date)] + [(name.lower(), value) for name, value in signed])
        names = ";".join(name for name, _ in fields)
        pairs = sorted(pair if "=" in pair else pair + "=" for pair in query.split("&") if pair)
        canonical = "\n".join(
            [method, quote(path, "/") if encode_twice else quote(urllib.parse.unquote(path), "/"), "&".join(pairs)]
            + [f"{name}:{value}" for name, value in fields]
            + ["", names, body_hash or hashlib.sha256(body).hexdigest()]
        )
        signature, _ = self.signature(canonical)
        authorization = f"AWS4-HMAC-SHA256 Credential={self.key_id}/{self.scope}, SignedHeaders={names}, Signature={signature}"
        return [("X-Amz-Date", self.date), *signed, ("Authorization", authorization)]

    def presign(self, path, parameters=(), expires="300", host="127.0.0.1", token=None):
        """A query string that signs a GET of the path."""
        pairs = dict(parameters) | {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"{self.key_id}/{self.scope}",
            "X-Amz-Date": self.date,
            "X-Amz-SignedHeaders": "host",
        }
        if expires is not None:
            pairs["X-Amz-Expires"] = expires
        if token is not None:
            pairs["X-Amz-Security-Token"] = token
        query = "&".join(f"{quote(name)}={quote(value)}" for name, value in sorted(pairs.items()))
        canonical = "\n".join(["GET", quote(path, "/"), query, f"host:{host}", "", "host", EMPTY_HASH])
        return f"?{query}&X-Amz-Signature={self.signature(canonical)[0]}"
