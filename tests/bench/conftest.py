"""The programs of bench/ and its modules, for the tests in this folder."""

import pathlib
import sys

import harness
import pytest

BENCH = harness.ROOT / "bench"
sys.path.insert(0, str(BENCH))


@pytest.fixture
def built():
    """The folder of the bench's programs, which CMake builds with APIGW_BENCH=ON."""
    folder = pathlib.Path(harness.BUILD, "bench")
    assert (folder / "apigw-load").exists(), f"{folder} has no apigw-load; configure with -DAPIGW_BENCH=ON and build"
    return folder
