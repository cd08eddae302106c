"""What the import contracts cannot say: the core's neighbours as a list of what is allowed."""

import sys

import grimp
import pytest

ALLOWED = {
    "errors": set[str](),
    "domain": {"attrs"},
    "ports": {"attrs"},
    "application": {"attrs"},
    "messages": {"attrs", "pydantic", "pydantic_core"},
    "saga": {"attrs"},
    "testing": {"attrs", "hypothesis", "pytest"},
}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("telemed_core", include_external_packages=True, cache_dir=None)


@pytest.mark.parametrize("part", ALLOWED)
def test_each_part_of_the_core_knows_the_standard_library_and_what_is_allowed_to_it(
    graph: grimp.ImportGraph, part: str
) -> None:
    package = f"telemed_core.{part}"

    known = {
        imported
        for module in {package, *graph.find_descendants(package)}
        for imported in graph.find_modules_directly_imported_by(module)
        if not imported.startswith("telemed_core")
    }

    assert known - sys.stdlib_module_names <= ALLOWED[part]


def test_every_part_of_the_core_is_judged(graph: grimp.ImportGraph) -> None:
    assert graph.find_children("telemed_core") <= {f"telemed_core.{part}" for part in ALLOWED}
