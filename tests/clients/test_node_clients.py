"""npm's ws and wscat, and the AWS SDK for JavaScript, each run by `apigw exec` as a project's CI would do it."""

import json
import os
import pathlib
import subprocess

import harness
import pytest
import signing

HERE = pathlib.Path(__file__).parent


@pytest.fixture(autouse=True)
def installed():
    assert (HERE / "node_modules" / "ws").is_dir(), "npm ci has not run in tests/clients; ./dev test does it"


def execute(folder, config, *command, env=None, **options):
    (folder / "routes.json").write_text(json.dumps(config))
    return subprocess.run(
        [str(harness.PROGRAM), "exec", str(folder / "routes.json"), "--", *command],
        cwd=HERE,
        env=harness.environment({"AWS_EC2_METADATA_DISABLED": "true", **(env or {})}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
        **options,
    )


def chat():
    config = json.loads((harness.ROOT / "routes.json").read_text())
    config.pop("$schema", None)
    for function in config["functions"].values():
        function["plugin"] = str(harness.BUILD / "plugins" / function["plugin"])
    return config


def functions():
    return harness.api(functions={"fail": {}, "print": {}})


@pytest.mark.parametrize(
    "name,config", [("ws", harness.api), ("sdk", harness.api), ("chat", chat), ("lambda", functions)]
)
def test_the_node_tests_pass(tmp_path, name, config):
    result = execute(tmp_path, config(), "node", "--test", f"js/{name}.test.mjs")
    assert result.returncode == 0, result.stdout


ALICE = {"AWS_ACCESS_KEY_ID": signing.KEY_ID, "AWS_SECRET_ACCESS_KEY": signing.SECRET}


@pytest.mark.parametrize("token", [None, signing.TOKEN], ids=["long-term", "temporary"])
def test_the_node_tests_with_signatures_pass(tmp_path, token):
    connect = {"function": "status", "authorizationType": "AWS_IAM"}
    iam = signing.iam(connections=True, **({"sessionToken": token} if token else {}))
    config = harness.api({"$connect": connect, "$default": "echo"}, iam=iam)
    env = {**ALICE, "AWS_SESSION_TOKEN": token, "AWS_REGION": "us-east-1"}
    result = execute(tmp_path, config, "node", "--test", "js/iam.test.mjs", env=env)
    assert result.returncode == 0, result.stdout


def test_wscat_connects_and_shows_the_answer(tmp_path):
    script = 'exec node node_modules/wscat/bin/wscat --connect "$APIGW_WEBSOCKET_URL" --execute hello --wait 1'
    stdin, keeps_it_open = os.pipe()  # wscat ends with its standard input
    result = execute(tmp_path, harness.api(), "sh", "-c", script, stdin=stdin)
    os.close(keeps_it_open)
    os.close(stdin)
    assert result.returncode == 0, result.stdout
    assert "hello" in result.stdout
