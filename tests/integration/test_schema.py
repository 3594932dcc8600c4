"""routes.schema.json accepts and refuses the same files as `apigw check`."""

import json

import harness
import jsonschema
import pytest

CONFIG = harness.ROOT / "tests" / "config"
SCHEMA = json.loads((harness.ROOT / "routes.schema.json").read_text(encoding="utf-8"))

# Refused by the loader alone, because no schema can say so.
LOADER_ONLY = {
    "environment-size": "a limit over several values",
    "expression-escapes": "a grammar, not a pattern",
    "expression-filter": "a grammar, not a pattern",
    "handler-missing": "what the plugin holds",
    "long-number": "how a number is written",
    "plugin-absolute": "files on this machine",
    "plugin-broken": "files on this machine",
    "plugin-missing": "files on this machine",
    "plugin-without-handlers": "what the plugin holds",
    "route-function-dangling": "a reference",
    "surrogate": "how a string is written",
}


def refuse_constant(name):
    raise ValueError(f"{name} is not JSON")


def unique_members(pairs):
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a key is given twice")
    return members


def schema_accepts(path):
    """What an editor would say: its JSON reader first, then the schema."""
    try:
        text = path.read_bytes().decode("utf-8")
        value = json.loads(text, object_pairs_hook=unique_members, parse_constant=refuse_constant)
    except ValueError:
        return False
    return jsonschema.Draft7Validator(SCHEMA).is_valid(value)


def config_files(folder):
    files = sorted((CONFIG / folder).glob("*.json"))
    assert files, f"no files in {CONFIG / folder}"
    return [pytest.param(path, id=path.stem) for path in files]


def test_the_schema_is_a_schema():
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def test_the_sample_is_accepted_by_the_schema():
    assert schema_accepts(harness.ROOT / "routes.json")


def test_every_exception_has_a_file():
    assert {path.stem for path in (CONFIG / "refuse").glob("*.json")} >= set(LOADER_ONLY)


@pytest.mark.parametrize("path", config_files("accept"))
def test_the_schema_accepts(path):
    assert schema_accepts(path)


@pytest.mark.parametrize("path", config_files("refuse"))
def test_the_schema_refuses(path):
    assert schema_accepts(path) == (path.stem in LOADER_ONLY)


@pytest.mark.parametrize("path", config_files("accept"))
def test_the_loader_accepts(path):
    result = harness.run("check", path)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("path", config_files("refuse"))
def test_the_loader_refuses(path):
    result = harness.run("check", path)
    assert result.returncode == 2, result.stdout + result.stderr
    assert ": error: " in result.stdout + result.stderr
