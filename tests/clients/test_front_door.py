"""One front door: two APIs with two stages each behind one port, and every way in with every client.

    way      path, Host ({apiId}.execute-api.{region}.localhost), custom domain
    over     ws and http, wss and https
    address  127.0.0.1, ::1
    with     ws, websocket-client; the AWS SDK for JavaScript, boto3, the AWS CLI, curl

What the clients run is written as for AWS. Names are not known to this machine's resolver, so that node and Python are
told where they are (front_door/names.cjs, front_door/sitecustomize.py), and curl by --connect-to. What cannot be:

    curl with WebSockets         it has none in Debian 12; it posts to sockets of the harness, as the AWS CLI does
    curl that signs              that of Debian 12 signs the path as it is sent, which AWS refuses, too; newer ones do not
    AWS CLI at http://[::1]      it takes no IPv6 address for an endpoint: there the path is asked for at `localhost`
    a handler behind a mapping whose key is not the stage: https://${domainName}/${stage} is a 404, as on AWS
"""

import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import urllib.parse

import harness
import pytest
import signing
import test_aws_cli
import wire

HERE = pathlib.Path(__file__).parent / "front_door"
CURL = shutil.which("curl")
NODE = shutil.which("node")

CHAT_ID, GAME_ID = "chatchat01", "gamegame02"
ALICE = {"AWS_ACCESS_KEY_ID": signing.KEY_ID, "AWS_SECRET_ACCESS_KEY": signing.SECRET}


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


# ---- the APIs ----


def chat(functions):
    """Wants signatures: those of alice, and those of handlers, whose credentials are all `local`."""
    iam = signing.iam(connections=True)
    iam["credentials"]["handlers"] = {"accessKeyId": "local", "secretAccessKey": "local", "sessionToken": "local"}
    domains = {"chat.example.com": {"": "dev", "prod": "prod"}}
    return api("chat", CHAT_ID, {"dev": {}, "prod": {}}, domains, functions, iam=iam)


def game(functions):
    """Shares the stage `dev` with chat, by name."""
    return api("game", GAME_ID, {"dev": {}, "beta": {}}, {"*.example.org": {"dev": "dev", "beta": "beta"}}, functions)


def api(name, api_id, stages, domains, functions, **members):
    routes = {"$default": "echo", **{key: {"function": key, "routeResponse": True} for key in functions}}
    return harness.api(routes, functions, name=name, apiId=api_id, stages=stages, domains=domains, **members)


# ---- the places ----

CHAT_HOST, GAME_HOST = (f"{api_id}.execute-api.us-east-1.localhost" for api_id in (CHAT_ID, GAME_ID))

# Way, host, path, API, stage. By its path alone a stage is reached whose name is no other API's (a test says so below).
PLACES = [
    ("path", None, "/prod", CHAT_ID, "prod"),
    ("path", None, "/beta", GAME_ID, "beta"),
    ("host", CHAT_HOST, "/dev", CHAT_ID, "dev"),
    ("host", CHAT_HOST, "/prod", CHAT_ID, "prod"),
    ("host", GAME_HOST, "/dev", GAME_ID, "dev"),
    ("host", GAME_HOST, "/beta", GAME_ID, "beta"),
    ("domain", "chat.example.com", "", CHAT_ID, "dev"),
    ("domain", "chat.example.com", "/prod", CHAT_ID, "prod"),
    ("domain", "play.example.org", "/dev", GAME_ID, "dev"),
    ("domain", "play.example.org", "/beta", GAME_ID, "beta"),
]
WAYS = ("path", "host", "domain")


class Place:
    """One of PLACES, plain or over TLS, at an address, as a client sees it. `names` are for who takes no IPv6 address."""

    def __init__(self, door, row, secure, names=False):
        self.way, host, self.path, self.api_id, self.stage = row
        self.secure = secure
        self.literal = "localhost" if names else f"[{door.address}]" if ":" in door.address else door.address
        self.name = host or (self.literal if names else door.address)
        self.host = f"{host or self.literal}:{door.port}"
        self.endpoint = f"http{'s' if secure else ''}://{self.host}{self.path}"
        self.websocket = f"ws{self.endpoint[4:]}"
        self.is_signed = self.api_id == CHAT_ID
        self.door = door

    def members(self):
        """For the programs in front_door/."""
        return {
            "websocket": self.websocket,
            "endpoint": self.endpoint,
            "context": {"apiId": self.api_id, "stage": self.stage, "domainName": self.host},
            "sourceIp": self.door.address,
            "isSigned": self.is_signed,
            "isFoundByHandlers": self.path == f"/{self.stage}",
        }

    def connect(self):
        """A socket of the harness at this place, and its connection id."""
        tls = self.door.emulator.tls(self.name) if self.secure else None
        client = wire.Client((self.door.address, self.door.port), self.path or "/", [("Host", self.host)], tls=tls)
        self.door.emulator.clients.append(client)
        context = json.loads(client.ask('{"action":"whoami"}'))["requestContext"]
        assert (context["apiId"], context["stage"], context["domainName"]) == (self.api_id, self.stage, self.host)
        return client, context["connectionId"]


# ---- the door ----


class Door:
    """The emulator with both APIs, as clients at one of its addresses find it."""

    def __init__(self, start, folder, address):
        self.address = address
        addresses = ("127.0.0.1", "::1") if has_ipv6() else ("127.0.0.1",)
        arguments = [argument for one in addresses for argument in ("--host", one)]
        functions = self.functions()
        self.emulator = start(chat(functions), also=[game(functions)], arguments=arguments)
        self.port = self.emulator.port
        self.folder = folder

    def resolving(self):
        """Variables with which node and Python find the names."""
        return {"FRONT_DOOR_ADDRESS": self.address, "NODE_OPTIONS": f"--require={HERE / 'names.cjs'}", "PYTHONPATH": str(HERE)}

    def functions(self):
        """Handlers in other languages. Their runtimes reserve far more memory than they use."""
        programs = {"node": [NODE, HERE / "runtime.mjs"], "python": [sys.executable, HERE / "runtime.py"]}
        return {
            name: {
                "plugin": harness.plugin("program"),
                "handler": "program",
                "timeout": 25,
                "memorySize": 10240,
                "environment": {"COMMAND": " ".join(map(str, command)), **self.resolving()},
            }
            for name, command in programs.items()
        }

    def places(self, ways=WAYS, **options):
        return [Place(self, row, secure, **options) for row in PLACES if row[0] in ways for secure in (False, True)]

    def environment(self):
        """Of clients: alice's, who trusts the CA as `apigw ca` says."""
        authority = self.emulator.ready["caCertificate"]
        trust = {name: authority for name in ("NODE_EXTRA_CA_CERTS", "AWS_CA_BUNDLE", "SSL_CERT_FILE")}
        region = {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}
        rest = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": "", "PYTHONDONTWRITEBYTECODE": "1"}
        return {**self.resolving(), **trust, **region, **rest, **ALICE}

    def walk(self, *command):
        """Runs a program that visits all places."""
        path = self.folder / "places.json"
        path.write_text(json.dumps([place.members() for place in self.places()]))
        result = subprocess.run(
            list(map(str, command)),
            env=harness.environment({**self.environment(), "PLACES": str(path), "AWS_SESSION_TOKEN": None}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        assert result.returncode == 0, result.stdout
        return result.stdout


IPV6 = pytest.param("::1", marks=pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1"))


@pytest.fixture(params=["127.0.0.1", IPV6], name="door")
def fixture_door(request, start, tmp_path):
    return Door(start, tmp_path, request.param)


# ---- who goes through it ----


def visited(door, printed):
    """Each place, in what a program has printed."""
    assert re.findall("(?m)^visited (.*)$", printed) == [place.websocket for place in door.places()], printed


def test_ws_and_the_sdk_for_javascript(door):
    assert (HERE.parent / "node_modules" / "ws").is_dir(), "npm ci has not run in tests/clients; ./dev test does it"
    visited(door, door.walk(NODE, HERE / "walk.mjs"))


def test_websocket_client_and_boto3(door):
    visited(door, door.walk(sys.executable, HERE / "walk.py"))


def target_of(place, connection_id):
    return f"{place.endpoint}/@connections/{urllib.parse.quote(connection_id, safe='')}"


@pytest.mark.skipif(not CURL, reason="there is no curl")
def test_curl(door):
    def curl(*arguments):
        ours = f"[{door.address}]" if ":" in door.address else door.address
        trust = ("--cacert", door.emulator.ready["caCertificate"], "--noproxy", "*")
        command = [CURL, "-sS", *trust, "--connect-to", f"::{ours}:", "-w", "\n%{http_code}", *arguments]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert result.returncode == 0, result.stderr
        return result.stdout.rsplit("\n", 1)

    for place in door.places():
        client, connection_id = place.connect()
        target = target_of(place, connection_id)
        sign = ("--aws-sigv4", "aws:amz:us-east-1:execute-api", "--user", ":".join(ALICE.values())) if place.is_signed else ()
        if place.is_signed:
            assert curl(target) == ['{"message":"Missing Authentication Token"}', "403"], target
        body, status = curl(*sign, target)
        if place.is_signed and status == "403":
            door.emulator.wait_log(re.escape(urllib.parse.urlsplit(target).path) + ": .*older versions of curl")
            continue
        assert (json.loads(body)["identity"]["sourceIp"], status) == (door.address, "200")
        assert curl(*sign, "--data", "from curl", target) == ["", "200"], target
        assert client.receive() == "from curl"
        assert curl(*sign, "-X", "DELETE", target) == ["", "204"]
        assert client.wait_closed() == (1000, "Connection Closed Normally")


OPERATIONS = ("post-to-connection", "get-connection", "delete-connection")


def test_the_aws_cli(door, tmp_path):
    """It takes a second to start: each way is gone once plain and once over TLS, with another operation each time."""

    def aws(place, operation, connection_id):
        arguments = ("apigatewaymanagementapi", operation, "--connection-id", connection_id, "--endpoint-url", place.endpoint)
        data = ("--data", "from the CLI", "--cli-binary-format", "raw-in-base64-out") if "post" in operation else ()
        result = test_aws_cli.run_aws(tmp_path, *arguments, *data, **door.environment())
        assert result.returncode == 0, (place.endpoint, operation, result.stderr)
        return result.stdout

    def check(place, operation):
        client, connection_id = place.connect()
        printed = aws(place, operation, connection_id)
        if operation == "get-connection":
            assert json.loads(printed)["Identity"]["SourceIp"] == door.address
        elif operation == "post-to-connection":
            assert client.receive() == "from the CLI"
        else:
            assert client.wait_closed() == (1000, "Connection Closed Normally")

    chosen = [(way, secure) for way in WAYS for secure in (False, True)]
    for number, (way, secure) in enumerate(chosen):
        places = [place for place in door.places((way,), names=True) if place.secure == secure]
        check(places[number % len(places)], OPERATIONS[number % len(OPERATIONS)])


@pytest.mark.parametrize("language", ["node", "python"])
def test_handlers_that_were_written_for_aws(door, language):
    """Functions, in the environment that the emulator gives them. Each way is gone once."""
    for way, row in {row[0]: row for row in PLACES}.items():
        client, _ = Place(door, row, secure=way != "host").connect()
        client.send(json.dumps({"action": language}))
        assert client.receive() == "from the handler"
        assert client.receive() == "done"


# ---- and who does not ----


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_a_stage_of_both_apis_cannot_be_told_by_its_path(door, secure):
    place = Place(door, ("path", None, "/dev", None, "dev"), secure)
    with pytest.raises(wire.Refused) as refused:
        place.connect()
    assert refused.value.response.status == 403
    line = door.emulator.wait_log("(?m)^.* rule=stage-unknown.*$").group(0)
    assert re.search(f"several APIs have that stage.*{CHAT_HOST}.*{GAME_HOST}", line)


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_a_client_is_found_at_its_own_stage_alone(door, secure):
    """@connections of another stage, of another API's stage of the same name, and of a host that is nobody's."""
    client, connection_id = Place(door, PLACES[4], secure).connect()
    for host, path in [(GAME_HOST, "/beta"), (CHAT_HOST, "/dev"), ("play.example.org", "/beta"), ("chat.example.com", "")]:
        place = Place(door, ("host", host, path, None, None), secure)
        parts = urllib.parse.urlsplit(target_of(place, connection_id))
        signer = signing.Signer() if host.startswith("chat") else None
        headers = signer.headers("POST", parts.path, b"x", host=place.host) if signer else []
        tls = door.emulator.tls(place.name) if secure else None
        headers = [*(header for header in headers if header[0] != "Host"), ("Host", place.host)]
        response = wire.request((door.address, door.port), "POST", parts.path, b"x", headers, tls=tls)
        assert response.status == 403, (host, path, response.text)
    assert client.ask("nothing came before this") == "nothing came before this"
