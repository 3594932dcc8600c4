"""Manual pages and completions know what the program knows."""

import json
import re
import subprocess

import harness
import pytest

MAN = harness.ROOT / "man"
COMPLETIONS = harness.ROOT / "completions"


def commands():
    """The names in `apigw --help`."""
    listing = harness.run("--help").stdout.split("Commands:\n")[1].split("\n\n")[0]
    return re.findall(r"^  (\w+)", listing, re.MULTILINE)


def options(*command):
    """The options in a help text."""
    return set(re.findall(r"^ +(--[a-z-]+)", harness.run(*command, "--help").stdout, re.MULTILINE))


def page(name):
    """A manual page as a terminal shows it, without its bold and underlined characters."""
    source = next(MAN.glob(name))
    text = subprocess.run(["mandoc", "-T", "ascii", source], capture_output=True, text=True, timeout=60, check=True)
    return re.sub(".\x08", "", text.stdout)


COMMANDS = commands()


def test_help_is_read_well_enough_to_be_compared():
    assert {"run", "check", "exec", "rules", "new"} <= set(COMMANDS)
    assert options("run") >= {"--host", "--port", "--help"}
    assert options() == {"--help", "--version"}


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_a_page_with_all_its_options(command):
    text = page(f"apigw-{command}.1")
    assert options(command) - set(re.findall(r"--[a-z-]+", text)) == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_page_has_no_option_that_its_command_has_not(command):
    text = page(f"apigw-{command}.1").split("DESCRIPTION")[1].split("EXAMPLES")[0]
    assert set(re.findall(r"^ +(--[a-z-]+)", text, re.MULTILINE)) - options(command) == set()


def test_the_first_page_has_all_commands():
    text = page("apigw.1")
    assert [command for command in COMMANDS if f"apigw-{command}(1)" not in text] == []
    assert options() - set(re.findall(r"--[a-z-]+", text)) == set()


def test_the_hosts_page_has_the_option_that_its_usage_has():
    usage = subprocess.run([harness.BUILD / "apigw-host"], capture_output=True, text=True, timeout=60, check=False).stderr
    (option,) = set(re.findall(r"--[a-z-]+", usage))
    assert option in page("apigw-host.1")


def test_the_page_of_the_configuration_has_every_key_of_the_schema():
    def keys(schema):
        if isinstance(schema, list):
            return set().union(*map(keys, schema), set())
        if not isinstance(schema, dict):
            return set()
        below = (value for key, value in schema.items() if key != "rules")  # `apigw rules` has those
        return set(schema.get("properties", ())).union(*map(keys, below))

    known = keys(json.loads((harness.ROOT / "routes.schema.json").read_text()))
    assert {"routeSelectionExpression", "plugin"} <= known
    text = page("apigw-routes.json.5")
    assert [key for key in sorted(known) if not re.search(rf"(?<![\w$]){re.escape(key)}(?!\w)", text)] == []


@pytest.mark.parametrize("source", sorted(MAN.glob("*.[15]")), ids=lambda path: path.name)
def test_mandoc_finds_nothing_wrong(source):
    lint = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", source], capture_output=True, text=True, timeout=60, check=False
    )
    assert (lint.returncode, lint.stdout) == (0, "")


@pytest.mark.parametrize("source", sorted(MAN.glob("*.[15]")), ids=lambda path: path.name)
def test_a_page_refers_to_pages_that_there_are(source):
    ours = re.findall(r"^\.Xr (apigw\S*) (\d)", source.read_text(), re.MULTILINE)
    assert [name for name, section in ours if not (MAN / f"{name}.{section}").exists()] == []


# ---- what shells complete ----


def bash_completes(*words):
    """What bash offers for the last of these words behind `apigw`."""
    script = """
        compopt() { :; }
        source "$1"; shift
        COMP_WORDS=(apigw "$@"); COMP_CWORD=$#; _apigw
        printf "%s\\n" "${COMPREPLY[@]}"
    """
    command = ["bash", "-uec", script, "bash", COMPLETIONS / "apigw.bash", *words]
    return set(subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.split())


def fish_completes(*words, home):
    script = f'source "{COMPLETIONS / "apigw.fish"}"; complete -C "apigw {" ".join(words)}"'
    command = ["fish", "--no-config", "-c", script]
    offered = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=True, env=harness.environment({"HOME": str(home)})
    )
    return {line.split("\t")[0] for line in offered.stdout.splitlines()}


def zsh_describes(*words):
    """What the function of zsh hands to zsh's own: the specifications of arguments, and lists of words."""
    script = """
        _arguments() { print -rl -- "$@" }
        _describe() { print -rl -- "${(P@)2}" }
        _normal() { print -r -- "word $CURRENT of $words" }
        words=(apigw "${@:2}"); CURRENT=$#; source "$1"
    """
    command = ["zsh", "-fc", script, "zsh", COMPLETIONS / "_apigw", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.splitlines()


@pytest.fixture(params=["bash", "fish"])
def completes(request, tmp_path):
    if request.param == "bash":
        return bash_completes
    return lambda *words: fish_completes(*words, home=tmp_path)


def test_shells_complete_the_commands(completes):
    assert {*COMMANDS, "help"} <= completes("")
    assert completes("ch") == {"check"}


def test_shells_complete_the_options_of_the_program(completes):
    assert options() <= completes("--")


@pytest.mark.parametrize("command", COMMANDS)
def test_shells_complete_all_options_of_a_command_and_no_others(completes, command):
    assert completes(command, "--") == options(command)


def test_zsh_is_told_of_any_number_of_configurations_and_then_of_another_command():
    for words in (["run"], ["check", "a.json"], ["exec", "a.json", "b.json"]):
        assert [line for line in zsh_describes(*words, "") if line.startswith("*:configuration:")], words
    assert zsh_describes("exec", "a.json", "--", "npm", "te") == ["word 2 of npm te"]


def test_zsh_is_told_the_commands():
    named = {line.split(":")[0] for line in zsh_describes("") if not line.startswith("(")}
    assert named == {*COMMANDS, "help"}


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_zsh_is_told_all_options_of_a_command_and_no_others(command):
    told = zsh_describes("") if command is None else zsh_describes(command, "-")
    wanted = options() if command is None else options(command)
    assert {match[1] for match in (re.search(r"(--[a-z-]+)", line) for line in told) if match} == wanted


@pytest.mark.parametrize(
    "words, values",
    [
        (("run", "--log-level"), {"error", "warn", "info", "debug"}),
        (("exec", "--log-format"), {"text", "json"}),
        (("invoke", "--log-level"), {"error", "warn", "info", "debug"}),
        (("invoke", "--log-format"), {"text", "json"}),
        (("rules", "--format"), {"text", "markdown", "json"}),
        (("collections", "--format"), {"text", "json"}),
        (("new", "--template"), {"echo", "chat", "authorizer"}),
        (("connect", "--color"), {"auto", "always", "never"}),
    ],
)
def test_shells_complete_the_values_of_an_option(completes, words, values):
    assert completes(*words, "") == values
    (told,) = [line for line in zsh_describes(words[0], "") if line.startswith(words[1] + "=")]
    assert set(told.split("(")[1].rstrip(")").split()) == values
    assert values <= set(re.findall(r"\w+", harness.run(words[0], "--help").stdout)), "they are those of the help"


def test_shells_complete_the_events_until_one_is_named(completes):
    events = set(re.match(r"Usage: apigw event (\S+)", harness.run("event", "--help").stdout)[1].split("|"))
    assert completes("event", "") == events
    assert not events & completes("event", "message", "")
    (told,) = [line for line in zsh_describes("event", "") if line.startswith("1:")]
    assert set(told.split("(")[1].rstrip(")").split()) == events


def test_shells_complete_commands_to_wrap_handlers_in(completes):
    assert completes("run", "--wrap", "fals") >= {"false"}


def test_shells_complete_folders_for_logs(completes):
    words = ("run", "--logs", f"{harness.ROOT}/docs")
    assert {path.rstrip("/") for path in completes(*words)} == {str(harness.ROOT / "docs")}
    assert completes("run", "--logs", f"{harness.ROOT}/CONTRIB") == set()


def test_the_values_for_template_are_the_templates():
    templates = {path.name for path in (harness.ROOT / "sdk" / "templates").iterdir()} - {"every"}
    assert bash_completes("new", "--template", "") == templates


@pytest.mark.parametrize("shell, name", [("bash", "apigw.bash"), ("zsh", "_apigw"), ("fish", "apigw.fish")])
def test_the_shell_reads_its_file_without_complaint(shell, name):
    checked = subprocess.run([shell, "-n", COMPLETIONS / name], capture_output=True, text=True, timeout=60, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
