"""Adds up JUnit reports: prints `N passed, N failed`, and how many facts about AWS matched; exits with 1 if anything failed or
a report is missing."""

import pathlib
import sys
import xml.etree.ElementTree as xml


def verdict_of(case):
    """passed, failed or skipped."""
    children = {child.tag for child in case}
    if children & {"failure", "error"}:
        return "failed"
    if "skipped" in children or case.get("status") in ("notrun", "disabled"):
        return "skipped"
    return "passed"


def is_fact(case):
    """Cases of tests/conformance have a property that says what they are about."""
    return any(item.get("name") == "fact" for item in case.iter("property"))


def main(reports):
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    facts = {}  # by name, as each runs in several builds: did it match in all of them?
    for report in map(pathlib.Path, reports):
        if not report.exists():
            print(f"{report}: the run left no report")
            counts["failed"] += 1
            continue
        for case in xml.parse(report).getroot().iter("testcase"):
            verdict = verdict_of(case)
            counts[verdict] += 1
            if is_fact(case):
                name = case.get("classname"), case.get("name")
                facts[name] = facts.get(name, True) and verdict == "passed"
    if facts:
        print(f"{len(facts)} facts: {sum(facts.values())} matched")
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    print(f"{counts['passed']} passed, {counts['failed']} failed{skipped}")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
