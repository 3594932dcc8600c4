"""Collections and key/value stores: through handlers in many environments, over restarts, and with `apigw collections`."""

import concurrent.futures
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import harness
import pytest


def suite(**members):
    """The one function of collections_suite.so, behind $default."""
    function = {"plugin": harness.plugin("collections_suite"), "handler": "collections", "timeout": 30, **members}
    config = harness.api(routes={})
    config["functions"] = {"collections": function}
    config["routes"] = {"$default": {"function": "collections", "routeResponse": True}}
    return config


@pytest.fixture
def api(start):
    return start(suite())


def do(client, step, **members):
    return json.loads(client.ask(json.dumps({"do": step, **members})))


def collections(emulator_or_folder, *arguments, **options):
    folder = getattr(emulator_or_folder, "folder", emulator_or_folder)
    return harness.run("collections", *arguments, cwd=folder, **options)


def counts(emulator_or_folder):
    """{"things": 3, …}, as `apigw collections` counts them."""
    result = collections(emulator_or_folder, "--format", "json")
    assert result.returncode == 0, result.stderr
    listed = json.loads(result.stdout)
    return {"/".join(filter(None, (item["name"], item.get("collection")))): item["count"] for item in listed}


def at_once(jobs):
    with concurrent.futures.ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result() for future in [pool.submit(job) for job in jobs]]


# ---- handlers ----


def test_what_one_client_sets_another_gets(api):
    ada, bob = api.connect(), api.connect()
    assert do(ada, "set", id="x", content={"text": "ünï", "n": [1, None]}) == {"result": 0}
    assert do(bob, "get", id="x") == {"content": {"text": "ünï", "n": [1, None]}, "result": 0}
    assert do(bob, "delete", id="x") == {"result": 0}
    assert do(ada, "get", id="x") == {"content": None, "result": 0}
    assert do(ada, "delete", id="x") == {"result": 0}


def test_a_call_without_its_permission_is_refused_and_the_log_names_the_word(api):
    client = api.connect()
    assert do(client, "set", id="x", content={}, permissions=1)["result"] == -403
    api.wait_log(r'collections [0-9a-f-]+ \| WARN collection "things" was opened without APIGW_WRITING')
    assert do(client, "get", id="x")["content"] is None


def test_queries_with_conditions_and_pages(api):
    client = api.connect()
    for number in range(10):
        do(client, "set", id=f"id{number}", content={"n": number, "room": "even" if number % 2 == 0 else "odd"})
    assert do(client, "fetch", where=[["room", "==", "odd"], ["n", ">", 2]])["ids"] == ["id3", "id5", "id7", "id9"]
    assert do(client, "fetch", where=[["room", "startsWith", "ev"]], limit=2)["ids"] == ["id0", "id2"]
    token, seen = "", []
    while True:
        page = do(client, "fetch", limit=3, **{"from": token})
        seen += page["ids"]
        token = page["next"]
        if not token:
            break
    assert seen == [f"id{number}" for number in range(10)]
    assert do(client, "fetch", **{"from": "made up"})["result"] == -400


def test_sub_collections_and_groups(api):
    client = api.connect()
    do(client, "set", id="hall", content={})
    for parent, who in (("hall", "ada"), ("hall", "bob"), ("kitchen", "cyd")):
        assert do(client, "set", parent=parent, sub="members", id=who, content={})["result"] == 0
    assert do(client, "fetch")["ids"] == ["hall"]
    assert do(client, "fetch", parent="hall", sub="members")["ids"] == [["hall", "ada"], ["hall", "bob"]]
    assert do(client, "stream", sub="members")["ids"] == [["hall", "ada"], ["hall", "bob"], ["kitchen", "cyd"]]
    do(client, "delete", id="hall")
    assert do(client, "stream", sub="members")["ids"] == [["kitchen", "cyd"]]


def test_key_value_stores(api):
    client = api.connect()
    for key, value in (("user:1", {"a": 1}), ("user:2", [2]), ("other", "text")):
        assert do(client, "kv_set", id=key, value=value)["result"] == 0
    assert do(client, "kv_keys", prefix="user:") == {"keys": ["user:1", "user:2"], "result": 0}
    assert do(client, "kv_get", id="user:2")["value"] == [2]
    assert do(client, "kv_delete", id="user:2")["result"] == 0
    assert do(client, "kv_get", id="user:2") == {"type": 0, "value": None, "result": 0}


def test_init_and_fini_may_use_collections(start):
    emulator = start(suite(environment={"SUITE_ENVIRONMENTS": "1"}))
    do(emulator.connect(), "get", id="x")
    assert counts(emulator) == {"environments": 1}
    emulator.stop()
    assert counts(emulator) == {}


def test_a_forked_child_cannot_use_the_store_and_does_not_harm_it(api):
    client = api.connect()
    do(client, "set", id="before", content={})
    assert do(client, "from_a_child", id="after", content={})["result"] == 0
    assert do(client, "fetch")["ids"] == ["after", "before"]


# ---- many environments ----


def test_many_environments_write_at_once_and_nothing_is_lost(start):
    api = start(suite(provisioned=4))
    health = lambda: api.http("GET", "/_apigw/health").status
    harness.until(lambda: health() == 200, "four environments are there")
    clients = [api.connect() for _ in range(8)]
    results = at_once(
        [
            lambda client=client, number=number: do(client, "fill", id=f"{number}-", count=200)
            for number, client in enumerate(clients)
        ]
    )
    assert results == [{"result": 0}] * 8
    functions = json.loads(api.http("GET", "/_apigw/functions").text)["functions"]
    took_part = [environment for environment in functions[0]["environments"] if environment["invocations"] > 0]
    assert len(took_part) > 1, "it was one environment that did it all"
    assert counts(api) == {"things": 1600}


def test_a_stream_sees_what_stays_once_while_others_come_and_go(api):
    stayed = [f"stays-{number:05}" for number in range(200)]
    do(api.connect(), "fill", id="stays-", count=200)
    restless, reader = [api.connect() for _ in range(3)], api.connect()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        churning = [
            pool.submit(do, client, "fill", id=f"{'as'[number % 2]}-{number}-", count=300, churn=True)
            for number, client in enumerate(restless)
        ]
        rounds = 0
        while rounds == 0 or not all(future.done() for future in churning):
            answer = do(reader, "stream")
            assert answer["result"] == 0
            assert len(answer["ids"]) == len(set(answer["ids"])), "something was seen twice"
            assert [id for id in answer["ids"] if id.startswith("stays-")] == stayed
            rounds += 1
        assert [future.result() for future in churning] == [{"result": 0}] * 3
    assert counts(api) == {"things": 200}


def test_what_was_acknowledged_survives_the_death_of_the_environment(api):
    for number in range(5):
        client = api.connect()
        client.send(json.dumps({"do": "set_and_die", "id": f"id{number}", "content": {}}))
        assert client.receive() == "acknowledged"
    api.wait_log("signal: killed")
    assert do(api.connect(), "fetch")["ids"] == [f"id{number}" for number in range(5)]


# ---- what stays ----


def test_collections_survive_a_restart(start):
    first = start(suite())
    do(first.connect(), "set", id="x", content={"kept": True})
    first.stop()
    second = start(suite(), folder=first.folder)
    assert do(second.connect(), "get", id="x")["content"] == {"kept": True}


def test_the_file_lies_beside_the_configuration_and_is_private(api):
    do(api.connect(), "set", id="x", content={})
    store = api.folder / ".apigw" / "store.db"
    assert store.stat().st_mode & 0o777 == 0o600
    assert (api.folder / ".apigw" / ".gitignore").read_text() == "*\n"


def test_without_a_collection_nothing_is_made(start):
    emulator = start()
    emulator.connect().ask("hello")
    emulator.stop()
    assert not (emulator.folder / ".apigw").exists()


def test_a_configuration_elsewhere_has_its_store_there(tmp_path):
    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir()
    here.mkdir()
    (there / "routes.json").write_text(json.dumps(suite()))
    script = CLIENT % '{"do":"set","id":"x","content":{}}'
    result = harness.run("exec", "../there/routes.json", "--", sys.executable, "-c", script, cwd=here)
    assert '{"result":0}' in result.stdout, result.stderr
    assert (there / ".apigw" / "store.db").exists()
    assert list(here.iterdir()) == []


def test_the_store_may_be_put_elsewhere(start, tmp_path):
    store = tmp_path / "elsewhere.db"
    emulator = start(suite(), env={"APIGW_STORE": str(store)})
    do(emulator.connect(), "set", id="x", content={})
    assert store.exists()
    assert not (emulator.folder / ".apigw").exists()
    assert "things" in collections(tmp_path, env={"APIGW_STORE": str(store)}).stdout


CLIENT = (
    f"import os, sys; sys.path.insert(0, {os.path.dirname(harness.__file__)!r}); import wire, urllib.parse as u;"
    "url = u.urlparse(os.environ['APIGW_WEBSOCKET_URL']);"
    "print(wire.Client((url.hostname, url.port), url.path).ask('%s'), os.environ['APIGW_STORE'])"
)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_an_ephemeral_run_leaves_nothing_behind(start, tmp_path, signum):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    emulator = start(suite(), arguments=["--ephemeral"], env={"TMPDIR": str(temporary)})
    do(emulator.connect(), "set", id="x", content={})
    (folder,) = temporary.iterdir()
    assert (folder / "store.db").exists()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert emulator.stop(signum) == 0
    assert list(temporary.iterdir()) == []
    assert not (emulator.folder / ".apigw").exists()


def test_an_ephemeral_run_does_not_see_what_was_kept(start):
    kept = start(suite())
    do(kept.connect(), "set", id="x", content={})
    kept.stop()
    ephemeral = start(suite(), folder=kept.folder, arguments=["--ephemeral"])
    assert do(ephemeral.connect(), "get", id="x")["content"] is None
    do(ephemeral.connect(), "set", id="y", content={})
    assert counts(kept) == {"things": 1}


def test_a_second_signal_does_not_leave_the_ephemeral_folder(start, tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    config = harness.api(routes={"$default": "hang"}, functions={"hang": {"timeout": 60}})
    emulator = start(config, arguments=["--ephemeral"], env={"TMPDIR": str(temporary)})
    client = emulator.connect()
    client.send("x")
    harness.until(emulator.hosts, "an environment runs")
    emulator.process.send_signal(signal.SIGTERM)
    with pytest.raises(Exception):
        client.receive()
    emulator.process.send_signal(signal.SIGTERM)
    assert emulator.process.wait(harness.DEADLINE_S) == 0
    assert list(temporary.iterdir()) == []


def test_exec_may_be_ephemeral_too(tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    (tmp_path / "routes.json").write_text(json.dumps(suite()))
    script = CLIENT % '{"do":"set","id":"x","content":{}}'
    result = harness.run(
        "exec", "--ephemeral", "--", sys.executable, "-c", script, cwd=tmp_path, env={"TMPDIR": str(temporary)}
    )
    assert result.returncode == 0, result.stderr
    answer, store = result.stdout.split()
    assert answer == '{"result":0}'
    assert pathlib.Path(store).parent.parent == temporary
    assert list(temporary.iterdir()) == []
    assert not (tmp_path / ".apigw").exists()


# ---- trouble ----


def test_a_store_that_is_removed_while_it_is_used_is_made_anew(api):
    client = api.connect()
    do(client, "set", id="old", content={})
    shutil.rmtree(api.folder / ".apigw")
    assert do(client, "set", id="new", content={})["result"] == 0
    assert do(client, "fetch")["ids"] == ["new"]
    assert counts(api) == {"things": 1}


def test_a_file_that_is_no_database_is_an_error_until_it_is_moved(api):
    client = api.connect()
    (api.folder / ".apigw").mkdir()
    store = api.folder / ".apigw" / "store.db"
    store.write_text("this is what somebody has put here " * 100)
    assert do(client, "set", id="x", content={})["result"] == -500
    api.wait_log(r"ERROR collections: /.*/\.apigw/store\.db: it is no database \(move it away\)")
    result = collections(api)
    assert result.returncode == 1
    assert "it is no database" in result.stderr
    store.rename(api.folder / "moved")
    assert do(client, "set", id="x", content={})["result"] == 0


def test_without_the_module_a_line_says_what_is_missing(start, tmp_path):
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("apigw", "apigw-host"):
        shutil.copy(harness.BUILD / name, programs / name)
    emulator = start(suite(), program=programs / "apigw")
    assert do(emulator.connect(), "set", id="x", content={})["result"] == -500
    emulator.wait_log(r"ERROR collections: apigw-store\.so is not beside apigw-host")


# ---- apigw collections ----


@pytest.fixture
def filled(api):
    client = api.connect()
    do(client, "set", id="b", content={"n": 1, "text": "two\nlines"})
    do(client, "set", id="a", content={})
    do(client, "set", parent="a", sub="members", id="ada", content={"name": "Ada"})
    do(client, "set", parent="b", sub="members", id="bob", content={})
    do(client, "set", name="rooms", id="hall", content={})
    do(client, "kv_set", name="settings", id="colour", value="red")
    do(client, "kv_set", name="settings", id="size", value=[1, 2])
    return api


def test_the_list_is_a_table(filled):
    result = collections(filled)
    assert result.returncode == 0
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["KIND", "NAME", "COUNT"],
        ["collection", "rooms", "1"],
        ["collection", "things", "2"],
        ["collection", "things/*/members", "2"],
        ["key/value", "settings", "2"],
    ]


def test_the_list_is_json_for_programs(filled):
    assert json.loads(collections(filled, "--format", "json").stdout) == [
        {"kind": "collection", "name": "rooms", "count": 1},
        {"kind": "collection", "name": "things", "count": 2},
        {"kind": "collection", "name": "things", "collection": "members", "count": 2},
        {"kind": "key/value", "name": "settings", "count": 2},
    ]


def test_a_collection_is_printed_as_json_lines(filled):
    result = collections(filled, "things")
    assert result.returncode == 0
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {"id": "a", "content": {}},
        {"id": "b", "content": {"n": 1, "text": "two\nlines"}},
        {"parent": "a", "collection": "members", "id": "ada", "content": {"name": "Ada"}},
        {"parent": "b", "collection": "members", "id": "bob", "content": {}},
    ]


def test_a_document_is_printed_with_what_is_under_it(filled):
    assert [json.loads(line) for line in collections(filled, "routes.json", "things", "a").stdout.splitlines()] == [
        {"id": "a", "content": {}},
        {"parent": "a", "collection": "members", "id": "ada", "content": {"name": "Ada"}},
    ]


def test_a_key_value_store_and_one_key_are_printed(filled):
    assert collections(filled, "settings").stdout == (
        '{"key":"colour","value":"red"}\n{"key":"size","value":[1,2]}\n'
    )
    assert collections(filled, "settings", "size").stdout == '{"key":"size","value":[1,2]}\n'


def test_what_is_not_there_is_an_error(filled):
    for arguments, said in ((["nothing"], "'nothing'"), (["things", "zz"], "no 'zz' in 'things'"), (["settings", "zz"], "'zz'")):
        result = collections(filled, *arguments)
        assert (result.returncode, result.stdout) == (1, "")
        assert said in result.stderr


def test_more_than_a_page_is_printed_whole(api):
    client = api.connect()
    do(client, "fill", id="d", count=700)
    for number in range(300):
        do(client, "kv_set", id=f"k{number:03}", value=number)
    lines = [json.loads(line) for line in collections(api, "things").stdout.splitlines()]
    assert [line["id"] for line in lines if "id" in line] == [f"d{number:05}" for number in range(700)]
    assert [line["value"] for line in lines if "key" in line] == list(range(300))


def test_a_line_is_one_line_and_harmless_to_a_terminal(api):
    client = api.connect()
    client.ask('{"do":"set","name":"n\\u001b[2J\\u009b","id":"i\\n\\u007f","content":{ "a" :\n [ 1,\t"x y\\u0080\x7f" ] }}')
    listed = collections(api).stdout
    assert "\x1b" not in listed and "\x9b" not in listed
    (line,) = collections(api, "n\x1b[2J\x9b").stdout.splitlines()
    assert not any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in line)
    assert json.loads(line) == {"id": "i\n\x7f", "content": {"a": [1, "x y\x80\x7f"]}}
    assert '"content":{"a":[1,"x y' in line


def test_looking_makes_nothing(tmp_path):
    (tmp_path / "routes.json").write_text("{}")
    result = collections(tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert collections(tmp_path, "--format", "json").stdout == "[]\n"
    assert collections(tmp_path, "things").returncode == 1
    assert not (tmp_path / ".apigw").exists()


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["nowhere.json"], "nowhere.json: No such file"),
        (["routes.json", "a", "b", "c"], "'c' is one argument too many"),
        (["a", "b", "c"], "'c' is one argument too many"),
        (["--format", "xml"], "--format takes text or json"),
        (["--format"], "needs a value"),
        (["--all"], "there is no option '--all'"),
        (["routes.json", ""], "not empty"),
    ],
)
def test_a_wrong_command_line_is_refused(tmp_path, arguments, said):
    (tmp_path / "routes.json").write_text("{}")
    result = collections(tmp_path, *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert said in result.stderr


def test_it_may_be_run_while_handlers_write(api):
    client = api.connect()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        filling = pool.submit(do, client, "fill", id="d", count=2000)
        last = 0
        while not filling.done():
            count = counts(api).get("things", 0)
            assert count >= last
            last = count
        assert filling.result() == {"result": 0}
    assert counts(api) == {"things": 2000}


def test_a_reader_that_goes_away_ends_it(api):
    do(api.connect(), "fill", id="d" * 100, count=4000)  # far more than a pipe takes
    with subprocess.Popen(
        [str(harness.PROGRAM), "collections", "things"], cwd=api.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(harness.DEADLINE_S) in (-signal.SIGPIPE, 1)
