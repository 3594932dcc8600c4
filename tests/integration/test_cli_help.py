"""What `apigw` says about itself."""

import re

import harness
import pytest


def test_help_lists_the_commands():
    result = harness.run("--help")
    assert result.returncode == 0
    for command in ("run", "check", "exec", "rules", "invoke", "event", "new", "collections", "connect", "post", "connections", "ca"):
        assert re.search(rf"^\s+(apigw )?{command}\b", result.stdout, re.MULTILINE)


@pytest.mark.parametrize("command", ["run", "check", "exec", "rules", "invoke", "event", "new", "collections", "connect", "post", "connections", "ca"])
def test_each_command_has_help(command):
    result = harness.run(command, "--help")
    assert result.returncode == 0
    assert f"apigw {command}" in result.stdout


def test_help_of_run_names_its_options():
    text = harness.run("run", "--help").stdout
    for option in ("--host", "--allow-host", "--port", "--ready-file", "routes.json", "3001"):
        assert option in text


def test_help_fits_a_terminal():
    for arguments in (["--help"], *([command, "--help"] for command in ("run", "check", "exec", "rules", "invoke", "event", "new", "collections", "connect", "post", "connections", "ca"))):
        assert max(map(len, harness.run(*arguments).stdout.splitlines())) <= 100


def test_version_is_a_number():
    result = harness.run("--version")
    assert result.returncode == 0
    assert re.fullmatch(r"apigw \d+\.\d+\.\d+\n", result.stdout)


def test_without_a_command_the_usage_is_shown_on_stderr():
    result = harness.run()
    assert result.returncode == 2
    assert "run" in result.stderr
    assert result.stdout == ""


def test_an_unknown_command_is_refused_with_a_suggestion():
    result = harness.run("chekc")
    assert result.returncode == 2
    assert "chekc" in result.stderr
    assert "check" in result.stderr
