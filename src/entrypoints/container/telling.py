"""Opens what tells people of changes: announcements, e-mails and calendars."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from entrypoints.container.storing import open_call
from entrypoints.logs import log_alarm, log_failure
from entrypoints.settings import PREFIX, Settings, SettingsError
from telemed_core.application.notifying import Notify
from telemed_core.domain.notices import Notice
from telemed_core.errors import InvalidError
from telemed_core.ports.notices import Calendars, Mailer, Publisher

if TYPE_CHECKING:
    from adapters.mailbox import Mailbox

TakeAnnouncements: TypeAlias = Callable[..., int]
"""Hands on what waits in the queue, waiting ``wait`` seconds for the first; how many there were."""

HandOnRecords: TypeAlias = Callable[[Iterable[Mapping[str, Any]]], list[dict[str, str]]]
"""Hands on records of the queue that a function was given; the ``batchItemFailures``."""


def open_publisher(settings: Settings, notify: Notify) -> Publisher:
    """What has changed is told in this process at once, or published."""
    if settings.events == "process":
        from adapters.publishing import open_in_process

        return open_in_process(notify)
    from adapters.messaging.sns import open_sns

    assert settings.topic_arn is not None  # noqa: S101 # the settings ask for it with SNS
    return open_sns(open_call(settings, "sns"), settings.topic_arn)


def open_taking(settings: Settings, notify: Notify) -> TakeAnnouncements:
    """What empties the queue of announcements; without one there is never anything in it."""
    if settings.queue_url is None:
        return _nothing_waits
    from adapters.messaging.sqs import open_sqs

    return open_sqs(open_call(settings, "sqs"), settings.queue_url, notify, told=_log_undelivered)


def open_handing_on(notify: Notify) -> HandOnRecords:
    """What hands on records of the queue."""

    def hand_on(records: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
        from adapters.messaging.records import handle_records

        return handle_records(records, notify, _log_undelivered)

    return hand_on


def mailbox() -> "Mailbox":
    """A mail server that keeps what it is sent: for demonstrations."""
    from adapters.mailbox import Mailbox

    return Mailbox()


def open_mailer(settings: Settings) -> Mailer:
    """Sends e-mails by the mail server; without one, none can leave."""
    if settings.smtp_url is None:
        from adapters.mailbox import NoMailServer

        return NoMailServer()
    from adapters.smtp import open_smtp

    try:
        return open_smtp(settings.smtp_url.get_secret_value(), settings.mail_from)
    except InvalidError as error:
        field = error.fields[0]
        raise SettingsError(f"{PREFIX}{field.field.upper()} {field.message}") from None


def open_calendars(settings: Settings) -> Calendars:
    """Writes iCalendar files, with invitations from where e-mails come from."""
    from adapters.calendars import open_calendars

    return open_calendars(settings.mail_from)


def sends_email(mailer: Mailer) -> bool:
    """Whether e-mails can leave: there is a mail server."""
    from adapters.mailbox import NoMailServer

    return not isinstance(mailer, NoMailServer)


def alarm_of_notice(notice: Notice) -> None:
    """An operator is called to an e-mail that was given up."""
    log_alarm("delivery dead", notice=notice.id, event=notice.event, kind=notice.kind, code=notice.last_error)


def _nothing_waits(*, wait: int = 0) -> int:  # noqa: ARG001 # there is nothing to wait for
    return 0


def _log_undelivered(message_id: str, error: Exception) -> None:
    """What was not handed on comes again; the queue's id of it says which."""
    log_failure(f"announcement {message_id}: {type(error).__name__}")
