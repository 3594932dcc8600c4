"""A guard against regressions that noise cannot fool: the emulator's instructions for a message, as recorded."""

import harness
import instructions
import pytest


def test_a_message_costs_the_instructions_that_are_recorded(built):
    try:
        before = instructions.recorded(harness.BUILD)
        counts = instructions.count_all(harness.BUILD)
    except instructions.CannotCount as why:
        pytest.skip(str(why))
    found = instructions.changes(before, counts)
    assert not found, "\n".join([*found, instructions.ADVICE])


def test_counts_of_another_toolchain_are_not_compared(tmp_path):
    (tmp_path / "CMakeCache.txt").write_text("CMAKE_C_COMPILER:FILEPATH=/usr/bin/cc\nCMAKE_BUILD_TYPE:STRING=Debug\n")
    with pytest.raises(instructions.CannotCount, match="Debug"):
        instructions.recorded(tmp_path)
