"""Adds up JUnit reports: prints `N passed, N failed`, and exits with 1 if anything failed or a report is missing."""

import pathlib
import sys
import xml.etree.ElementTree as xml


def verdicts(report):
    """One word per test case of a report: passed, failed or skipped."""
    for case in xml.parse(report).getroot().iter("testcase"):
        children = {child.tag for child in case}
        if children & {"failure", "error"}:
            yield "failed"
        elif "skipped" in children or case.get("status") in ("notrun", "disabled"):
            yield "skipped"
        else:
            yield "passed"


def main(reports):
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for report in map(pathlib.Path, reports):
        if not report.exists():
            print(f"{report}: the run left no report")
            counts["failed"] += 1
            continue
        for verdict in verdicts(report):
            counts[verdict] += 1
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    print(f"{counts['passed']} passed, {counts['failed']} failed{skipped}")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
