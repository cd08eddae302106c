"""What a command works with: the parts of this process, who acts, and the values in its arguments."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date, datetime
from typing import TypeVar

import click

from entrypoints.cli.running import Options
from entrypoints.container import Container, open_container
from entrypoints.container.video import open_ice_servers
from entrypoints.failures import MISUSED, problem
from entrypoints.logs import open_log
from entrypoints.settings import Settings, SettingsError, load_settings
from telemed_core.domain.accounts import Account, Administrator, parse_login
from telemed_core.domain.ids import AdministratorId, PersonId
from telemed_core.domain.instants import TimeZone, parse_date, parse_instant
from telemed_core.domain.people import EmailAddress
from telemed_core.errors import ForbiddenError, InvalidError, NotFoundError
from telemed_core.ports.notices import Mailer
from telemed_core.ports.system import Clock

A = TypeVar("A")
T = TypeVar("T")
Callback = Callable[[click.Context, click.Parameter, str | None], T | None]

OPERATOR = Administrator(
    id=AdministratorId("operator"), email=EmailAddress("operator@localhost"), time_zone=TimeZone("America/Sao_Paulo")
)
"""Who acts where nobody is named: whoever can read the data is trusted to act for the clinic."""

as_anyone = click.option("--as", "as_", metavar="WHO", required=True, help="E-mail, CPF or CRM of the one who acts.")
the_administrator = click.option(
    "--as", "as_", metavar="EMAIL", help="The administrator who acts; left out: the operator."
)


class WrongSetting(click.ClickException):
    """A setting is wrong; nothing has been started."""

    exit_code = MISUSED


def settings_of(options: Options) -> Settings:
    """The settings that these options and the environment make."""
    try:
        settings = load_settings(profile=options.profile, data=options.data, at=options.at)
        # Only their adapter knows what they may be.
        open_ice_servers(settings)
    except SettingsError as error:
        raise WrongSetting(str(error)) from None
    return settings


def opened(options: Options) -> AbstractContextManager[Container]:
    """The parts of this process by these options and the environment, closed at the end."""
    return opened_with(settings_of(options))


@contextmanager
def opened_with(settings: Settings, *, clock: Clock | None = None, mailer: Mailer | None = None) -> Iterator[Container]:
    """The parts of this process, closed at the end; ``clock`` and ``mailer`` in place of what the settings choose."""
    # A saga that a command runs may raise an alarm.
    open_log()
    container = open_container(settings, clock=clock, mailer=mailer)
    try:
        yield container
    except SettingsError as error:
        raise WrongSetting(str(error)) from None
    finally:
        container.close()


def acting(container: Container, who: str | None) -> Account:
    """The account that signs in with this, or the operator; no password is asked.

    Raises:
        NotFoundError: there is none.
    """
    if who is None:
        return OPERATOR
    try:
        login = parse_login(who, field="--as")
    except InvalidError as error:
        raise click.UsageError(error.detail) from None
    account = container.accounts().find(login)
    if account is None:
        raise NotFoundError("Nobody signs in with what --as says.")
    return account


def acting_as(kind: type[A], container: Container, who: str) -> A:
    """The account that signs in with this, if it is of that kind.

    Raises:
        NotFoundError: there is none.
        ForbiddenError: it is of another kind.
    """
    account = acting(container, who)
    if not isinstance(account, kind):
        raise ForbiddenError
    return account


def reading(read: Callable[[str], T]) -> Callback[T]:
    """A callback for click that reads an argument by a parser of the domain."""

    def callback(_: click.Context, parameter: click.Parameter, text: str | None) -> T | None:
        try:
            return None if text is None else read(text)
        except InvalidError as error:
            raise click.BadParameter(error.fields[0].message, param=parameter) from None

    return callback


instant: Callback[datetime] = reading(lambda text: parse_instant(text, field=""))
day: Callback[date] = reading(parse_date)
person: Callback[PersonId] = reading(PersonId)


def typed(field: str) -> str:
    """What a field of a request is called on the command line: ``--phase`` for ``phase.0``, ``ID`` for ``id``.

    One that stands in no option and no argument of this command (a password that was read, say) keeps its name.
    """
    name = field.partition(".")[0]
    parameters = {str(one.name).rstrip("_"): one for one in click.get_current_context().command.params}
    ending = (one for key, one in parameters.items() if isinstance(one, click.Argument) and key.endswith(f"_{name}"))
    found = parameters.get(name) or next(ending, None)
    if found is None:
        return field
    return found.human_readable_name if isinstance(found, click.Argument) else max(found.opts, key=len)


@contextmanager
def as_usage(*, naming: Callable[[str], str] = typed) -> Iterator[None]:
    """What is wrong in a file or an argument is wrong usage, unless it has a code of its own.

    ``naming`` says what a field is called where it was written.
    """
    try:
        yield
    except InvalidError as error:
        if error.code != InvalidError.code:
            raise
        refusal = problem(error)
        # Two wrong values of one option are told apart by nothing: they are said once.
        wrong = dict.fromkeys(f"{naming(name)}: {text}" for name, text in refusal.fields)
        raise click.UsageError("\n  ".join([refusal.code, *wrong])) from None
