"""The parts that tell people of changes: what is announced becomes notices, and these leave as e-mails."""

from dependency_injector import providers
from dependency_injector.providers import ThreadSafeSingleton as Once

from entrypoints.container import telling
from entrypoints.container.ground import Ground
from telemed_core.application.notifying import DeliverNotices, Notify


class NoticeParts(Ground):
    """What writes notices down, and delivers them."""

    mailer = Once(telling.open_mailer, Ground.settings)
    email = Once(telling.sends_email, mailer)
    calendars = Once(telling.open_calendars, Ground.settings)
    notify = Once(Notify, Ground.notices, email)
    publisher = Once(telling.open_publisher, Ground.settings, notify)
    take_announcements = Once(telling.open_taking, Ground.settings, notify)
    hand_on_records = Once(telling.open_handing_on, notify)
    deliver_notices = Once(
        DeliverNotices,
        Ground.notices,
        Ground.accounts,
        Ground.identity,
        mailer,
        calendars,
        Ground.clock,
        Ground.public_url,
        providers.Object(telling.alarm_of_notice),
    )
