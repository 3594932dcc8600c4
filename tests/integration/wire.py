"""HTTP and WebSocket over a plain socket, so that tests see and send exact bytes.

Libraries hide what is tested here: the order of headers, frames that break the rules, close codes, and a client that
does not read. Every wait has a deadline and raises TimeoutError.
"""

import base64
import hashlib
import os
import select
import socket
import ssl
import struct
import time

DEADLINE_S = 20

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Closed(Exception):
    """The server closed: with a close frame (code, reason), or without one (code 1006)."""

    def __init__(self, code, reason):
        super().__init__(f"closed with {code} {reason!r}")
        self.code = code
        self.reason = reason


class Refused(Exception):
    """The handshake was answered with something else than 101."""

    def __init__(self, response):
        super().__init__(f"refused: {response.status} {response.body!r}")
        self.response = response


class Response:
    """One HTTP response as it came: `head` is its text, `headers` a list of pairs in order."""

    def __init__(self, head, body):
        self.head = head.decode("latin-1")
        self.body = body
        status_line, *lines = self.head.split("\r\n")
        self.version, status, self.reason = (status_line + " ").split(" ", 2)
        self.status = int(status)
        self.headers = [tuple(line.split(": ", 1)) for line in lines if line]

    def get(self, name):
        """The header's value, its name in any case; None if there is none."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return values[0] if values else None

    @property
    def names(self):
        return [name for name, _ in self.headers]

    @property
    def text(self):
        return self.body.decode()


def over_tls():
    """With APIGW_TEST_TLS set, every stream that does not say otherwise goes over TLS: any test is one of TLS then."""
    if not os.environ.get("APIGW_TEST_TLS"):
        return None
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context, "localhost"


class Stream:
    """A connected socket with a buffer and a deadline for each read. `tls` is an SSLContext and the server's name."""

    def __init__(self, address, receive_buffer=None, tls=None):
        tls = tls or over_tls()
        self.socket = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(DEADLINE_S)
        self.socket.connect(address)
        self.buffer = b""
        if tls:
            self.socket = tls[0].wrap_socket(self.socket, server_hostname=tls[1])

    def send(self, data):
        self.socket.sendall(data)

    def _fill(self, deadline):
        self.socket.settimeout(max(deadline - time.monotonic(), 0.001))
        data = self.socket.recv(65536)
        self.socket.settimeout(DEADLINE_S)
        if not data:
            raise EOFError(f"the server closed the socket after {self.buffer[:200]!r}")
        self.buffer += data

    def read_exactly(self, count, timeout=DEADLINE_S):
        deadline = time.monotonic() + timeout
        while len(self.buffer) < count:
            self._fill(deadline)
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def read_until(self, mark, timeout=DEADLINE_S):
        deadline = time.monotonic() + timeout
        while mark not in self.buffer:
            self._fill(deadline)
        data, self.buffer = self.buffer.split(mark, 1)
        return data

    def read_to_end(self, timeout=DEADLINE_S):
        deadline = time.monotonic() + timeout
        try:
            while True:
                self._fill(deadline)
        except (EOFError, ConnectionResetError):
            data, self.buffer = self.buffer, b""
            return data

    def read_response(self, timeout=DEADLINE_S):
        head = self.read_until(b"\r\n\r\n", timeout)
        response = Response(head, b"")
        if response.status not in (101, 204, 304):
            length = response.get("Content-Length")
            response.body = self.read_to_end(timeout) if length is None else self.read_exactly(int(length), timeout)
        return response

    def is_readable(self):
        """Has something come that was not read yet?"""
        return bool(self.buffer) or bool(select.select([self.socket], [], [], 0)[0])

    def reset(self):
        """Ends the connection with a TCP reset, as a machine that vanishes and comes back does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()


def request(address, method, target, body=b"", headers=(), timeout=DEADLINE_S, tls=None):
    """One HTTP request on a connection of its own. A Host among the headers replaces the usual one."""
    lines = [f"{method} {target} HTTP/1.1"]
    if not any(name == "Host" for name, _ in headers):
        lines.append("Host: 127.0.0.1")
    lines += [f"{name}: {value}" for name, value in headers]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    stream = Stream(address, tls=tls)
    try:
        stream.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        return stream.read_response(timeout)
    finally:
        stream.close()


def encode_frame(opcode, payload, fin=True, mask=True, rsv=0):
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    bit = 0x80 if mask else 0
    if len(payload) < 126:
        head += bytes([bit | len(payload)])
    elif len(payload) < 65536:
        head += bytes([bit | 126]) + struct.pack(">H", len(payload))
    else:
        head += bytes([bit | 127]) + struct.pack(">Q", len(payload))
    if not mask:
        return head + payload
    key = os.urandom(4)
    stretched = (key * (len(payload) // 4 + 1))[: len(payload)]
    masked = int.from_bytes(payload, "big") ^ int.from_bytes(stretched, "big")
    return head + key + masked.to_bytes(len(payload), "big")


def handshake_request(target, headers=(), key=None):
    """The bytes of an upgrade request, and the key in it. A header given as (name, None) leaves the usual one out."""
    key = key or base64.b64encode(os.urandom(16)).decode()
    fields = {
        "Host": "127.0.0.1",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": key,
        "Sec-WebSocket-Version": "13",
    }
    extra = []
    for name, value in headers:
        if name in fields:
            fields[name] = value
        else:
            extra.append((name, value))
    lines = [f"GET {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in [*fields.items(), *extra] if value is not None]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n", key


class Client:
    """One WebSocket client. `response` is the 101 that opened it."""

    def __init__(self, address, target, headers=(), receive_buffer=None, timeout=DEADLINE_S, tls=None):
        self.stream = Stream(address, receive_buffer, tls)
        data, key = handshake_request(target, headers)
        self.stream.send(data)
        self.response = self.stream.read_response(timeout)
        if self.response.status != 101:
            self.stream.close()
            raise Refused(self.response)
        digest = hashlib.sha1((key + GUID).encode()).digest()
        assert self.response.get("Sec-WebSocket-Accept") == base64.b64encode(digest).decode()

    def send(self, text):
        self.send_frame(TEXT, text.encode() if isinstance(text, str) else text)

    def send_frame(self, opcode, payload=b"", **how):
        self.stream.send(encode_frame(opcode, payload, **how))

    def send_fragmented(self, payload, frame_bytes):
        """One text message in frames of at most `frame_bytes`."""
        pieces = [payload[at : at + frame_bytes] for at in range(0, len(payload), frame_bytes)]
        for index, piece in enumerate(pieces):
            self.send_frame(CONTINUATION if index else TEXT, piece, fin=index == len(pieces) - 1)

    def receive_frame(self, timeout=DEADLINE_S):
        """(fin, opcode, payload) of the next frame, whatever it is."""
        first, second = self.stream.read_exactly(2, timeout)
        assert not second & 0x80, "a server must not mask"
        assert not first & 0x70, "no extension was negotiated"
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack(">H", self.stream.read_exactly(2, timeout))
        elif size == 127:
            (size,) = struct.unpack(">Q", self.stream.read_exactly(8, timeout))
        return bool(first & 0x80), first & 0x0F, self.stream.read_exactly(size, timeout)

    def receive_bytes(self, timeout=DEADLINE_S):
        """The next text message. Raises Closed when the server closes instead."""
        message = b""
        while True:
            try:
                fin, opcode, payload = self.receive_frame(timeout)
            except (EOFError, ConnectionResetError):
                raise Closed(1006, "") from None
            if opcode == CLOSE:
                code = struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else 1005
                raise Closed(code, payload[2:].decode())
            if opcode in (PING, PONG):
                continue
            assert opcode in (TEXT, CONTINUATION), f"unexpected opcode {opcode}"
            message += payload
            if fin:
                return message

    def receive(self, timeout=DEADLINE_S):
        return self.receive_bytes(timeout).decode()

    def ask(self, text, timeout=DEADLINE_S):
        self.send(text)
        return self.receive(timeout)

    def wait_closed(self, timeout=DEADLINE_S):
        """(code, reason) of the server's close, which is answered as RFC 6455 wants. Fails on a message."""
        try:
            message = self.receive_bytes(timeout)
        except Closed as closed:
            if closed.code != 1006:
                try:
                    self.send_frame(CLOSE, struct.pack(">H", closed.code) if closed.code != 1005 else b"")
                except OSError:
                    pass  # the server did not wait for the answer
            self.stream.close()
            return closed.code, closed.reason
        raise AssertionError(f"a message instead of a close: {message[:200]!r}")

    def close(self, code=None, reason="", timeout=DEADLINE_S):
        """Closes as a client does and returns the (code, reason) that the server answers."""
        payload = b"" if code is None else struct.pack(">H", code) + reason.encode()
        self.send_frame(CLOSE, payload)
        while True:
            try:
                self.receive_bytes(timeout)
            except Closed as closed:
                self.stream.close()
                return closed.code, closed.reason

    def drop(self):
        """Vanishes without a close frame."""
        self.stream.reset()
