"""The README's tour of the library prints what the README says."""

import contextlib
import io
import re
from pathlib import Path

README = Path(__file__).parents[3] / "README.md"


def test_the_tour_prints_what_the_readme_says() -> None:
    text = README.read_text()
    code, printed = re.search(r"```python\n(.*?)```\n\n```text\n(.*?)```", text, re.DOTALL).groups()  # type: ignore[union-attr] # or the test fails
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(code, str(README), "exec"), {})  # noqa: S102 # our own README
    assert output.getvalue() == printed


def test_the_readme_names_the_two_commands() -> None:
    assert "make run" in README.read_text()
    assert "make test" in README.read_text()
