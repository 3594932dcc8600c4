"""A WebSocket server that is not ours, and may behave badly: a scenario is a function that is given its side of one
connection, on a thread of its own."""

import base64
import hashlib
import socket
import struct
import threading

import wire


class Peer:
    """The server's side of a connection."""

    def __init__(self, stream):
        self.stream = stream
        self.head = stream.read_until(b"\r\n\r\n").decode("latin-1")

    def header(self, name):
        for line in self.head.split("\r\n"):
            key, _, value = line.partition(": ")
            if key.lower() == name.lower():
                return value
        return None

    def accept(self, *lines, behind=b""):
        digest = hashlib.sha1((self.header("Sec-WebSocket-Key") + wire.GUID).encode()).digest()
        head = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: upgrade"]
        head += [f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}", *lines]
        self.stream.send("\r\n".join(head).encode() + b"\r\n\r\n" + behind)

    def answer(self, text):
        self.stream.send(text if isinstance(text, bytes) else text.encode())

    def send_frame(self, opcode, payload=b"", **how):
        self.stream.send(wire.encode_frame(opcode, payload, mask=False, **how))

    def send(self, text):
        self.send_frame(wire.TEXT, text.encode() if isinstance(text, str) else text)

    def receive_frame(self):
        """(fin, opcode, payload), unmasked."""
        first, second = self.stream.read_exactly(2)
        assert second & 0x80, "a client must mask"
        size = second & 0x7F
        if size >= 126:
            size = int.from_bytes(self.stream.read_exactly(2 if size == 126 else 8), "big")
        key = self.stream.read_exactly(4)
        payload = self.stream.read_exactly(size)
        return bool(first & 0x80), first & 15, bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))

    def close(self, code, reason=""):
        """Closes, and waits for the answer."""
        self.send_frame(wire.CLOSE, struct.pack(">H", code) + reason.encode())
        self.wait_close()

    def wait_close(self):
        """The payload of the client's close frame."""
        while True:
            _, opcode, payload = self.receive_frame()
            if opcode == wire.CLOSE:
                return payload

    def finish(self):
        """What a server does that has nothing more to say."""
        payload = self.wait_close()
        self.send_frame(wire.CLOSE, payload)


class Server:
    """Serves one connection after another with `scenario(peer)`; `failure` is what went wrong in one."""

    def __init__(self, scenario, tls=None):
        self.scenario = scenario
        self.tls = tls
        self.failure = None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.port}/dev"

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_one, args=(connection,), daemon=True).start()

    def _serve_one(self, connection):
        stream = wire.Stream.__new__(wire.Stream)
        stream.socket, stream.buffer = connection, b""
        connection.settimeout(wire.DEADLINE_S)
        try:
            if self.tls:
                stream.socket = self.tls.wrap_socket(connection, server_side=True)
            peer = Peer(stream)
            if peer.header("Upgrade"):
                self.scenario(peer)
            else:
                peer.answer("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        except (EOFError, OSError):
            pass  # the client has left
        except Exception as failure:  # pylint: disable=broad-except
            self.failure = failure
        finally:
            stream.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(wire.DEADLINE_S)
        if self.failure:
            raise self.failure
