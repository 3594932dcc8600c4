"""`apigw new`: what it makes, and what it refuses. That the projects work is in tests/package/test_new_projects.py."""

import json
import os
import subprocess

import harness
import pytest

TEMPLATES = sorted(path.name for path in (harness.ROOT / "sdk" / "templates").iterdir() if path.name != "every")


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_project_has_its_files_and_nowhere_a_placeholder(tmp_path, template):
    result = harness.run("new", "--template", template, "my-project_2", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    folder = tmp_path / "my-project_2"
    assert files(folder) == [
        ".gitignore",
        "CMakeLists.txt",
        "README.md",
        "my-project_2.c",
        "routes.json",
        "tests/integration_test.py",
        "tests/unit_test.c",
    ]
    for path in files(folder):
        assert "NAME@" not in (folder / path).read_text()
    assert "my-project_2.so" in (folder / "routes.json").read_text()
    assert json.loads((folder / "routes.json").read_text())["name"] == "my-project_2"


def test_without_a_template_it_is_echo(tmp_path):
    harness.run("new", "one", cwd=tmp_path)
    harness.run("new", "two", "--template=echo", cwd=tmp_path)
    assert (tmp_path / "one/one.c").read_text().replace("one", "two") == (tmp_path / "two/two.c").read_text()


def test_the_next_commands_are_told(tmp_path):
    told = harness.run("new", "hello", cwd=tmp_path).stdout
    assert "cd hello" in told
    readme = (tmp_path / "hello/README.md").read_text()
    for command in ("cmake -B build", "ctest --test-dir build", "apigw run"):
        assert command in told
        assert command in readme


def test_the_help_has_all_templates():
    text = harness.run("new", "--help").stdout
    assert [name for name in TEMPLATES if f"  {name}  " not in text] == []


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a b", "a/b", "/tmp", "../up", "-", "1st", "_x", "é", "a.b", "a;b", "$HOME", "a\nb", "x" * 65],
)
def test_what_cannot_be_a_name_is_refused(tmp_path, name):
    result = harness.run("new", "--", name, cwd=tmp_path)
    assert result.returncode == 2
    assert f"'{name}' cannot be a name: 1 to 64 letters" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["test", "all", "install", "clean", "unit_test"])
def test_a_name_that_the_build_has_already_is_refused(tmp_path, name):
    result = harness.run("new", name, cwd=tmp_path)
    assert result.returncode == 2
    assert "the build has a target of this name" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_longest_name_is_a_name(tmp_path):
    assert harness.run("new", "x" * 64, cwd=tmp_path).returncode == 0
    assert (tmp_path / ("x" * 64) / ("x" * 64 + ".c")).exists()


@pytest.mark.parametrize("there", ["folder", "file", "dangling link"])
def test_what_is_there_already_is_left_alone(tmp_path, there):
    path = tmp_path / "hello"
    if there == "folder":
        path.mkdir()
    elif there == "file":
        path.write_text("mine")
    else:
        path.symlink_to("nowhere")
    result = harness.run("new", "hello", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr == "apigw new: 'hello' is there already; choose another name, or remove it\n"
    assert list(tmp_path.iterdir()) == [path]
    assert not path.is_dir() or list(path.iterdir()) == []


def test_an_unknown_template_is_refused_with_a_suggestion(tmp_path):
    result = harness.run("new", "--template", "caht", "hello", cwd=tmp_path)
    assert result.returncode == 2
    assert "there is no template 'caht'; did you mean 'chat'?" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("template", ["zzzzzzzzzz", "", "every", "../echo"])
def test_a_template_that_is_like_none_is_refused(tmp_path, template):
    result = harness.run("new", "--template", template, "hello", cwd=tmp_path)
    assert result.returncode == 2
    assert f"there is no template '{template}'" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments, said",
    [
        ([], "what shall it be called?"),
        (["one", "two"], "one NAME at a time; 'two' is another"),
        (["hello", "--template"], "--template needs a value"),
        (["hello", "--tempalte", "chat"], "there is no option '--tempalte'"),
    ],
)
def test_a_wrong_command_line_is_refused(tmp_path, arguments, said):
    result = harness.run("new", *arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert said in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_may_be_written_it_says_so():
    """/proc takes no folders from anybody, not even from root."""
    result = harness.run("new", "hello", cwd="/proc")
    assert result.returncode == 1
    assert result.stderr.startswith("apigw new: hello: ")


def test_a_project_that_cannot_be_finished_leaves_nothing_behind(tmp_path):
    """With a limit for the size of files, as on a full disk: the first file that is larger than it cannot be written."""
    limited = ["sh", "-c", 'trap "" XFSZ; ulimit -f 1; exec "$@"', "sh", str(harness.PROGRAM), "new", "hello"]
    result = subprocess.run(limited, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    assert "File too large" in result.stderr
    assert os.listdir(tmp_path) == []
