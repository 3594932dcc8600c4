"""`apigw connect` with a person in front of it: in a real terminal, keys in and screens out."""

import json
import os
import pathlib
import re
import signal

import harness
import pytest
import wire
from foreign import Server
from terminal import Terminal

PROMPT = "> "


@pytest.fixture
def serve():
    """serve(scenario): the URL of a server of somebody else's."""
    servers = []

    def serve_one(scenario):
        servers.append(Server(scenario))
        return servers[-1].url

    yield serve_one
    for server in servers:
        server.close()


@pytest.fixture
def open_terminal(tmp_path):
    """open_terminal(ARGUMENTS…): `apigw connect ARGUMENTS` in a terminal."""
    terminals = []

    def open_one(*arguments, command="connect", width=80, height=24, **env):
        env = {"XDG_RUNTIME_DIR": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state"), **sanitizer(), **env}
        terminals.append(Terminal([harness.PROGRAM, command, *arguments], env, width, height))
        return terminals[-1]

    yield open_one
    for terminal in terminals:
        terminal.close()


def sanitizer():
    return {name: os.environ[name] for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS") if name in os.environ}


def url_of(emulator):
    return emulator.ready["websocket"]


def connected(terminal):
    terminal.wait(lambda lines: any("/help lists commands" in line for line in lines) and lines[-1] == PROMPT.rstrip(), "the prompt")
    return terminal


def shown(lines, mark):
    """What stands behind a mark, of the lines that have it."""
    return [match[1] for line in lines if (match := re.fullmatch(rf"\d\d:\d\d:\d\d\.\d\d\d {re.escape(mark)} (.*)", line))]


def test_what_is_typed_is_sent_and_what_comes_is_shown(emulator, open_terminal):
    terminal = connected(open_terminal(url_of(emulator)))
    terminal.line("hello")
    lines = terminal.wait(lambda lines: shown(lines, "<"), "the echo")
    assert shown(lines, ">") == ["hello"]
    assert shown(lines, "<") == ["hello"]
    assert lines[-1] == PROMPT.rstrip()


def test_a_line_that_is_being_typed_survives_what_comes(emulator, open_terminal):
    terminal = connected(open_terminal(url_of(emulator)))
    terminal.line('{"action":"whoami"}')
    terminal.wait_text('"connectionId"')
    identity = re.search(rf'"connectionId": "({harness.CONNECTION_ID})"', terminal.history())[1]
    terminal.type("half of a sen")
    terminal.wait(lambda lines: lines[-1] == "> half of a sen", "what was typed")
    for i in range(5):
        assert emulator.post(identity, f"interruption {i}").status == 200
    lines = terminal.wait(lambda lines: "interruption 4" in "\n".join(lines) and lines[-1] == "> half of a sen", "the line again")
    assert shown(lines, "<")[-5:] == [f"interruption {i}" for i in range(5)]
    terminal.line("tence")
    terminal.wait(lambda lines: shown(lines, "<")[-1:] == ["half of a sentence"], "the whole sentence")
    assert sum("half of a sen" in line for line in terminal.screen()) == 2, "what was sent, and its echo"


@pytest.mark.parametrize("length", [35, 36, 37, 38, 39, 40, 76, 77, 78, 79, 80, 95])
def test_a_line_of_several_rows_leaves_nothing_behind(emulator, open_terminal, length):
    """At the edges of the terminal, too, where a cursor may be in two places."""
    terminal = connected(open_terminal(url_of(emulator), "--no-timestamps", width=40))
    text = "".join(chr(ord("a") + i % 26) for i in range(length))
    terminal.line("/ping first")
    terminal.wait_text("pong 'first'")
    terminal.type(text)
    terminal.wait(lambda lines: "".join(lines).endswith(text), "what was typed")
    terminal.press("Enter")
    terminal.wait(lambda lines: "".join(lines).count(text) == 2 and lines[-1] == ">", "the text, and its echo")
    lines = terminal.screen()
    start = next(i for i, line in enumerate(lines) if "pong 'first'" in line) + 1
    assert "".join(lines[start:]) == f"> {text}< {text}>"


def test_a_message_between_rows_of_a_long_line(serve, open_terminal):
    def scenario(peer):
        peer.accept()
        _, _, _ = peer.receive_frame()
        peer.send("now")
        peer.finish()

    terminal = connected(open_terminal(serve(scenario), "--no-timestamps", width=40))
    terminal.line("go")
    terminal.wait_text("< now")
    terminal.type("x" * 100)
    terminal.wait(lambda lines: "".join(lines).endswith("x" * 100), "three rows")
    terminal.resize(60)
    terminal.wait(lambda lines: "".join(lines).count("x") == 100 and lines[-1].startswith("x") and len(lines[-2]) == 60, "two rows")
    terminal.press("C-u")
    terminal.wait(lambda lines: lines[-1] == ">", "an empty line")
    assert "x" not in "".join(terminal.screen())


def test_characters_of_several_bytes_and_columns_are_edited(emulator, open_terminal):
    terminal = connected(open_terminal(url_of(emulator), "--no-timestamps"))
    terminal.type("grüße 世界!")
    terminal.press("Left", "BSpace", "Enter")
    terminal.wait_text("< grüße 世!")


def test_json_is_laid_out_with_its_numbers_and_its_order(emulator, open_terminal):
    terminal = connected(open_terminal(url_of(emulator), "--no-timestamps"))
    terminal.line('{"z":1.50,"a":{"list":[1,2,3],"text":"' + "t" * 60 + '"},"e":1e400}')
    lines = terminal.wait(lambda lines: "  }" in lines and lines[-1] == ">", "a closing brace")
    # the mark is two columns, so is what is in front of each member's own indentation
    assert [
        "< {",
        '    "z": 1.50,',
        '    "a": {',
        '      "list": [1, 2, 3],',
    ] == lines[lines.index("< {") : lines.index("< {") + 4]
    assert '    "e": 1e400' in lines


def test_short_json_stays_on_its_line(emulator, open_terminal):
    terminal = connected(open_terminal(url_of(emulator), "--no-timestamps"))
    terminal.line('{"a":[1,{"b":null}]}')
    terminal.wait_text('< {"a": [1, {"b": null}]}')


def test_a_terminal_has_colours_unless_they_are_not_wanted(emulator, open_terminal):
    for arguments, env, coloured in (
        ((), {}, True),
        ((), {"NO_COLOR": "1"}, False),
        (("--color=never",), {}, False),
        (("--color=always",), {"NO_COLOR": "1"}, True),
    ):
        terminal = connected(open_terminal(url_of(emulator), *arguments, **env))
        terminal.line('{"key":true}')
        terminal.wait_text('< {"key": true}')
        assert ("\033[" in "\n".join(terminal.screen(colours=True))) == coloured


HOSTILE = "\x1b]0;title\x07\x1b[2J\x1b[31mred\x1b[0m\x9b2J\u202eback\u200b\x7f\r\x08."


def test_what_a_message_has_in_it_moves_no_cursor(serve, open_terminal):
    def scenario(peer):
        peer.accept()
        peer.send("first")
        peer.send(HOSTILE)
        peer.send(json.dumps({"key\x1b[2J": HOSTILE}, ensure_ascii=False).replace("\\u001b", "\\u001b"))
        peer.send('{"raw":"\x9b2J\x7f\u202e"}')
        peer.send("line one\nline two")
        peer.send("last")
        peer.finish()

    terminal = connected(open_terminal(serve(scenario), "--no-timestamps", "--full", width=160))
    lines = terminal.wait_text("< last")
    text = "\n".join(lines)
    assert "< first" in lines, "nothing has cleared the screen"
    assert r"< \x1b]0;title\x07\x1b[2J\x1b[31mred\x1b[0m\u{9b}2J\u{202e}back\u{200b}\x7f\r\x08." in text
    assert r'{"raw": "\u009b2J\u007f\u202e"}' in text
    assert "< line one\n  line two" in text
    assert "\x1b" not in text


def test_a_close_reason_moves_no_cursor_either(serve, open_terminal):
    def scenario(peer):
        peer.accept()
        peer.send("first")
        peer.close(4001, "bye\x1b[2J\u202e")

    terminal = open_terminal(serve(scenario), "--no-timestamps")
    assert terminal.status() == 3
    text = terminal.history()
    assert "< first" in text
    assert r"* closed by the server: 4001, 'bye\x1b[2J\u{202e}'" in text


def test_a_long_message_is_cut_and_full_shows_it(emulator, open_terminal):
    text = "0123456789" * 3000
    for arguments, whole in (((), False), (("--full",), True)):
        terminal = connected(open_terminal(url_of(emulator), *arguments, "--no-timestamps"))
        terminal.paste(text)
        terminal.wait_text("0123456789")
        terminal.press("Enter")
        terminal.wait(lambda lines: lines[-1] == ">" and "".join(lines).count("9") > 100, "what came")
        if whole:
            harness.until(lambda: terminal.history().replace("\n", "").replace("  ", "").count(text) >= 1, "all of it")
        else:
            terminal.wait_text("30000 bytes in all; --full shows them")
            assert text not in terminal.history()


def test_a_binary_message_is_a_table_of_bytes(serve, open_terminal):
    def scenario(peer):
        peer.accept()
        peer.send_frame(wire.BINARY, bytes(range(200)))
        peer.finish()

    terminal = open_terminal(serve(scenario), "--no-timestamps")
    lines = terminal.wait_text("0030 ")
    assert "< binary, 200 bytes" in lines
    assert "  0000  00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f  ................" in lines
    assert "  0030  30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f  0123456789:;<=>? …" in lines


def test_a_ping_is_timed(emulator, open_terminal):
    terminal = connected(open_terminal(url_of(emulator), "--no-timestamps"))
    terminal.line("/ping")
    terminal.line("/ping are you there")
    lines = terminal.wait_text("are you there' after")
    assert any(re.fullmatch(r"\* pong '1' after \d+\.\d\d ms", line) for line in lines)


@pytest.mark.parametrize(
    "line, sent, said",
    [
        ("/close", b"\x03\xe8", "closed by us: 1000 normal closure"),
        ("/quit", b"\x03\xe8", "closed by us: 1000 normal closure"),
        ("/close 4000 had enough", b"\x0f\xa0had enough", "closed by us: 4000, 'had enough'"),
    ],
)
def test_a_person_can_close(serve, open_terminal, line, sent, said):
    got = []

    def scenario(peer):
        peer.accept()
        got.append(peer.wait_close())
        peer.send_frame(wire.CLOSE, got[0])

    terminal = connected(open_terminal(serve(scenario)))
    terminal.line(line)
    assert terminal.status() == 0
    assert said in terminal.history()
    assert got == [sent]


@pytest.mark.parametrize("key", ["C-d", "C-c"])
def test_a_key_closes_with_1000_and_waits_for_the_answer(emulator, open_terminal, key):
    terminal = connected(open_terminal(url_of(emulator)))
    terminal.press(key)
    assert terminal.status() == 0
    assert "closed by us: 1000 normal closure" in terminal.history()


def test_a_second_ctrl_c_does_not_wait(serve, open_terminal):
    heard = []

    def scenario(peer):
        peer.accept()
        heard.append(peer.wait_close())
        peer.stream.read_to_end()

    terminal = connected(open_terminal(serve(scenario)))
    terminal.press("C-c")
    harness.until(lambda: heard, "the close frame")
    terminal.press("C-c")
    assert terminal.status() == 130


def test_ctrl_d_within_a_line_deletes(emulator, open_terminal):
    terminal = connected(open_terminal(url_of(emulator), "--no-timestamps"))
    terminal.type("abc")
    terminal.press("Left", "Left", "C-d", "Enter")
    terminal.wait_text("< ac")


@pytest.mark.parametrize(
    "line, said",
    [
        ("/clsoe", "there is no command '/clsoe'; /help lists them, and //clsoe sends it as a text"),
        ("/close 1006", "/close wants a code that a client may send"),
        ("/close soon", "/close wants a code that a client may send"),
        ("/close 1000 " + "r" * 124, "the reason of a close has at most 123 bytes"),
        ("/ping " + "p" * 126, "a ping has at most 125 bytes"),
        ("/post", "/post wants an ID and a TEXT"),
        ("/post someone", "/post wants an ID and a TEXT"),
        ("/wait", "/wait is for scripts"),
    ],
)
def test_a_command_that_makes_no_sense_is_explained_and_nothing_is_sent(emulator, open_terminal, line, said):
    terminal = connected(open_terminal(url_of(emulator), "--no-timestamps", width=160))
    terminal.line(line)
    terminal.wait_text(said)
    terminal.line("next")
    lines = terminal.wait_text("< next")
    assert [text for text in lines if text.startswith("<")] == ["< next"]


def test_two_slashes_send_a_text_that_begins_with_one(emulator, open_terminal):
    terminal = connected(open_terminal(url_of(emulator), "--no-timestamps"))
    terminal.line("//close")
    terminal.wait_text("< /close")


def test_help_lists_every_command(emulator, open_terminal):
    terminal = connected(open_terminal(url_of(emulator)))
    terminal.line("/help")
    lines = terminal.wait_text("begin with what is typed")
    for command in ("/help", "/close", "/ping", "/post", "/id", "/wait", "/quit", "//text"):
        assert command in "\n".join(lines)
    assert not [line for line in lines if len(line) >= 80]


def test_tab_completes_a_command(emulator, open_terminal):
    terminal = connected(open_terminal(url_of(emulator), "--no-timestamps"))
    terminal.type("/cl")
    terminal.press("Tab")
    terminal.wait(lambda lines: lines[-1] == "> /close", "the rest of the name")
    terminal.press("C-u")
    terminal.type("/p")
    terminal.press("Tab")
    terminal.type("i")
    terminal.press("Tab", "Enter")
    terminal.wait_text("pong '1'")


def test_a_message_goes_to_somebody_else(emulator, open_terminal):
    other = emulator.connect()
    identity = emulator.identify(other)
    terminal = connected(open_terminal(url_of(emulator), "--no-timestamps"))
    terminal.line(f"/post {identity} hello over there")
    assert other.receive() == "hello over there"
    terminal.wait_text(f"* posted to {identity}")
    other.close()
    terminal.line(f"/post {identity} still there?")
    terminal.wait_text(f"connection {identity} is gone")


def test_lines_of_before_come_back_in_the_next_session(emulator, open_terminal, tmp_path):
    terminal = connected(open_terminal(url_of(emulator), "--no-timestamps"))
    terminal.line("the first line")
    terminal.line("the second line")
    terminal.wait_text("< the second line")
    terminal.press("C-d")
    assert terminal.status() == 0
    path = tmp_path / "state" / "apigw" / "history"
    assert path.read_text() == "the first line\nthe second line\n"
    assert path.stat().st_mode & 0o777 == 0o600
    again = connected(open_terminal(url_of(emulator), "--no-timestamps"))
    again.type("the s")
    again.press("C-r")
    again.wait(lambda lines: lines[-1] == "> the second line", "the line that begins so")
    again.press("Up")
    again.wait(lambda lines: lines[-1] == "> the first line", "the one before")


def test_escape_alone_stops_nothing(emulator, open_terminal):
    """It could be the beginning of an arrow key; what comes is shown all the same."""
    terminal = connected(open_terminal(url_of(emulator), "--no-timestamps"))
    terminal.line('{"action":"whoami"}')
    terminal.wait_text('"connectionId"')
    identity = re.search(rf'"connectionId": "({harness.CONNECTION_ID})"', terminal.history())[1]
    terminal.type("abc")
    terminal.press("Escape")
    assert emulator.post(identity, "meanwhile").status == 200
    terminal.wait_text("< meanwhile")
    terminal.press("Left")
    terminal.type("X")
    terminal.wait(lambda lines: lines[-1] == "> abXc", "a key that does what it did")


def test_stopping_and_going_on_draws_the_line_again(emulator, open_terminal):
    terminal = connected(open_terminal(url_of(emulator), "--no-timestamps"))
    terminal.type("still here")
    terminal.wait(lambda lines: lines[-1] == "> still here", "what was typed")
    client = harness.until(lambda: children_named(terminal.pid(), "apigw-client"), "the client's process")
    os.kill(client, signal.SIGSTOP)
    os.kill(client, signal.SIGCONT)
    terminal.line(" and there")
    terminal.wait_text("< still here and there")


def children_named(pid, name):
    for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        if pathlib.Path(f"/proc/{child}/comm").read_text().strip() == name:
            return int(child)
    return None


def test_when_the_server_stops_it_is_said_why(start, open_terminal):
    emulator = start()
    terminal = connected(open_terminal(url_of(emulator), width=160))
    emulator.stop()
    assert terminal.status() == 3
    assert "closed by the server: 1001 going away" in terminal.history()
    assert "10 minutes without a message, 2 hours in all, or the server stops" in terminal.history()


def test_the_terminal_is_as_it_was_afterwards(emulator, open_terminal):
    """What is typed then is echoed by the terminal itself again."""
    terminal = connected(open_terminal(url_of(emulator)))
    terminal.press("C-d")
    assert terminal.status() == 0
    terminal.line("typed into cat")
    lines = terminal.wait(lambda lines: lines.count("typed into cat") == 2, "the echo and cat's")
    assert PROMPT.rstrip() not in lines


def test_a_dumb_terminal_gets_lines_alone(emulator, open_terminal):
    terminal = open_terminal(url_of(emulator), "--send", "hello", "--expect", "1")
    terminal.wait_text("hello")
    assert terminal.status() == 0
    assert terminal.screen() == ["hello"]
