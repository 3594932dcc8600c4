"""What `cmake --install` and the Debian package put in place is all that a plugin's author needs."""

import json
import subprocess

import harness
import pytest
from installed import HANDLER, Failed, api_of

CMAKE = {
    "c": """cmake_minimum_required(VERSION 3.18)
project(mine LANGUAGES C)
find_package(apigw-sdk REQUIRED)
apigw_add_plugin(mine mine.c)
""",
    "cpp": """cmake_minimum_required(VERSION 3.18)
project(mine LANGUAGES C CXX)
find_package(apigw-sdk REQUIRED)
apigw_add_plugin(mine mine.cpp)
""",
}

# How each language's compiler is told of the SDK by pkg-config.
COMPILE = {
    "c": "cc -Wall -Wextra -Werror -shared -fPIC $(pkg-config --cflags apigw-sdk) mine.c -o mine.so",
    "cpp": "c++ -std=c++11 -Wall -Wextra -Werror -shared -fPIC $(pkg-config --cflags apigw-sdk) mine.cpp -o mine.so",
}


@pytest.fixture(params=["prefix", "package"])
def installed(request):
    return request.getfixturevalue("installation" if request.param == "prefix" else "unpacked")


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "a project"
    folder.mkdir()
    return folder


def check_and_talk(installed, start, folder):
    (folder / "routes.json").write_text(json.dumps(api_of("mine.so")))
    assert installed.run("apigw", "check", "routes.json", cwd=folder).startswith("routes.json: ok: ")
    assert installed.serve(start, folder, api_of("mine.so")).connect().ask("hello") == "hello"


@pytest.mark.parametrize("language", ["c", "cpp"])
def test_a_plugin_is_built_by_cmake(installed, start, folder, language):
    (folder / "CMakeLists.txt").write_text(CMAKE[language])
    (folder / f"mine.{language}").write_text(HANDLER)
    installed.shell("cmake -B build && cmake --build build && cp build/mine.so .", cwd=folder)
    check_and_talk(installed, start, folder)


@pytest.mark.parametrize("language", ["c", "cpp"])
def test_a_plugin_is_built_by_a_compiler_and_pkg_config(installed, start, folder, language):
    (folder / f"mine.{language}").write_text(HANDLER)
    installed.shell(COMPILE[language], cwd=folder)
    check_and_talk(installed, start, folder)


UNIT_TEST = """#include <apigw/testing.h>
#include <stdio.h>

int main(void)
{
    struct apigw_test *test = apigw_test_new(&apigw_plugin);
    struct apigw_test_event message = apigw_test_message("hello");

    puts(apigw_test_call(test, "mine", &message)->body);
    apigw_test_free(test);
    return 0;
}
"""


@pytest.mark.parametrize("compiler, language", [("cc", "c"), ("c++", "cpp")])
def test_a_unit_test_is_built_by_a_compiler_and_pkg_config(installed, folder, compiler, language):
    (folder / f"mine.{language}").write_text(HANDLER)
    (folder / f"test.{language}").write_text(UNIT_TEST)
    flags = "$(pkg-config --cflags apigw-testing) *.* -o unit_test $(pkg-config --libs apigw-testing)"
    installed.shell(f"{compiler} -Wall -Wextra -Werror {flags}", cwd=folder)
    assert installed.run("./unit_test", cwd=folder) == "hello\n"


@pytest.mark.parametrize("language", ["c", "cpp"])
def test_a_unit_test_is_built_by_cmake(installed, folder, language):
    unit_test = f"add_executable(unit_test test.{language} mine.{language})\n"
    link = "target_link_libraries(unit_test PRIVATE apigw::testing)\n"
    (folder / "CMakeLists.txt").write_text(CMAKE[language] + unit_test + link)
    (folder / f"mine.{language}").write_text(HANDLER)
    (folder / f"test.{language}").write_text(UNIT_TEST)
    installed.shell("cmake -B build && cmake --build build", cwd=folder)
    assert installed.run("build/unit_test", cwd=folder) == "hello\n"


def test_a_build_tree_serves_as_an_installation(start, folder):
    (folder / "CMakeLists.txt").write_text(CMAKE["c"])
    (folder / "mine.c").write_text(HANDLER)
    build = f"cmake -B build '-DCMAKE_PREFIX_PATH={harness.BUILD}' && cmake --build build && cp build/mine.so ."
    subprocess.run(["sh", "-ec", build], cwd=folder, capture_output=True, timeout=120, check=True)
    cache = (folder / "build" / "CMakeCache.txt").read_text()
    assert f"apigw-sdk_DIR:PATH={harness.BUILD}" in cache
    assert start(api_of("mine.so"), folder=folder).connect().ask("hello") == "hello"


def test_cmake_makes_a_missing_function_an_error_of_the_build(installation, folder):
    (folder / "CMakeLists.txt").write_text(CMAKE["c"])
    (folder / "mine.c").write_text(HANDLER.replace("return apigw_respond", "int missing(void);\n    return missing() + apigw_respond"))
    with pytest.raises(Failed, match="undefined reference to `missing'"):
        installation.shell("cmake -B build && cmake --build build", cwd=folder)


def test_cmake_hides_all_of_a_plugin_but_its_datum(installation, folder):
    (folder / "CMakeLists.txt").write_text(CMAKE["c"])
    (folder / "mine.c").write_text("int visible(void);\nint visible(void) { return 0; }\n" + HANDLER)
    installation.shell("cmake -B build && cmake --build build", cwd=folder)
    symbols = installation.run("nm", "-D", "--defined-only", "build/mine.so", cwd=folder)
    assert [line.split()[-1] for line in symbols.splitlines()] == ["apigw_plugin"]


@pytest.mark.parametrize("wanted, found", [("0.1", True), ("0.2", False), ("1.0", False)])
def test_cmake_is_told_which_version_there_is(installation, folder, wanted, found):
    (folder / "CMakeLists.txt").write_text(CMAKE["c"].replace("apigw-sdk ", f"apigw-sdk {wanted} "))
    (folder / "mine.c").write_text(HANDLER)
    if found:
        installation.run("cmake", "-B", "build", cwd=folder)
    else:
        with pytest.raises(Failed, match="considered but not accepted"):
            installation.run("cmake", "-B", "build", cwd=folder)


def test_pkg_config_names_the_version_and_the_plugin_folder(installed):
    version = installed.run("pkg-config", "--modversion", "apigw-sdk", cwd=installed.prefix)
    assert installed.run("apigw", "--version", cwd=installed.prefix) == f"apigw {version}"
    folder = installed.run("pkg-config", "--variable=plugindir", "apigw-sdk", cwd=installed.prefix).strip()
    assert {"chat.so", "echo.so"} <= set(installed.run("ls", folder, cwd=installed.prefix).split())


def test_each_program_has_a_manual_page(installed):
    programs = {path.name for path in (installed.prefix / "bin").iterdir()}
    assert programs == {"apigw", "apigw-host", "apigw-backtrace", "apigw-client"}
    for program in programs:
        assert f"{program} - " in installed.manual(f"{program}.1")


def test_a_fault_of_a_handler_has_a_backtrace(installed, start, folder):
    """Which a program beside apigw-host makes."""
    (folder / "mine.c").write_text(HANDLER.replace("    return", "    *(volatile int *)0 = 1;\n    return"))
    installed.shell(COMPILE["c"].replace("-shared", "-g -shared"), cwd=folder)
    emulator = installed.serve(start, folder, api_of("mine.so"))
    emulator.connect().send("hello")
    emulator.wait_log(r" \|     #0 echo \(\S*mine\.c:\d+\)")


def test_the_program_finds_the_plugins_that_came_with_it(installed, start, tmp_path):
    emulator = installed.serve(start, tmp_path, api_of("echo.so", handler="echo"))
    assert emulator.connect().ask("hello") == "hello"


def test_nothing_in_an_installation_names_the_folder_it_was_built_in(installation):
    texts = [path for part in ("lib/cmake", "lib/pkgconfig", "share") for path in installation.prefix.glob(f"{part}/**/*")]
    naming = [path for path in texts if path.is_file() and str(harness.BUILD).encode() in path.read_bytes()]
    assert len(texts) > 10
    assert naming == []


def test_the_schema_is_installed(installation):
    assert json.loads((installation.prefix / "share/apigw/routes.schema.json").read_text())["title"]
