#!/usr/bin/python3
"""Measures apigw beside what it stands on and beside what one would use otherwise; README.md says what and how.

All take turns, round after round. Absolute figures depend on the machine and on what else it does, so ratios are taken
inside a round, and their medians count.
"""

import argparse
import dataclasses
import json
import pathlib
import resource
import signal
import sys

import instructions
import measure
import peers
import report
import rows
import scaling
from measure import Bench, Scale, Scenario

HERE = pathlib.Path(__file__).resolve().parent
SCALING_ROUNDS = 3


def tell(text: str) -> None:
    print(text, file=sys.stderr)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__.splitlines()[0])
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--quick", action="store_true", help="about a minute: one round, shorter measurements")
    how.add_argument("--smoke", action="store_true", help="only sees that everything runs; says nothing about speed")
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parent / "build/release", help="the build folder")
    parser.add_argument("--rounds", type=int, help="how many; 5, or 1 with --quick")
    parser.add_argument("--only", default="", help="only scenarios whose keys start with one of these, parted by commas")
    parser.add_argument("--cpu", type=int, default=0, help="which is the one CPU; -1: pin nothing")
    parser.add_argument("--no-serverless", action="store_true", help="leave out serverless-offline")
    parser.add_argument("--no-scaling", action="store_true", help="leave out scaling with work")
    parser.add_argument("--write", action="store_true", help="write RESULTS.md and the plots")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write every result to this file")
    parser.add_argument("--check", action="store_true", help="fail if a row on one CPU is not reached")
    parser.add_argument("--check-instructions", action="store_true", help="only compare instruction counts with the recorded")
    parser.add_argument("--record-instructions", action="store_true", help="only record instruction counts anew")
    args = parser.parse_args()
    if args.rounds is not None and not 1 <= args.rounds <= 100:
        parser.error("--rounds takes a number from 1 to 100")
    return args


def choose_scale(args: argparse.Namespace) -> Scale:
    scale = measure.SMOKE if args.smoke else measure.QUICK if args.quick else measure.FULL
    return dataclasses.replace(
        scale,
        rounds=args.rounds or scale.rounds,
        silent=min(scale.silent, scaling.most_connections()),
        serverless=scale.serverless and not args.no_serverless,
    )


def check_build(build: pathlib.Path) -> None:
    programs = ("apigw-load", "bare-lws", "bare-mhd", "trivial-host", "bench-spawn", "bench_plugin.so")
    for name in (*peers.SHIPPED, *(f"bench/{name}" for name in programs)):
        if not (build / name).exists():
            sys.exit(f"run.py: {build / name} is missing; configure with -DAPIGW_BENCH=ON and build")


def measure_once(bench: Bench, scenario: Scenario, name: str, run: report.Run) -> dict | None:
    """A peer that does not bear what is asked of it is worth a note; everybody else must."""
    try:
        return bench.measure(scenario, peers.PEERS[name])
    except peers.Failure as failure:
        (run.notes if name == "S" else run.failures).append(f"{scenario.key}, {name}: {failure}")
        return None


def peers_of(bench: Bench, scenario: Scenario, number: int) -> list[str]:
    """In another order in each round, so that nobody is always first."""
    names = [name for name in scenario.peers if name != "S" or bench.scale.serverless]
    turn = number % len(names) if names else 0
    return names[turn:] + names[:turn]


def run_round(bench: Bench, scenarios: list[Scenario], number: int, run: report.Run) -> dict:
    results = {}
    try:
        for scenario in scenarios:
            if scenario.once and number > 0:
                continue
            tell(f"round {number + 1} of {bench.scale.rounds}: {scenario.key}")
            for name in peers_of(bench, scenario, number):
                result = measure_once(bench, scenario, name, run)
                if result is not None:
                    results[scenario.key, name] = result
    finally:
        bench.park.close()
    return results


def run_all(args: argparse.Namespace) -> report.Run:
    scale = choose_scale(args)
    bench = Bench(args.build.resolve(), scale, args.cpu)
    run = report.Run(scale.name, args.cpu, [], [], [], [])
    scenarios = rows.choose(args.only)
    if not scenarios:
        sys.exit(f"run.py: nothing starts with {args.only}; there are {rows.names(rows.SCENARIOS)}")
    if scale.serverless and any("S" in scenario.peers for scenario in scenarios):
        why_not = peers.install_serverless()
        if why_not:
            bench.scale = dataclasses.replace(scale, serverless=False)
            run.notes.append(f"S was not measured: {why_not}")
    for number in range(scale.rounds):
        run.rounds.append(run_round(bench, scenarios, number, run))
    if not args.no_scaling and not args.only:
        run.curves = scaling.measure(bench, SCALING_ROUNDS if scale.name == "full" else 1, tell)
        run.failures += [text for curve in run.curves for text in curve.failures]
    return run


def write_page(run: report.Run) -> None:
    for curve in run.curves:
        why_not = scaling.plot(curve, scaling.PLOTS) if curve.medians() else None
        if why_not and why_not not in run.notes:
            run.notes.append(why_not)
    (HERE / "RESULTS.md").write_text(report.page(run))


def main() -> int:
    args = parse_arguments()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that servers are ended
    if args.record_instructions or args.check_instructions:
        return instructions.main(args.build.resolve(), args.record_instructions)
    check_build(args.build)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    run = run_all(args)
    if args.write:
        write_page(run)
    print(report.summary(run))
    if args.json:
        args.json.write_text(json.dumps(report.as_json(run), indent=1))
    return 1 if run.failures or (args.check and report.missed(run)) else 0


if __name__ == "__main__":
    sys.exit(main())
