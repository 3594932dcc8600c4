"""`apigw rules`: the table of what is enforced; and what `run` says of the rules that are tuned."""

import json
import re

import harness
import pytest

FIDELITY = harness.ROOT / "docs" / "fidelity.md"

TUNED = {
    "binary-frame": "allow",
    "idle-timeout": 60000,
    "text-not-utf8": "replace",
    "account-throttle": "off",
    "head-timeout": 10000,
}


def rules(*arguments):
    result = harness.run("rules", *arguments)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


def by_id(*arguments):
    return {rule["id"]: rule for rule in json.loads(rules("--format", "json", *arguments))}


def entry(text, name):
    """The lines about one rule, its first one split into columns."""
    lines = text.splitlines()
    (at,) = [number for number, line in enumerate(lines) if line.split(" ")[0] == name]
    details = lines[at + 1 : at + 6]
    return re.split(" {2,}", lines[at]), [line.strip() for line in details if line.startswith("    ")]


@pytest.fixture(name="tuned_file")
def fixture_tuned_file(tmp_path):
    path = tmp_path / "routes.json"
    path.write_text(json.dumps(harness.api(rules=TUNED)))
    return path


# ---- text ----


def test_each_rule_is_shown_with_its_value_its_answer_what_it_may_be_and_its_source():
    columns, details = entry(rules(), "idle-timeout")
    assert columns == ["idle-timeout", "10 min", "documented"]
    assert details[:3] == [
        "a connection without traffic for 10 minutes is closed",
        "answer: 1001 Going away",
        "may be: 1 ms to 24 h",
    ]
    assert details[3].startswith("source: API Gateway developer guide, ")


def test_a_rule_with_a_choice_shows_what_each_means():
    columns, details = entry(rules(), "account-throttle")
    assert columns == ["account-throttle", "on, 10000 requests/s", "documented"]
    assert "may be: on: refuse what is over the rate; off: let everything through; 0 requests/s to 1000000000 requests/s" in details
    assert "answer: 429 Too Many Requests" in details


def test_a_text_of_several_lines_is_cut_after_the_first():
    _, details = entry(rules(), "signature-mismatch")
    assert details[1].endswith("Consult the service documentation for details. …")


def test_every_rule_is_there_in_every_format():
    ids = list(by_id())
    text_ids = [line.split(" ")[0] for line in rules("--format", "text").splitlines()[1:] if not line.startswith(" ")]
    markdown_ids = re.findall(r"^\| `([a-z0-9-]+)` \|", rules("--format", "markdown"), re.MULTILINE)
    assert text_ids == ids
    assert markdown_ids == ids
    assert len(ids) > 80


def test_text_is_what_is_shown_unless_told():
    assert rules() == rules("--format", "text") == rules("--format=text")


def test_with_a_configuration_what_it_tunes_stands_beside_what_aws_has(tuned_file):
    text = rules(tuned_file)
    assert entry(text, "idle-timeout")[0] == ["idle-timeout", "10 min", "1 min", "documented"]
    assert entry(text, "binary-frame")[0] == ["binary-frame", "close", "allow", "documented"]
    assert entry(text, "account-throttle")[0] == ["account-throttle", "on, 10000 requests/s", "off, 10000 requests/s", "documented"]
    assert entry(text, "connection-lifetime")[0] == ["connection-lifetime", "2 h", "documented"]
    assert entry(text, "head-timeout")[0] == ["head-timeout", "10 s", "ours"], "it is set to what it is"


# ---- Markdown ----


def test_the_page_has_the_rules_as_the_program_has_them():
    page = FIDELITY.read_text(encoding="utf-8")
    table = re.search(r"^<!-- rules:.*?-->\n(.*?)^<!-- end of rules", page, re.MULTILINE | re.DOTALL).group(1)
    assert table == rules("--format", "markdown"), "./dev docs writes it anew"


def test_the_markdown_is_one_table():
    lines = rules("--format", "markdown").splitlines()
    assert lines[0] == "| id | what | value | answer | may be | tag | source |"
    assert {line.count("|") for line in lines} == {8}


# ---- JSON ----


def test_as_json_a_rule_has_a_member_for_each_thing_that_there_is_of_it():
    found = by_id()
    assert found["idle-timeout"] == {
        "id": "idle-timeout",
        "what": "a connection without traffic for 10 minutes is closed",
        "limit": 600000,
        "limitByDefault": 600000,
        "unit": "ms",
        "limitMin": 1,
        "limitMax": 86400000,
        "closeCode": 1001,
        "closeReason": "Going away",
        "tag": "documented",
        "source": found["idle-timeout"]["source"],
        "todo": "let the client send a message or a ping more often",
    }
    assert found["delete-status"]["choices"] == ["204", "200"]
    assert found["delete-status"]["choice"] == found["delete-status"]["choiceByDefault"] == "204"
    assert found["connection-gone"]["status"] == 410
    assert found["connection-gone"]["errorType"] == "GoneException"
    assert "message" not in found["connection-gone"]
    assert found["route-not-found"]["message"] == "Forbidden"


def test_as_json_what_is_tuned_stands_beside_what_it_is_by_default(tuned_file):
    found = by_id(tuned_file)
    assert (found["idle-timeout"]["limit"], found["idle-timeout"]["limitByDefault"]) == (60000, 600000)
    assert (found["binary-frame"]["choice"], found["binary-frame"]["choiceByDefault"]) == ("allow", "close")
    assert (found["connection-lifetime"]["limit"], found["connection-lifetime"]["limitByDefault"]) == (7200000, 7200000)


# ---- the command line ----


def test_help_names_the_formats_and_fits_a_terminal():
    text = rules("--help")
    for word in ("apigw rules", "--format", "text", "markdown", "json", "CONFIG"):
        assert word in text
    assert max(map(len, text.splitlines())) <= 100


# The arguments, and what standard error then has.
MISTAKES = {
    "a format that there is not": (["--format", "yaml"], "apigw rules: --format takes text, markdown or json, not 'yaml'"),
    "a format without its value": (["--format"], "apigw rules: --format needs a value"),
    "an option that there is not": (["--tag", "ours"], "apigw rules: there is no option '--tag'"),
    "two configurations": (["one.json", "two.json"], "apigw rules: one CONFIG is enough; 'two.json' is another"),
}


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda name: name.replace(" ", "_"))
def test_a_mistake_on_the_command_line_is_said(mistake):
    arguments, sentence = MISTAKES[mistake]
    result = harness.run("rules", *arguments)
    assert result.returncode == 2
    assert result.stderr == f"{sentence}\nTry 'apigw rules --help'.\n"
    assert result.stdout == ""


def test_a_configuration_that_is_not_there_is_said(tmp_path):
    result = harness.run("rules", "nowhere.json", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr == "nowhere.json: error: cannot be read: No such file or directory\n1 error\n"
    assert result.stdout == ""


def test_a_configuration_with_a_mistake_is_explained_and_nothing_shown(tmp_path):
    (tmp_path / "routes.json").write_text(json.dumps(harness.api(rules={"idle-timout": 1})))
    result = harness.run("rules", "routes.json", cwd=tmp_path)
    assert result.returncode == 2
    assert 'error: /rules/idle-timout: there is no rule "idle-timout"; did you mean "idle-timeout"?' in result.stderr
    assert result.stdout == ""


# ---- run ----


def said_of_rules(log):
    return re.findall(r"^[\d:.]+ info  config: rule (.*)$", log, re.MULTILINE)


def test_what_is_tuned_is_said_at_the_start(start):
    emulator = start(harness.api(rules=TUNED))
    assert sorted(said_of_rules(emulator.log)) == [
        'account-throttle is "off" here, "on" on AWS',
        'binary-frame is "allow" here, "close" on AWS',
        "idle-timeout is 60000 ms here, 600000 on AWS",
        'text-not-utf8 is "replace" here, "close" by default',
    ]


def test_nothing_is_said_of_rules_that_are_as_on_aws(emulator):
    assert said_of_rules(emulator.log) == []


def test_a_tuned_rule_is_in_effect(start):
    emulator = start(harness.api(rules={"url-too-long": 100}))
    assert emulator.refusal(query="?q=" + "x" * 100).status == 414
    assert emulator.connect(query="?q=x").ask("hello") == "hello"
