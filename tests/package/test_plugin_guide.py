"""docs/plugin-guide.md is true: its files are built, its commands run, its conversations held, section by section.

What a block is, its looks tell:

- a language, below a line that begins with the name of a file: that file
- no language, and `$ command` in its first line: commands, each with its output if it is shown
- `$ npx wscat …`: a conversation with what `apigw run` serves, `>` sent and `<` received; without the command, one that
  the first client goes on with
- a time in its first line: lines of the log
- anything else fails, unless a comment above it says why it is not run: <!-- not run: … -->

In what is expected … is anything, and alone on a line any number of lines. The port is free, not 3001.
"""

import json
import re
import shlex
import signal
import subprocess

import harness
import pytest
import wire

PAGE = harness.ROOT / "docs" / "plugin-guide.md"
WARNINGS = "-Wall -Wextra -Werror"
COMPILER = {".c": f"cc {WARNINGS}", ".cpp": f"c++ -std=c++11 {WARNINGS}"}
LANGUAGES = {"c", "cpp", "json", "cmake"}

BLOCK = re.compile(r"(?P<above>[^\n]*)\n\n?```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S)
FILE = re.compile(r"`(?P<name>[\w.]+)`:?")
LOG_TIME = re.compile(r"\d\d:\d\d:\d\d\.\d{3} ")
NOT_RUN = re.compile(r"<!-- not run: .+ -->")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Block:
    def __init__(self, above, language, text):
        self.language = language
        self.text = text
        self.lines = text.splitlines()
        self.name = FILE.match(above)["name"] if language and FILE.match(above) else None
        self.kind = self.find_kind(above)

    def find_kind(self, above):
        if NOT_RUN.fullmatch(above):
            return "not run"
        if self.language:
            return "file" if self.name and self.language in LANGUAGES else None
        if self.lines[0].startswith("$ npx wscat "):
            return "client"
        if self.lines[0].startswith("$ "):
            return "commands"
        if self.lines[0][:2] in ("> ", "< "):
            return "more of the first client"
        return "log" if LOG_TIME.match(self.lines[0]) else None

    def commands(self):
        """(command, the lines of output that are shown)"""
        found = []
        for line in self.lines:
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
        return found


def sections(text):
    """Title -> blocks."""
    _, *parts = re.split(r"^## ", text, flags=re.M)
    return {part.split("\n", 1)[0]: [Block(**match.groupdict()) for match in BLOCK.finditer(part)] for part in parts}


SECTIONS = sections(PAGE.read_text())
FILES = [block for blocks in SECTIONS.values() for block in blocks if block.kind == "file"]


def is_plugin(block):
    return "APIGW_PLUGIN" in block.text or "APIGW_WEBSOCKET" in block.text


def matches(expected, lines):
    pattern = "".join(
        r"(.*\n)*" if line == "…" else re.escape(line).replace("…", ".*") + r"\n" for line in expected
    )
    return re.fullmatch(pattern, "".join(line + "\n" for line in lines)) is not None


def check_output(command, expected, output):
    assert not expected or matches(expected, output.splitlines()), f"{command} printed:\n{output}"


class Served:
    """`apigw run`, as the page has it."""

    def __init__(self, command, folder, environment):
        self.log_path = folder / "served.log"
        self.banner_path = folder / "served.banner"
        ready = folder / "ready.json"
        ready.unlink(missing_ok=True)
        with self.log_path.open("w") as log, self.banner_path.open("w") as banner:
            self.process = subprocess.Popen(
                ["sh", "-c", re.sub(r"\bapigw run\b", "exec env apigw run --port 0 --ready-file ready.json", command)],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=banner,
                stderr=log,
            )
        self.clients = []
        harness.until(lambda: ready.exists() or self.process.poll() is not None, "it is served")
        assert self.process.poll() is None, self.log
        self.address = ("127.0.0.1", json.loads(ready.read_text())["port"])

    @property
    def log(self):
        return self.log_path.read_text()

    @property
    def banner(self):
        return self.banner_path.read_text().replace(str(self.address[1]), "3001")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(harness.DEADLINE_S) == 0, self.log

    def client(self, command, conversation):
        arguments = shlex.split(command)
        url = re.fullmatch(r"ws://127\.0\.0\.1:3001(/.*)", arguments[arguments.index("-c") + 1])
        headers = [("Sec-WebSocket-Protocol", arguments[arguments.index("-s") + 1])] if "-s" in arguments else []
        refused = [re.fullmatch(r"error: Unexpected server response: (\d+)", line) for line in conversation]
        if any(refused):
            with pytest.raises(wire.Refused) as refusal:
                wire.Client(self.address, url[1], headers)
            assert [str(refusal.value.response.status)] == [match[1] for match in refused]
            return
        self.clients.append(wire.Client(self.address, url[1], headers))
        for _, value in headers:
            assert self.clients[-1].response.get("Sec-WebSocket-Protocol") == value
        self.talk(self.clients[-1], conversation)

    @staticmethod
    def talk(client, conversation):
        for line in conversation:
            assert line[:2] in ("> ", "< "), line
            if line[0] == ">":
                client.send(line[2:])
            else:
                assert client.receive() == line[2:]


class Reader:
    """Somebody who does what the page says, in one folder."""

    def __init__(self, installation, folder):
        self.installation = installation
        self.folder = folder
        self.served = None
        self.runners = {
            "file": lambda block: None,
            "not run": lambda block: None,
            "commands": self.run_commands,
            "client": lambda block: self.served.client(block.lines[0][2:], block.lines[1:]),
            "more of the first client": lambda block: self.served.talk(self.served.clients[0], block.lines),
            "log": self.read_log,
        }

    def compile(self, block):
        """As the page says to compile all plugins, and with warnings."""
        suffix = "." + block.language
        library = block.name.replace(suffix, ".so")
        flags = "-g -shared -fPIC $(pkg-config --cflags apigw-sdk)"
        self.installation.shell(f"{COMPILER[suffix]} {flags} {block.name} -o {library}", cwd=self.folder)

    def read(self, block):
        self.runners[block.kind](block)

    def run_commands(self, block):
        for command, expected in block.commands():
            if re.search(r"\bapigw run\b", command):
                self.serve(command, expected)
            else:
                check_output(command, expected, self.installation.shell(command, cwd=self.folder))

    def serve(self, command, expected):
        self.stop()
        self.served = Served(command, self.folder, self.installation.environment())
        if expected:
            harness.until(lambda: matches(expected, self.served.banner.splitlines()), "the banner is as it is shown")

    def read_log(self, block):
        def normal(line):
            return UUID.sub("UUID", LOG_TIME.sub("TIME ", line))

        for line in block.lines:
            harness.until(lambda: normal(line) in map(normal, self.served.log.splitlines()), f"in the log: {line}")

    def stop(self):
        if self.served:
            self.served.stop()
            self.served = None


@pytest.fixture
def reader(installation, tmp_path):
    reader = Reader(installation, tmp_path)
    yield reader
    if reader.served:
        reader.served.process.kill()
        reader.served.process.wait()


def test_the_page_has_sections_with_blocks():
    assert sum(map(len, SECTIONS.values())) == PAGE.read_text().count("\n```") / 2, "a fence that is no block"
    assert len(FILES) > 10


@pytest.mark.parametrize("title", SECTIONS)
def test_every_block_is_run_or_says_why_not(title):
    assert [block.text for block in SECTIONS[title] if block.kind is None] == []


@pytest.mark.parametrize("title", [title for title, blocks in SECTIONS.items() if blocks])
def test_a_section_does_what_it_says(reader, title):
    """A reader has the files of the sections before, built."""
    titles = list(SECTIONS)
    for block in FILES:
        (reader.folder / block.name).write_text(block.text)
    for before in titles[: titles.index(title) + 1]:
        for block in SECTIONS[before]:
            if block.kind == "file" and is_plugin(block):
                reader.compile(block)
    for block in SECTIONS[title]:
        reader.read(block)
    reader.stop()


@pytest.mark.parametrize("plugin", [block.name for block in FILES if is_plugin(block)])
def test_every_plugin_of_the_page_is_served_by_it(plugin):
    sessions = [block for blocks in SECTIONS.values() for block in blocks if block.kind == "commands"]
    commands = [command for block in sessions for command, _ in block.commands()]
    config = re.sub(r"\.\w+$", ".json", plugin)
    assert [command for command in commands if "apigw run" in command and command.endswith(f" {config}")]


def test_a_page_that_lies_is_found(reader):
    """The tests above are no decoration."""
    assert not matches(["passed"], ["failed"])
    assert not matches(["a", "…", "b"], ["a", "c"])
    assert matches(["a", "…", "b"], ["a", "x", "y", "b"])
    assert matches(["ws://127.0.0.1:…/dev"], ["ws://127.0.0.1:1/dev"])
    assert Block("text", "c", "int x;\n").kind is None
    assert Block("text", "", "what is this\n").kind is None
    with pytest.raises(AssertionError):
        reader.read(Block("", "", "$ echo true\nfalse\n"))
