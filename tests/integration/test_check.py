"""`apigw check`: every error of a routes.json, with its place."""

import json
import re

import harness
import pytest

GOOD = """{
  "name": "test",
  "stage": "dev",
  "routeSelectionExpression": "$request.body.action",
  "functions": {
    "echo": { "plugin": "SUITE", "handler": "echo" }
  },
  "routes": {
    "$default": { "function": "echo" }
  }
}
"""


def check(tmp_path, text):
    """The result of checking `text`, where SUITE stands for the path of handler_suite.so."""
    path = tmp_path / "routes.json"
    path.write_text(text.replace("SUITE", str(harness.SUITE)))
    result = harness.run("check", "routes.json", cwd=tmp_path)
    result.output = result.stdout + result.stderr
    return result


def errors(result):
    """(line, column, sentence) of each error shown."""
    return [
        (int(line), int(column), sentence)
        for line, column, sentence in re.findall(r"^routes\.json:(\d+):(\d+): error: (.*)$", result.output, re.MULTILINE)
    ]


def place(text, fragment):
    """Line and column of a fragment."""
    before = text[: text.index(fragment)]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def test_a_good_file_passes(tmp_path):
    result = check(tmp_path, GOOD)
    assert result.returncode == 0, result.output
    assert not errors(result)


def test_the_sample_of_the_repository_passes():
    result = harness.run("check", harness.ROOT / "routes.json")
    assert result.returncode == 0, result.stdout + result.stderr


# What is changed in the good file, what the error points at afterwards, and words that its sentence must hold.
FAULTS = {
    "an unknown member is refused with a suggestion": ('"stage"', '"stagee"', '"stagee"', ["stagee", "stage"]),
    "an unknown member of a function is refused with a suggestion": ('"handler"', '"handlr"', '"handlr"', ["handlr", "handler"]),
    "an unknown member of a route is refused with a suggestion": (
        '{ "function": "echo" }',
        '{ "functon": "echo" }',
        '"functon"',
        ["functon", "function"],
    ),
    "a duplicate member is refused": ('"stage": "dev",', '"stage": "dev",\n  "name": "again",', '"name": "again"', ["name"]),
    "a duplicate route is refused": (
        '"$default": { "function": "echo" }',
        '"a": { "function": "echo" },\n    "a": { "function": "echo" }',
        None,
        ["a"],
    ),
    "a function that does not exist is refused with a suggestion": (
        '"function": "echo"',
        '"function": "ecko"',
        '"ecko"',
        ["ecko", "echo"],
    ),
    "a plugin file that does not exist is refused": ('"SUITE"', '"missing.so"', '"missing.so"', ["missing.so"]),
    "a handler that the plugin does not have is refused with a suggestion": (
        '"handler": "echo"',
        '"handler": "ehco"',
        '"ehco"',
        ["ehco", "echo"],
    ),
    "a route without a function is refused": ('{ "function": "echo" }', "{}", '"$default"', ["function"]),
    "a member of the wrong type is refused": ('"stage": "dev"', '"stage": 5', "5", ["string"]),
    "a stage name with other characters is refused": ('"stage": "dev"', '"stage": "d/v"', '/v"', ["stage"]),
    "a timeout of 0 is refused": ('"handler": "echo"', '"handler": "echo", "timeout": 0', "0 }", ["timeout"]),
    "a timeout over 900 seconds is refused": ('"handler": "echo"', '"handler": "echo", "timeout": 901', "901", ["900"]),
    "a memory under 128 MB is refused": ('"handler": "echo"', '"handler": "echo", "memorySize": 64', None, []),
    "a custom route that starts with a dollar sign is refused": ('"$default"', '"$custom"', '"$custom"', ["$custom"]),
    "a selection expression that does not compile is refused": (
        '"$request.body.action"',
        '"${request.body.action"',
        None,
        ["routeSelectionExpression"],
    ),
    "a comma too many is refused": ('"stage": "dev",', '"stage": "dev",,', None, []),
    "a file that ends early is refused": ('  "routes"', "", None, []),
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda name: name.replace(" ", "_"))
def test_the_fault_is_shown_with_its_place(tmp_path, fault):
    old, new, pointed_at, words = FAULTS[fault]
    text = GOOD[: GOOD.index(old)] if new == "" else GOOD.replace(old, new, 1)
    result = check(tmp_path, text)
    assert result.returncode == 2
    shown = errors(result)
    assert shown, result.output
    for word in words:
        assert word in result.output
    if pointed_at:
        shown_text = text.replace("SUITE", str(harness.SUITE))
        assert place(shown_text, pointed_at) in [error[:2] for error in shown], result.output


def test_every_error_of_a_file_is_shown_in_its_order(tmp_path):
    text = GOOD.replace('"stage": "dev"', '"stage": 5').replace('"function": "echo"', '"function": "none"')
    shown = errors(check(tmp_path, text))
    assert len(shown) == 2
    assert shown == sorted(shown)


def test_an_error_shows_its_line_and_a_caret(tmp_path):
    result = check(tmp_path, GOOD.replace('"stage": "dev"', '"stage": 5'))
    lines = result.output.splitlines()
    (at,) = [index for index, line in enumerate(lines) if "error:" in line and line.startswith("routes.json:")]
    assert '"stage": 5' in lines[at + 1]
    assert lines[at + 2].index("^") == lines[at + 1].rindex("5")


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    result = harness.run("check", "nowhere.json", cwd=tmp_path)
    assert result.returncode == 2
    assert "nowhere.json" in result.stdout + result.stderr


def test_more_routes_than_aws_allows_are_refused(tmp_path):
    config = {**json.loads(GOOD), "routes": {f"route{n}": {"function": "echo"} for n in range(301)}}
    result = check(tmp_path, json.dumps(config))
    assert result.returncode == 2
    assert "300" in result.output


def test_check_wants_a_file(tmp_path):
    result = harness.run("check", cwd=tmp_path)
    assert result.returncode == 2


BROKEN = {
    "wrong_magic": "plugin",
    "newer_abi": "ABI",
    "other_major": "ABI",
    "short_struct": "",
    "no_symbol": "apigw_plugin",
    "no_handlers": "handler",
    "null_handler": "handler",
    "constructor_crashes": "",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_plugin_that_cannot_be_used_is_an_error_at_its_name(tmp_path, name):
    text = GOOD.replace("SUITE", harness.plugin(name)).replace('"handler": "echo"', f'"handler": "{name}"')
    result = check(tmp_path, text)
    assert result.returncode == 2
    (error,) = errors(result)
    assert error[0] == place(text, '"echo": {')[0]
    assert BROKEN[name] in error[2]
    assert name in error[2] or name in result.output


@pytest.mark.parametrize("name", ["init_fails", "init_crashes"])
def test_check_does_not_run_init(tmp_path, name):
    result = check(tmp_path, GOOD.replace("SUITE", harness.plugin(name)).replace('"handler": "echo"', f'"handler": "{name}"'))
    assert result.returncode == 0, result.output
