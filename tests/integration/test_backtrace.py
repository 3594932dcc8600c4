"""What the log says of a handler that faults: the signal, the address, and where it was."""

import json
import os
import pathlib
import re
import resource
import shutil
import subprocess

import harness
import pytest

SOURCE = harness.ROOT / "tests" / "plugins" / "faults.c"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
CORE_PATTERN = pathlib.Path("/proc/sys/kernel/core_pattern").read_text().strip()


def line_of(name):
    """The number of the line of faults.c that is marked with `name`."""
    lines = SOURCE.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if f"/* here: {name} */" in line)


def place(function, mark=None, suffix=""):
    """A frame, as the log has it: function, file and line."""
    return rf"{function} \(\S*faults\.c:{line_of(mark or function)}\){suffix}$"


def config_of(*handlers, plugin=None, **members):
    functions = {
        name: {"plugin": str(plugin or harness.plugin("faults")), "handler": name, **members} for name in handlers
    }
    routes = {name: {"function": name, "routeResponse": True} for name in handlers}
    return harness.api({"$default": "echo", **routes}, functions)


def fault(emulator, handler):
    """Lets a handler fault; what it and its host have printed until then, without the tag."""
    answer = emulator.connect().ask(harness.compact(action=handler))
    assert json.loads(answer)["message"] == "Internal server error"
    emulator.wait_log(rf"function: {handler}: .* req=")
    return re.findall(rf"(?m)^[0-9:.]+ {handler} {UUID} \| (.*)$", emulator.log)


def report_of(emulator, handler):
    """The line of the signal, and the frames without their numbers."""
    lines = fault(emulator, handler)
    at = next(number for number, line in enumerate(lines) if line.startswith("signal: "))
    frames = [re.fullmatch(r"    #(\d+) (.*)", line) for line in lines[at + 1 :]]
    assert all(frames), lines
    assert [int(frame[1]) for frame in frames] == list(range(len(frames)))
    return lines[at], [frame[2] for frame in frames]


@pytest.mark.parametrize(
    "handler, signal, reason",
    [
        ("null_write", r"segmentation fault at address 0x0 \(nothing is mapped there\)", "segmentation fault"),
        ("divide", r"floating point exception at address 0x[0-9a-f]+ \(integer division by zero\)", "floating point exception"),
        ("illegal", r"illegal instruction at address 0x[0-9a-f]+", "illegal instruction"),
        ("bus", r"bus error at address 0x[0-9a-f]+ \(behind the end of a mapped file\)", "bus error"),
    ],
)
def test_a_fault_is_named_with_its_address_its_function_and_its_line(start, handler, signal, reason):
    emulator = start(config_of(handler))
    line, frames = report_of(emulator, handler)
    assert re.fullmatch(rf"signal: {signal}", line)
    assert re.match(place(handler), frames[0])
    assert len(frames) == 1, "what is outside of the plugin is left out"
    emulator.wait_log(rf"function: {handler}: Runtime exited with error: signal: {reason} req={UUID}\n")


@pytest.mark.parametrize("handler, name", [("abort", "aborted"), ("raised", "segmentation fault")])
def test_a_signal_that_was_raised_has_no_address(start, handler, name):
    emulator = start(config_of(handler))
    line, frames = report_of(emulator, handler)
    assert line == f"signal: {name}"
    assert re.match(place({"abort": "abort_handler"}.get(handler, handler)), frames[-1])
    emulator.wait_log(rf"function: {handler}: Runtime exited with error: signal: {name} req=")


def test_a_stack_overflow_is_called_one_and_has_a_bounded_backtrace(start):
    emulator = start(config_of("overflow"))
    lines = fault(emulator, "overflow")
    assert re.fullmatch(r"signal: segmentation fault at address 0x[0-9a-f]+ \(stack overflow\)", lines[0])
    assert re.fullmatch(r"    #0 recurse \(\S*faults\.c:\d+\)", lines[1]), "where the stack is made larger"
    assert all(re.search(place("recurse"), line) for line in lines[2:65])
    assert lines[65:] == ["    … and more"]


def test_a_call_of_a_function_that_is_not_there_shows_who_called(start):
    line, frames = report_of(start(config_of("null_call")), "null_call")
    assert line == "signal: segmentation fault at address 0x0 (nothing is mapped there)"
    assert frames[0] == "0x0, where there is no code"
    assert re.match(place("null_call"), frames[1])


def test_inlined_functions_have_frames_of_their_own(start):
    _, frames = report_of(start(config_of("inlined")), "inlined")
    assert re.match(place("inner_step", suffix=", inlined"), frames[0])
    assert re.match(place("outer_step"), frames[1])
    assert re.match(place("inlined"), frames[2])


def test_a_fault_in_a_library_shows_the_way_there(start):
    _, frames = report_of(start(config_of("in_library")), "in_library")
    assert not re.match("in_library", frames[0])
    assert re.match(place("in_library"), frames[-1])


def test_what_was_printed_before_stands_before(start):
    lines = fault(start(config_of("printed")), "printed")
    assert lines[:50] == [f"line {number} of what was printed before" for number in range(50)]
    assert lines[50].startswith("signal: ")
    assert re.search(place("null_write"), lines[51])


def test_a_fault_in_another_thread_is_reported(start):
    line, frames = report_of(start(config_of("in_thread")), "in_thread")
    assert line.startswith("signal: segmentation fault at address 0x0")
    assert re.match(place("thread_main"), frames[0])


def test_a_fault_in_a_child_of_a_handler_is_reported_and_stays_the_childs(start):
    emulator = start(config_of("in_child"))
    assert emulator.connect().ask(harness.compact(action="in_child")) == "11"
    emulator.wait_log(rf"in_child {UUID} \| signal: segmentation fault at address 0x0")
    emulator.wait_log(r"(?m)\| +#0 " + place("null_write"))
    assert "Runtime exited" not in emulator.log


@pytest.mark.skipif(harness.SANITIZED, reason="AddressSanitizer has a malloc of its own")
def test_a_fault_within_malloc_is_reported(start):
    line, frames = report_of(start(config_of("in_malloc")), "in_malloc")
    assert line == "signal: aborted"
    assert re.match(place("in_malloc"), frames[-1])


@pytest.mark.parametrize("handler", ["without_descriptors", "without_channel"])
def test_a_handler_that_has_destroyed_what_its_host_holds_is_reported_or_ends_all_the_same(start, handler):
    emulator = start(config_of(handler))
    assert json.loads(emulator.connect().ask(harness.compact(action=handler)))["message"] == "Internal server error"
    emulator.wait_log(rf"function: {handler}: .* req={UUID}")
    assert emulator.connect().ask("hello") == "hello"


def test_without_descriptors_the_plugin_is_found_by_its_file(start):
    lines = fault(start(config_of("without_descriptors")), "without_descriptors")
    assert any(re.search(place("null_write"), line) for line in lines)


def test_a_plugins_own_signal_handler_comes_first(start):
    emulator = start(config_of("own_handler"))
    assert fault(emulator, "own_handler") == ["the plugin's own handler"]
    emulator.wait_log("own_handler: Runtime exited with error: exit status 33")


def test_a_fault_during_init_is_reported(start):
    emulator = start(config_of("null_write", environment={"FAULT_IN_INIT": "1"}))
    emulator.connect().ask(harness.compact(action="null_write"))
    emulator.wait_log(r"null_write init \| signal: segmentation fault at address 0x0")
    emulator.wait_log(r"(?m)null_write init \|     #0 " + place("init"))
    emulator.wait_log("no environment could be started: Runtime.ExitError: .*segmentation fault during init")


# ---- debug information ----


def copy_of_the_plugin(folder):
    return pathlib.Path(shutil.copy(harness.plugin("faults"), folder / "copy.so"))


def test_without_debug_information_there_are_the_symbol_or_the_offset_alone(start, tmp_path):
    plugin = copy_of_the_plugin(tmp_path)
    subprocess.run(["strip", "--strip-debug", plugin], check=True)
    _, frames = report_of(start(config_of("null_write", plugin=plugin)), "null_write")
    assert re.fullmatch(r"null_write \(copy\.so\+0x[0-9a-f]+\)", frames[0])
    subprocess.run(["strip", plugin], check=True)
    _, frames = report_of(start(config_of("null_write", plugin=plugin)), "null_write")
    assert re.fullmatch(r"copy\.so\+0x[0-9a-f]+", frames[0])


def test_the_offset_is_what_addr2line_takes(start, tmp_path):
    plugin = copy_of_the_plugin(tmp_path)
    subprocess.run(["strip", plugin], check=True)
    _, frames = report_of(start(config_of("null_write", plugin=plugin)), "null_write")
    offset = frames[0].partition("+")[2]
    found = subprocess.run(
        ["addr2line", "-f", "-e", harness.plugin("faults"), offset], check=True, capture_output=True, text=True
    ).stdout
    assert re.fullmatch(rf"null_write\n\S*faults\.c:{line_of('null_write')}.*\n", found)


def test_debug_information_in_a_file_beside_the_plugin_is_found(start, tmp_path):
    plugin = copy_of_the_plugin(tmp_path)
    subprocess.run(["objcopy", "--only-keep-debug", plugin, "copy.debug"], check=True, cwd=tmp_path)
    subprocess.run(["strip", plugin], check=True)
    subprocess.run(["objcopy", "--add-gnu-debuglink=copy.debug", plugin], check=True, cwd=tmp_path)
    _, frames = report_of(start(config_of("null_write", plugin=plugin)), "null_write")
    assert re.match(place("null_write"), frames[0])


def test_a_plugin_that_was_built_anew_meanwhile_is_shown_as_it_was(start, tmp_path):
    plugin = copy_of_the_plugin(tmp_path)
    emulator = start(config_of("in_child", plugin=plugin))
    client = emulator.connect()
    client.ask(harness.compact(action="in_child"))
    plugin.write_bytes(b"something else")
    client.ask(harness.compact(action="in_child"))
    found = lambda: len(re.findall(r"(?m)\| +#0 " + place("null_write"), emulator.log)) == 2
    harness.until(found, "both faults are named")


# ---- who else has a say ----


def sanitized_plugin(folder):
    """faults.c built with AddressSanitizer, and the library to load before it."""
    plugin = folder / "sanitized.so"
    command = ["cc", "-shared", "-fPIC", "-g", "-fsanitize=address", f"-I{harness.ROOT}/sdk/include", "-o", plugin, SOURCE]
    subprocess.run(command, check=True)
    library = subprocess.run(["cc", "-print-file-name=libasan.so"], check=True, capture_output=True, text=True).stdout
    return plugin, library.strip()


@pytest.mark.skipif(harness.SANITIZED, reason="the emulator has AddressSanitizer itself, and leaves faults to us")
def test_a_sanitizers_own_report_comes_first(start, tmp_path):
    plugin, library = sanitized_plugin(tmp_path)
    environment = {"LD_PRELOAD": library, "ASAN_OPTIONS": "detect_leaks=0"}
    emulator = start(config_of("null_write", plugin=plugin), env=environment)
    emulator.connect().ask(harness.compact(action="null_write"))
    emulator.wait_log(r"\| .*AddressSanitizer: SEGV on unknown address")
    emulator.wait_log("function: null_write: Runtime exited")
    assert "| signal: " not in emulator.log


def test_without_apigw_backtrace_beside_it_the_signal_is_there_and_the_log_says_what_is_missing(start, tmp_path):
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("apigw", "apigw-host"):
        shutil.copy(harness.BUILD / name, programs / name)
    emulator = start(config_of("null_write"), program=programs / "apigw")
    lines = fault(emulator, "null_write")
    assert lines[0] == "signal: segmentation fault at address 0x0 (nothing is mapped there)"
    assert len(lines) == 2 and re.fullmatch(r"    no backtrace: .*/programs/apigw-backtrace", lines[1])


def test_a_backtrace_that_takes_too_long_is_given_up_before_the_timeout_of_the_function(start, tmp_path):
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("apigw", "apigw-host"):
        shutil.copy(harness.BUILD / name, programs / name)
    os.mkfifo(tmp_path / "never")
    helper = programs / "apigw-backtrace"
    helper.write_text(f"#!/bin/sh\necho started >{tmp_path}/started\nread line <{tmp_path}/never\n")
    helper.chmod(0o700)
    emulator = start(config_of("null_write", timeout=2), program=programs / "apigw")
    lines = fault(emulator, "null_write")
    assert (tmp_path / "started").exists()
    assert re.fullmatch(r"    no backtrace: nothing came in time from .*/apigw-backtrace", lines[1])
    emulator.wait_log("null_write: Runtime exited with error: signal: segmentation fault")
    assert "timed out" not in emulator.log
    harness.until(lambda: not emulator.hosts(), "nothing is left of it")


def test_an_environment_that_faults_leaves_no_process_behind(start):
    emulator = start(config_of("null_write"))
    fault(emulator, "null_write")
    harness.until(lambda: not emulator.hosts(), "nothing is left of it")


# ---- core files ----


def allow_cores():
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@pytest.mark.skipif(harness.SANITIZED, reason="a sanitizer's shadow memory makes a core file of terabytes")
def test_where_a_core_file_was_written_is_said(start):
    emulator = start(config_of("null_write"), preexec=allow_cores)
    fault(emulator, "null_write")
    emulator.wait_log(r"signal: segmentation fault \(core dumped\) req=")
    if CORE_PATTERN.startswith("|"):
        emulator.wait_log(r"function: null_write: its core file was given to " + re.escape(CORE_PATTERN[1:].split()[0]))
        return
    core = pathlib.Path(emulator.wait_log(r"function: null_write: its core file is (.*)")[1])
    assert core.read_bytes()[:4] == b"\x7fELF"
    os.unlink(core)


def test_without_a_core_file_none_is_spoken_of(start):
    emulator = start(config_of("null_write"), preexec=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)))
    fault(emulator, "null_write")
    if not CORE_PATTERN.startswith("|"):
        assert "core" not in emulator.log
