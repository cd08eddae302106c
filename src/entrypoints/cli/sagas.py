"""What follows from changes: the sagas, and what operators can do with one that has come to a stop."""

from typing import Final

import click

from entrypoints.cli.acting import acting, as_usage, opened, the_administrator
from entrypoints.cli.running import Options, common
from entrypoints.cli.showing import as_json, local, show_json, show_page, show_table
from entrypoints.container import Container
from entrypoints.container.running import state_machine_of
from telemed_core.domain.ids import SagaId
from telemed_core.domain.sagas import SagaRow
from telemed_core.messages.parsing import parse
from telemed_core.messages.sagas import OperatorsReason, SagasQuery, SagaView, saga_view
from telemed_core.saga.diagrams import mermaid
from telemed_core.saga.sagas import REGISTRY

MOST_AT_ONCE: Final = 100
UTC: Final = "UTC"
FORMATS: Final = ("mermaid", "asl")
_OF_FORMATS: Final = "A diagram, or a state machine for Step Functions (Amazon States Language)."

the_id = click.argument("saga_id", metavar="ID")
because = click.option("--reason", metavar="TEXT", required=True, help="Why; it is kept with what is done.")


@click.group()
def sagas() -> None:
    """What follows from each change, step by step."""


@sagas.command("list")
@click.option("--phase", multiple=True, metavar="PHASE", help="Only these, such as quarantined; may be repeated.")
@click.option("--name", metavar="NAME", help="Only these, such as accept.")
@the_administrator
@as_json
@common
def list_sagas(options: Options, phase: tuple[str, ...], name: str | None, as_: str | None, json_: bool) -> None:
    """List sagas, last started first."""
    with as_usage():
        query = parse(SagasQuery, {"phase": phase, "name": name})
    with opened(options) as container:
        actor = acting(container, as_)
        found: list[SagaRow] = []
        while page := container.list_sagas()(
            actor=actor,
            name=query.name,
            phases=query.phase,
            after=(found[-1].started_at, found[-1].id) if found else None,
            limit=MOST_AT_ONCE,
        ):
            found += page
    if json_:
        show_page(map(saga_view, found))
    else:
        show_table(
            ("ID", "Saga", "Of", "Phase", "Next step", "Attempt", "Error", "Started (UTC)"),
            (
                (
                    one.id,
                    one.name,
                    one.subject,
                    one.progress.phase,
                    next_step(one),
                    *_tried(one),
                    local(one.started_at, UTC),
                )
                for one in found
            ),
            nothing="no sagas",
        )


@sagas.command("show")
@the_id
@the_administrator
@as_json
@common
def show_saga(options: Options, saga_id: str, as_: str | None, json_: bool) -> None:
    """Show a saga, step by step, and what operators have done with it."""
    with as_usage():
        found = SagaId(saga_id)
    with opened(options) as container:
        view = _view(container, found, as_)
    _show(view, json_=json_)


@sagas.command("retry")
@the_id
@because
@the_administrator
@as_json
@common
def retry_saga(options: Options, saga_id: str, reason: str, as_: str | None, json_: bool) -> None:
    """Have a quarantined saga try again where it has come to a stop."""
    _move("retry_saga", options, saga_id, reason, as_, json_=json_)


@sagas.command("compensate")
@the_id
@because
@the_administrator
@as_json
@common
def compensate_saga(options: Options, saga_id: str, reason: str, as_: str | None, json_: bool) -> None:
    """Have a quarantined saga undo what it has done; only before its pivot."""
    _move("compensate_saga", options, saga_id, reason, as_, json_=json_)


@sagas.command("resolve")
@the_id
@because
@the_administrator
@as_json
@common
def resolve_saga(options: Options, saga_id: str, reason: str, as_: str | None, json_: bool) -> None:
    """Say that the step at which a quarantined saga has come to a stop is done: it goes on after it."""
    _move("resolve_saga", options, saga_id, reason, as_, json_=json_)


@sagas.command("definition")
@click.argument("name", required=False)
@click.option("--format", "format_", type=click.Choice(FORMATS), default="mermaid", show_default=True, help=_OF_FORMATS)
@common
def definition(options: Options, name: str | None, format_: str) -> None:  # noqa: ARG001 # every command takes them; this one opens nothing
    """Print the steps of the saga NAME as a diagram or a state machine; without NAME all diagrams, as a document."""
    if name is None:
        if format_ == "asl":
            raise click.UsageError("--format asl needs the NAME of a saga")
        click.echo(document(), nl=False)
        return
    saga = REGISTRY.latest(name)
    if saga is None:
        raise click.UsageError(f"there is no such saga; there are: {', '.join(REGISTRY.names())}")
    click.echo(state_machine_of(saga) if format_ == "asl" else mermaid(saga), nl=format_ == "asl")


def document() -> str:
    """All diagrams, in Markdown."""
    title = (
        "# The sagas, step by step\n\nMade by `telemed sagas definition`; [sagas.md](sagas.md) says what they are.\n"
    )
    definitions = [saga for name in REGISTRY.names() if (saga := REGISTRY.latest(name))]
    return title + "".join(f"\n## {saga.name}\n\n```mermaid\n{mermaid(saga)}```\n" for saga in definitions)


def next_step(row: SagaRow) -> str:
    """The step that is to be done, or undone, next."""
    saga = REGISTRY.find(row)
    if saga is None:
        return "?"
    return saga.steps[row.progress.step].name if 0 <= row.progress.step < len(saga.steps) else ""


def _tried(row: SagaRow) -> tuple[object, object]:
    """Attempt and error, of what is not over."""
    return ("", row.progress.error) if row.progress.phase.ended else (row.progress.attempt, row.progress.error)


def _move(use_case: str, options: Options, saga_id: str, reason: str, as_: str | None, *, json_: bool) -> None:
    with as_usage():
        found, body = SagaId(saga_id), parse(OperatorsReason, {"reason": reason})
    with opened(options) as container:
        act = container.providers[use_case]()
        act(saga_id=found, reason=body.reason, actor=acting(container, as_))
        view = _view(container, found, as_)
    _show(view, json_=json_)


def _view(container: Container, saga_id: SagaId, as_: str | None) -> SagaView:
    story = container.show_saga()(saga_id=saga_id, actor=acting(container, as_))
    return saga_view(
        story.row,
        steps=None if story.saga is None else [(step.name, step.kind) for step in story.saga.steps],
        interventions=story.interventions,
        reasons=story.reasons,
    )


def _show(view: SagaView, *, json_: bool) -> None:
    if json_:
        show_json(view)
        return
    rows: list[tuple[str, object]] = [
        ("saga", f"{view.name} (version {view.version})"),
        ("of", view.subject),
        ("phase", view.phase),
        ("error", view.error),
        ("attempt", view.attempt),
        ("due", view.due_at and local(view.due_at, UTC)),
        ("run by", view.owner),
        ("started", local(view.started_at, UTC)),
        ("changed", local(view.changed_at, UTC)),
    ]
    rows += [
        ("" if number else "steps", f"{one.state}: {one.name} ({one.kind})")
        for number, one in enumerate(view.steps or ())
    ]
    rows += [
        ("" if number else "interventions", f"{local(one.at, UTC)}  {one.verb} by {one.by}: {one.reason or ''}")
        for number, one in enumerate(view.interventions or ())
    ]
    show_table(("Saga", view.id), [(name, value) for name, value in rows if value is not None], nothing="")
