"""Counts the emulator's own instructions for a message under callgrind, and compares them with those that are recorded in
instructions.json. A count does not depend on what else the machine does, so a few per cent more are a few per cent more
work."""

import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
RECORD = HERE / "instructions.json"
TOLERANCE = 0.03
COUNT = 500
LIMIT_S = 300
SCENARIOS = ("message-64", "message-1024", "message-16384", "post-64", "post-1024", "post-16384", "handshake")

# Which variants of memcpy and its like the C library takes depends on the processor; without these it is the same ones
# on every x86-64.
PLAIN = "glibc.cpu.hwcaps=-AVX2,-AVX512F,-AVX512VL,-AVX512BW,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM,-BMI2,-SSE4_2,-SSSE3"


class CannotCount(Exception):
    """Why instructions cannot be counted, or not be compared, here."""


def toolchain(build: pathlib.Path) -> dict[str, str]:
    """What the counts depend on beside the sources."""
    cache = (build / "CMakeCache.txt").read_text()
    compiler = re.search(r"^CMAKE_C_COMPILER:\w+=(.*)$", cache, re.MULTILINE)
    version = subprocess.run([compiler[1], "-dumpfullversion"], capture_output=True, text=True, timeout=20) if compiler else None
    build_type = re.search(r"^CMAKE_BUILD_TYPE:\w+=(.*)$", cache, re.MULTILINE)
    sanitizers = re.search(r"^APIGW_SANITIZE:\w+=(.+)$", cache, re.MULTILINE)
    return {
        "machine": platform.machine(),
        "compiler": f"{pathlib.Path(compiler[1]).name} {version.stdout.strip()}" if compiler else "unknown",
        "libc": " ".join(platform.libc_ver()),
        "build": build_type[1] + (f", {sanitizers[1]}" if sanitizers else "") if build_type else "unknown",
    }


def count(build: pathlib.Path, scenario: str) -> int:
    """Instructions for one of it."""
    program = build / "bench/bench-instructions"
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=measured_*"]
    command += [str(program), scenario, str(COUNT), str(build / "bench/routes.json")]
    env = {**os.environ, "GLIBC_TUNABLES": PLAIN}
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, stdin=subprocess.DEVNULL, env=env)
    found = re.search(r"Collected\s*:\s*(\d+)", done.stderr)
    if done.returncode != 0 or not found:
        raise RuntimeError(f"{scenario}: {(done.stderr.strip().splitlines() or ['valgrind said nothing'])[-1]}")
    return round(int(found[1]) / COUNT)


def count_all(build: pathlib.Path) -> dict[str, int]:
    if not shutil.which("valgrind"):
        raise CannotCount("valgrind is not installed")
    if not (build / "bench/bench-instructions").exists():
        raise CannotCount(f"{build / 'bench/bench-instructions'} is missing; configure with -DAPIGW_BENCH=ON and build")
    return {scenario: count(build, scenario) for scenario in SCENARIOS}


def recorded(build: pathlib.Path) -> dict[str, int]:
    """The recorded counts, if they are of a toolchain like this one."""
    record = json.loads(RECORD.read_text())
    here = toolchain(build)
    if record["toolchain"] != here:
        there, mine = ", ".join(record["toolchain"].values()), ", ".join(here.values())
        raise CannotCount(f"the recorded counts are of {there}; here is {mine}")
    return record["instructions"]


def changes(before: dict[str, int], now: dict[str, int]) -> list[str]:
    """A sentence for each scenario that has become dearer, or cheaper, than the tolerance."""
    found = []
    for scenario in SCENARIOS:
        if scenario not in before:
            found.append(f"{scenario}: nothing is recorded")
            continue
        change = now[scenario] / before[scenario] - 1
        if abs(change) > TOLERANCE:
            found.append(f"{scenario}: {now[scenario]:,} instructions, {before[scenario]:,} recorded: {change:+.1%}")
    return found


def write(build: pathlib.Path, counts: dict[str, int]) -> None:
    record = {"toolchain": toolchain(build), "instructions": counts}
    RECORD.write_text(json.dumps(record, indent=2) + "\n")


def table(counts: dict[str, int], before: dict[str, int]) -> str:
    rows = [f"{'instructions for one':<24}{'counted':>10}{'recorded':>10}"]
    rows += [f"{scenario:<24}{counts[scenario]:>10,}{before.get(scenario, 0):>10,}" for scenario in SCENARIOS]
    return "\n".join(rows)


ADVICE = f"""More than {TOLERANCE:.0%} is a change of what the message path costs. If it is meant, or cheaper, record it anew with
`./dev bench --record-instructions` and say so in the commit."""


def main(build: pathlib.Path, record: bool) -> int:
    """The command: 0 if the counts are as recorded, or were recorded; 1 if not; and 0 with a note where they cannot be
    compared."""
    try:
        before = {} if record else recorded(build)
        counts = count_all(build)
    except CannotCount as why:
        print(f"instructions were not {'recorded' if record else 'compared'}: {why}", file=sys.stderr)
        return 1 if record else 0
    print(table(counts, before))
    if record:
        write(build, counts)
        return 0
    found = changes(before, counts)
    print("\n".join([*found, ADVICE] if found else ["as recorded"]))
    return 1 if found else 0
