"""routes.schema.json accepts and refuses the same files as `apigw check`, and has the same keys."""

import json
import re

import harness
import jsonschema
import pytest

CONFIG = harness.ROOT / "tests" / "config"
SCHEMA = json.loads((harness.ROOT / "routes.schema.json").read_text(encoding="utf-8"))

# Refused by the loader alone, because no schema can say so.
LOADER_ONLY = {
    "access-log-format-bytes": "a limit in bytes",
    "access-key-id-twice": "values that must differ",
    "api-key-value-twice": "values that must differ",
    "authorizer-dangling": "a reference",
    "authorizer-function-dangling": "a reference",
    "authorizer-without-authorizers": "a reference",
    "authorizer-without-functions": "a reference",
    "domain-case": "values that must differ",
    "domain-stage-other": "a reference",
    "domain-stage-unknown": "a reference",
    "environment-size": "a limit over several values",
    "expression-escapes": "a grammar, not a pattern",
    "expression-filter": "a grammar, not a pattern",
    "handler-missing": "what the plugin holds",
    "long-number": "how a number is written",
    "plugin-absolute": "files on this machine",
    "plugin-broken": "files on this machine",
    "plugin-missing": "files on this machine",
    "plugin-without-handlers": "what the plugin holds",
    "provisioned-over-concurrency": "a limit that is another value",
    "provisioned-over-reserve": "a limit that is another value",
    "route-function-dangling": "a reference",
    "route-settings-dangling": "a reference",
    "stage-function-dangling": "a reference",
    "stage-function-missing": "a reference",
    "surrogate": "how a string is written",
    "usage-plan-key-dangling": "a reference",
    "usage-plan-key-twice": "values that must differ",
    "usage-plan-without-keys": "a reference",
    "wrap-backslash": "a grammar, not a pattern",
    "wrap-blank": "a grammar, not a pattern",
    "wrap-folder": "files on this machine",
    "wrap-missing": "files on this machine",
    "wrap-not-a-program": "files on this machine",
    "wrap-quote": "a grammar, not a pattern",
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


# ---- keys ----

UNKNOWN = "0123456789"  # near no key

# One of each kind of object, with a key that none has and, but for "routes", without those that it must have.
PROBE = {
    UNKNOWN: 0,
    "functions": {"f": {UNKNOWN: 0}},
    "routes": {"$connect": {UNKNOWN: 0}, "say": {UNKNOWN: 0}},
    "authorizers": {"a": {UNKNOWN: 0}},
    "iam": {UNKNOWN: 0, "credentials": {"c": {UNKNOWN: 0, "policy": {UNKNOWN: 0}}, "d": {"policy": {"Statement": {UNKNOWN: 0}}}}},
    "apiKeys": {"k": {UNKNOWN: 0}},
    "usagePlans": {"p": {UNKNOWN: 0, "throttle": {UNKNOWN: 0}, "quota": {UNKNOWN: 0}}},
    "defaultRouteSettings": {UNKNOWN: 0},
    "routeSettings": {"$connect": {UNKNOWN: 0}},
    "accessLog": {UNKNOWN: 0},
}

# What stands in place of some of it.
PROBE_STAGES = {"stages": {"dev": {UNKNOWN: 0, "defaultRouteSettings": {UNKNOWN: 0}, "routeSettings": {"say": {UNKNOWN: 0}}, "accessLog": {UNKNOWN: 0}}}}


def parts(schema):
    """A schema and all that hold together with it."""
    yield schema
    more = [schema["else"]] if "else" in schema else []
    more += [SCHEMA["definitions"][schema["$ref"].rpartition("/")[2]]] if "$ref" in schema else []
    for part in schema.get("allOf", []) + more:
        yield from parts(part)


def member_schema(schema, key):
    found = [part["properties"][key] for part in parts(schema) if key in part.get("properties", {})]
    found += [part["additionalProperties"] for part in parts(schema) if isinstance(part.get("additionalProperties"), dict)]
    return found[0]


def closed_object(pointer):
    """The part of the schema at a JSON pointer that lists an object's keys."""
    schema = SCHEMA
    for key in pointer.split("/")[1:]:
        schema = member_schema(schema, key)
    (closed,) = [part for part in parts(schema) if part.get("additionalProperties") is False]
    return closed


def closed_objects(value):
    """Every object of the schema that lists keys."""
    if isinstance(value, dict):
        if value.get("additionalProperties") is False:
            yield value
        for member in value.values():
            yield from closed_objects(member)
    elif isinstance(value, list):
        for element in value:
            yield from closed_objects(element)


@pytest.fixture(name="probed", scope="module")
def fixture_probed(tmp_path_factory):
    """By JSON pointer what `apigw check` says of each object of the probes: the keys that it knows, and those it misses."""
    path = tmp_path_factory.mktemp("probe") / "routes.json"
    return {**probe(path, PROBE_STAGES), **probe(path, PROBE)}


def probe(path, config):
    path.write_text(json.dumps(config, indent=1))
    errors = re.findall(r"error: (?:(/\S*): )?(.*)$", harness.run("check", path).stderr, re.MULTILINE)
    known = {at: what.partition("; known here: ")[2].split(", ") for at, what in errors if what.startswith("unknown key")}
    missing = {at: {key for to, key in map(named_as_missing, errors) if to == at} for at in known}
    return {at: (set(known[at]), missing[at] - {None}) for at in known}


def named_as_missing(error):
    match = re.fullmatch(r'"(\w+)" is missing', error[1])
    return error[0], match.group(1) if match else None


def test_each_object_has_the_keys_of_the_program(probed):
    assert {at: set(closed_object(at)["properties"]) for at in probed} == {at: keys for at, (keys, _) in probed.items()}


def required_by(schema):
    """Of several keys one of which must be there, the first is the one that is missed."""
    return {*schema.get("required", []), *schema.get("oneOf", [{}])[0].get("required", [])}


def test_each_object_must_have_the_keys_that_the_program_misses(probed):
    required = {at: required_by(closed_object(at)) - {"routes"} for at in probed}
    assert required == {at: keys for at, (_, keys) in probed.items()}


def test_no_object_of_the_schema_is_left_out(probed):
    compared = [closed_object(at) for at in probed] + [SCHEMA["properties"]["rules"]]
    assert [one for one in closed_objects(SCHEMA) if one not in compared] == []


# ---- rules ----


def limit_of(rule):
    return {"type": "integer", "minimum": rule["limitMin"], "maximum": rule["limitMax"]}


def rule_schema(rule):
    """What the schema must say of a rule of `apigw rules --format json`; None: it cannot be tuned."""
    choice = {"enum": rule["choices"]} if "choices" in rule else None
    limit = limit_of(rule) if "limitMax" in rule else None
    if choice and limit:
        return {"anyOf": [choice, limit], "default": rule["limitByDefault"]}
    if limit:
        return {**limit, "default": rule["limitByDefault"]}
    return {**choice, "default": rule["choiceByDefault"]} if choice else None


def test_the_schema_has_every_rule_that_can_be_tuned_and_what_it_may_be():
    rules = json.loads(harness.run("rules", "--format", "json").stdout)
    wanted = {rule["id"]: rule_schema(rule) for rule in rules if rule_schema(rule)}
    described = SCHEMA["properties"]["rules"]["properties"]
    assert all(rule["description"] for rule in described.values())
    assert {name: {key: rule[key] for key in rule if key != "description"} for name, rule in described.items()} == wanted


# ---- limits ----

FULL = {
    "name": "limits",
    "stage": "dev",
    "routeSelectionExpression": "$request.body.action",
    "functions": {"chat": {"plugin": "chat.so", "handler": "chat"}},
    "authorizers": {"token": {"function": "chat", "identitySource": []}},
    "iam": {"credentials": {"alice": {"accessKeyId": "AKID", "secretAccessKey": "secret"}}},
    "apiKeys": {"mobile": {"value": "d41d8cd98f00b204e980"}},
    "usagePlans": {"basic": {"throttle": {}, "quota": {"limit": 1, "period": "DAY"}}},
    "defaultRouteSettings": {},
    "routes": {"$connect": {"authorizer": "token"}},
}

ARN = "arn:aws:iam::123456789012:user/"
INT_MAX = 2147483647

# Where, the last value that is taken, and the first one that is not.
LIMITS = {
    "shortest API key": ("apiKeys/mobile/value", "k" * 20, "k" * 19),
    "longest API key": ("apiKeys/mobile/value", "k" * 128, "k" * 129),
    "longest access key id": ("iam/credentials/alice/accessKeyId", "A" * 128, "A" * 129),
    "longest secret": ("iam/credentials/alice/secretAccessKey", "é" * 128, "é" * 129),
    "longest session token": ("iam/credentials/alice/sessionToken", "t" * 4096, "t" * 4097),
    "longest ARN": ("iam/credentials/alice/userArn", ARN.ljust(2048, "a"), ARN.ljust(2049, "a")),
    "shortest ARN": ("iam/credentials/alice/userArn", "arn:::::", "arn::::"),
    "longest user name": ("iam/credentials/NAME", "a" * 64, "a" * 65),
    "longest authorizer name": ("authorizers/NAME", "é" * 128, "é" * 129),
    "longest API key name": ("apiKeys/NAME", "é" * 128, "é" * 129),
    "longest usage plan name": ("usagePlans/NAME", "é" * 128, "é" * 129),
    "smallest quota": ("usagePlans/basic/quota/limit", 1, 0),
    "largest quota": ("usagePlans/basic/quota/limit", INT_MAX, INT_MAX + 1),
    "smallest rate of a plan": ("usagePlans/basic/throttle/rateLimit", 0, -0.001),
    "largest rate of a plan": ("usagePlans/basic/throttle/rateLimit", INT_MAX, INT_MAX + 0.5),
    "largest burst of a plan": ("usagePlans/basic/throttle/burstLimit", INT_MAX, INT_MAX + 1),
    "whole burst of a plan": ("usagePlans/basic/throttle/burstLimit", 1.0, 1.5),
    "smallest rate of routes": ("defaultRouteSettings/throttlingRateLimit", 0, -0.001),
    "largest rate of routes": ("defaultRouteSettings/throttlingRateLimit", INT_MAX, INT_MAX + 0.5),
    "largest burst of routes": ("defaultRouteSettings/throttlingBurstLimit", INT_MAX, INT_MAX + 1),
    "longest API id": ("apiId", "a" * 32, "a" * 33),
    "longest region": ("region", "a" * 32, "a" * 33),
    "longest domain": ("domains", {"a." * 125 + "com": {"": "dev"}}, {"a." * 125 + "comm": {"": "dev"}}),
    "longest mapping key": ("domains", {"a.com": {"k" * 300: "dev"}}, {"a.com": {"k" * 301: "dev"}}),
    "most mappings": ("domains", {"a.com": {f"k{i}": "dev" for i in range(200)}}, {"a.com": {f"k{i}": "dev" for i in range(201)}}),
    "most domains": (
        "domains",
        {f"a{i}.com": {"": "dev"} for i in range(120)},
        {f"a{i}.com": {"": "dev"} for i in range(121)},
    ),
    "shortest identity source": ("authorizers/token/identitySource", ["context.a"], ["context."]),
}


def changed(where, value):
    """FULL with a value in one place; NAME: with the value as the name of what is there."""
    config = json.loads(json.dumps(FULL))
    *way, last = where.split("/")
    at = config
    for key in way:
        at = at[key]
    if last == "NAME":
        (old,) = at
        renamed = json.dumps(config).replace(json.dumps(old), json.dumps(value))
        return json.loads(renamed)
    at[last] = value
    return config


@pytest.mark.parametrize("limit", LIMITS, ids=lambda name: name.replace(" ", "_"))
def test_the_schema_has_the_limits_of_the_program(tmp_path, limit):
    where, *values = LIMITS[limit]
    path = tmp_path / "routes.json"
    for value, fits in zip(values, (True, False)):
        path.write_text(json.dumps(changed(where, value)))
        assert schema_accepts(path) == fits, value
        assert (harness.run("check", path).returncode == 0) == fits, value
