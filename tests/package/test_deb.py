"""The Debian package. What is in it is used in test_install.py."""

import re
import subprocess

import pytest


def field(package, name):
    return subprocess.check_output(["dpkg-deb", "--field", package, name], text=True, timeout=60).strip()


@pytest.fixture(scope="session")
def contents(package):
    """Path below / -> mode, owner."""
    listing = subprocess.check_output(["dpkg-deb", "--contents", package], text=True, timeout=60)
    return {fields[5].lstrip("."): (fields[0], fields[1]) for fields in map(str.split, listing.splitlines())}


def test_the_libraries_that_programs_are_linked_with_are_dependencies(package):
    depends = field(package, "Depends")
    libraries = (
        "libc6 libcjson1 libcurl4 libdw1 libedit2 libhttp-parser2.9 libsqlite3-0 libssl3 libuv1 libwebsockets17 libwslay1"
    )
    for library in libraries.split():
        assert re.search(rf"(^|, ){re.escape(library)} \(>= ", depends), depends


def test_the_libraries_that_are_loaded_by_name_are_dependencies(package):
    assert re.search(r"(^|, )libwebsockets-evlib-uv\b", field(package, "Depends"))
    assert re.search(r"(^|, )libmicrohttpd[0-9]+\b", field(package, "Depends"))


def test_tests_and_their_libraries_are_none_of_its_business(package, contents):
    assert "cmocka" not in field(package, "Depends")
    assert not [path for path in contents if "test_" in path or "handler_suite" in path]


def test_it_says_what_it_is_and_who_from(package):
    assert field(package, "Package") == "apigw"
    assert re.fullmatch(r"\d+\.\d+\.\d+", field(package, "Version"))
    assert re.fullmatch(r".+ <.+@.+>", field(package, "Maintainer"))
    summary, *text = field(package, "Description").splitlines()
    assert len(summary) <= 60
    assert text and max(map(len, text)) <= 80


@pytest.mark.parametrize(
    "path, mode",
    [
        ("/usr/bin/apigw", "-rwxr-xr-x"),
        ("/usr/bin/apigw-backtrace", "-rwxr-xr-x"),
        ("/usr/bin/apigw-client", "-rwxr-xr-x"),
        ("/usr/bin/apigw-host", "-rwxr-xr-x"),
        ("/usr/include/apigw/plugin.h", "-rw-r--r--"),
        ("/usr/share/apigw/routes.schema.json", "-rw-r--r--"),
        ("/usr/share/bash-completion/completions/apigw", "-rw-r--r--"),
        ("/usr/share/doc/apigw/changelog.gz", "-rw-r--r--"),
        ("/usr/share/doc/apigw/copyright", "-rw-r--r--"),
        ("/usr/share/fish/vendor_completions.d/apigw.fish", "-rw-r--r--"),
        ("/usr/share/man/man1/apigw.1.gz", "-rw-r--r--"),
        ("/usr/share/man/man5/apigw-routes.json.5.gz", "-rw-r--r--"),
        ("/usr/share/zsh/vendor-completions/_apigw", "-rw-r--r--"),
    ],
)
def test_it_has_what_an_installation_has(contents, path, mode):
    assert contents[path] == (mode, "root/root")


def test_libraries_are_where_debian_has_them_for_this_machine(contents):
    triplet = subprocess.check_output(["cc", "-print-multiarch"], text=True, timeout=60).strip()
    sdk = ("cmake/apigw-sdk/apigw-sdk-config.cmake", "pkgconfig/apigw-sdk.pc")
    for path in ("apigw/apigw-store.so", "apigw/plugins/echo.so", *sdk):
        assert f"/usr/lib/{triplet}/{path}" in contents


def test_nothing_is_outside_usr(contents):
    assert [path for path in contents if not path.startswith("/usr/")] == []


def test_dpkg_installs_and_removes_it_in_a_root_of_its_own(package, tmp_path):
    """Without its dependencies: they are in the real root."""
    root = tmp_path / "root"
    (root / "var/lib/dpkg").mkdir(parents=True)
    for name in ("status", "available"):
        (root / "var/lib/dpkg" / name).touch()
    dpkg = ["fakeroot", "dpkg", f"--root={root}", "--force-not-root", "--force-depends", "--log=/dev/null"]

    subprocess.run([*dpkg, "--install", package], capture_output=True, timeout=60, check=True)
    version = subprocess.check_output([root / "usr/bin/apigw", "--version"], text=True, timeout=60)
    assert version == f"apigw {field(package, 'Version')}\n"

    subprocess.run([*dpkg, "--purge", "apigw"], capture_output=True, timeout=60, check=True)
    assert [path for path in root.glob("usr/**/*") if not path.is_dir()] == []
