"""What the simulation has done is printed at the end, wherever it was done."""

import pytest

TOLD = "simulated"
"""The property under which a test records what it has to say."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    lines = [str(said) for report in reports for name, said in report.user_properties if name == TOLD]
    if lines:
        terminalreporter.section("simulated")
        terminalreporter.write("\n".join(sorted(lines)) + "\n")
