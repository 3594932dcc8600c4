"""Installations for the tests of what users install."""

import os
import pathlib
import subprocess

import harness
import pytest
from installed import Installation


@pytest.fixture(scope="session")
def installation(tmp_path_factory):
    """What `cmake --install` makes, under a prefix that it was not configured with."""
    prefix = tmp_path_factory.mktemp("prefix")
    subprocess.run(
        ["cmake", "--install", harness.BUILD, "--prefix", prefix], stdout=subprocess.DEVNULL, timeout=60, check=True
    )
    return Installation(prefix)


@pytest.fixture(scope="session")
def package():
    """The path of the .deb."""
    folder = pathlib.Path(os.environ.get("APIGW_PACKAGE", harness.ROOT / "build" / "package"))
    packages = list(folder.glob("apigw_*.deb"))
    assert len(packages) == 1, "./dev package builds it"
    return packages[0]


@pytest.fixture(scope="session")
def unpacked(package, tmp_path_factory):
    """The package's files in a folder of their own, as dpkg would lay them below /."""
    root = tmp_path_factory.mktemp("root")
    subprocess.run(["dpkg-deb", "--extract", package, root], timeout=60, check=True)
    return Installation(root / "usr")
