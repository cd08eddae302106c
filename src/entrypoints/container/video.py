"""Opens the provider of video that the settings choose."""

from __future__ import annotations  # what is only written as a type is not loaded

from typing import TYPE_CHECKING, NamedTuple

from entrypoints.container.signing_in import derived
from entrypoints.settings import PREFIX, Settings, SettingsError
from telemed_core.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.secret_files import Secrets
    from adapters.webrtc import IceServer
    from telemed_core.ports.meetings import AttendeeTokens, MeetingRooms, Signals


class Video(NamedTuple):
    """A provider of video: its rooms, and what tells its attendees' tokens."""

    rooms: MeetingRooms
    tokens: AttendeeTokens


def open_video(settings: Settings, secrets: Callable[[], Secrets], signals: Signals) -> Video:
    """The provider that the settings choose.

    Raises:
        SettingsError: the ICE servers are not what browsers take, or the region is none of Chime's.
    """
    if settings.meetings == "chime":
        return _chime(settings)
    if settings.meetings == "memory":
        from adapters.memory.rooms import MemoryAttendeeTokens, open_memory_rooms

        return Video(open_memory_rooms(), MemoryAttendeeTokens())
    from adapters.webrtc import open_webrtc

    ice_servers = open_ice_servers(settings)
    webrtc = open_webrtc(keys=derived(secrets(), "meeting"), ice_servers=ice_servers, signals=signals)
    return Video(webrtc, webrtc)


def _chime(settings: Settings) -> Video:
    from adapters.chime import ChimeAttendeeTokens, open_chime

    try:
        rooms = open_chime(
            media_region=settings.chime_region or "",
            connections=settings.threads,
            endpoint_url=settings.aws_endpoint_url,
        )
    except InvalidError as error:
        raise SettingsError(f"{PREFIX}{error.fields[0].field.upper()} {error.fields[0].message}") from None
    return Video(rooms, ChimeAttendeeTokens())


def open_ice_servers(settings: Settings) -> tuple[IceServer, ...]:
    """What helps browsers to find each other; none: they do without.

    Raises:
        SettingsError: it is not what browsers take.
    """
    if settings.ice_servers is None:
        return ()
    from adapters.webrtc import parse_ice_servers

    try:
        return parse_ice_servers(settings.ice_servers.get_secret_value())
    except InvalidError as error:
        raise SettingsError(f"{PREFIX}ICE_SERVERS {error.fields[0].message}") from None
