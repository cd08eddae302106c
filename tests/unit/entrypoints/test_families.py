"""The containers of Lambda's families: each is a part of the whole, and loads no use case of others."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from entrypoints import container as container_module
from entrypoints.container import Container
from entrypoints.container.agendas import AgendaParts
from entrypoints.container.booking import BookingParts
from entrypoints.container.ground import Ground, open_parts
from entrypoints.container.notices import NoticeParts
from entrypoints.container.sagas import SagaParts
from entrypoints.container.sweeping import SweepParts
from entrypoints.settings import SettingsError, load_settings

SRC: Final = Path(container_module.__file__).parents[2]
FAMILIES: Final = (AgendaParts, BookingParts, NoticeParts, SagaParts, SweepParts)
FEW: Final = {"authenticating", "booking", "committing"}
"""Use cases that all of them load."""


def loaded_with(module: str) -> set[str]:
    program = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", program], cwd=SRC, capture_output=True, text=True, check=True)
    return set(json.loads(ran.stdout))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_a_part_of_the_whole(family: type[Ground]) -> None:
    assert Ground.providers.items() < family.providers.items() < Container.providers.items()


def test_no_name_stands_twice_in_the_whole() -> None:
    own = [name for kind in (Ground, *FAMILIES, Container) for name in kind.cls_providers]
    assert sorted(own) == sorted(Container.providers)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_makes_all_that_it_has(family: type[Ground]) -> None:
    parts = open_parts(family, load_settings({"TELEMED_PROFILE": "memory"}))
    others = {"start_saga"}  # of an engine that memory has none of
    for name, provider in parts.providers.items():
        if name not in others:
            assert provider() is not None or name == "close"


@pytest.mark.parametrize(
    ("module", "more"),
    [
        ("agendas", {"agendas", "reading"}),
        ("booking", {"deciding", "reading_appointments"}),
        ("notices", {"calendars", "notifying"}),
    ],
)
def test_a_family_loads_the_use_cases_of_no_other(module: str, more: set[str]) -> None:
    loaded = loaded_with(f"entrypoints.container.{module}")
    prefix = "telemed_core.application."
    assert {name.removeprefix(prefix) for name in loaded if name.startswith(prefix)} <= FEW | more
    assert not {name for name in loaded if name.startswith(("telemed_core.saga", "adapters"))}
    assert "entrypoints.container.whole" not in loaded


def test_settings_are_checked_before_any_part_is_made() -> None:
    settings = load_settings({"TELEMED_ICE_SERVERS": "nonsense"})
    with pytest.raises(SettingsError, match="TELEMED_ICE_SERVERS"):
        open_parts(BookingParts, settings)


def test_what_the_composition_root_does_not_have_is_not_there() -> None:
    assert not hasattr(container_module, "nothing_such")
