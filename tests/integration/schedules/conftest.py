"""Prints how much was explored, whichever processes have done it."""

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = terminalreporter.stats.get("passed", [])
    explored = [value for report in reports for name, value in report.user_properties if name == "explored"]
    failed = len(terminalreporter.stats.get("failed", []))
    if explored:
        schedules, runs, ends = (sum(column) for column in zip(*explored, strict=True))
        terminalreporter.write_line(
            f"{len(explored)} sets of three commands, with faults: {schedules:,} schedules in {runs:,} runs, "
            f"{ends:,} different ends, all as they must be; {failed} failed tests are not counted here"
        )
