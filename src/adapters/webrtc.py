"""Video from browser to browser by WebRTC: rooms that exist by their names alone, and tokens to come in with.

Nothing is kept here: a room's name is a keyed hash of the visit and the generation, so that whoever makes it makes the
same one, and that it is over is kept in ``Signals``.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from ipaddress import IPv6Address
from typing import Any, Final

import attrs
import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from telemed_core.domain.ids import AccountId, AppointmentId, AttendeeId, MeetingId
from telemed_core.domain.meetings import Attendee, AttendeeClaims, Meeting, Provider, Room
from telemed_core.errors import InvalidError, NotFoundError, UnauthenticatedError
from telemed_core.ports.meetings import Signals

LONGEST_TOKEN: Final = 512
"""Ours are shorter, with the longest ids that there are too."""

MOST_SERVERS: Final = 10
MOST_URLS: Final = 10
LONGEST_CREDENTIAL: Final = 508
"""Bytes of a user name, by RFC 8489; of a credential as well."""

_HS256: Final = jws.JWSRegistry(algorithms=["HS256"])
_HEADER: Final = {"alg": "HS256", "typ": "attendee+jwt"}
_BEGINNING: Final = base64.urlsafe_b64encode(orjson.dumps(_HEADER)).decode("ascii").rstrip("=") + "."
_ID_BYTES: Final = 20

_ICE_URL: Final = re.compile(
    r"(?P<scheme>stuns?|turns?):(?:(?P<name>[A-Za-z0-9.-]{1,253})|\[(?P<ipv6>[0-9A-Fa-f:.]{2,45})\])"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<query>\?transport=(?:udp|tcp))?"
).fullmatch


@attrs.frozen(kw_only=True)
class IceServer:
    """A server that tells a browser how it is reached (STUN), or that carries what cannot go straight (TURN).

    Attributes:
        urls: ``stun:``, ``stuns:``, ``turn:`` or ``turns:`` addresses of it.
    """

    urls: tuple[str, ...]
    username: str | None = attrs.field(default=None, repr=False)
    credential: str | None = attrs.field(default=None, repr=False)

    def as_browsers_take_it(self) -> dict[str, Any]:
        """A browser's ``RTCIceServer``."""
        signs_in = {} if self.username is None else {"username": self.username, "credential": self.credential}
        return {"urls": list(self.urls), **signs_in}


@attrs.frozen(eq=False)
class WebRtc:
    """``MeetingRooms`` and ``AttendeeTokens``: the app passes on what the two sides say to find each other.

    A room keeps the key that it was made under for as long as it lives, with everybody's id and token in it. When that
    key is gone after a rotation the room has died, and is made anew.
    """

    _keys: tuple["_Key", ...]
    _ice_servers: tuple[IceServer, ...]
    _signals: Signals

    def create(self, appointment_id: AppointmentId, /, *, generation: int) -> Room:
        return _room(self._keys[0].room_id(appointment_id, generation))

    def find(self, meeting: Meeting, /) -> Room | None:
        return None if self._key_of(meeting) is None else _room(meeting.id)

    def admit(self, meeting: Meeting, account_id: AccountId, /) -> Attendee:
        key = self._key_of(meeting)
        if key is None:
            raise NotFoundError
        token = key.token(AttendeeClaims(meeting.appointment_id, meeting.id, account_id))
        ice_servers = [one.as_browsers_take_it() for one in self._ice_servers]
        attendee_id = key.attendee_id(meeting.id, account_id)
        return Attendee(id=attendee_id, details={"token": token, "ice_servers": ice_servers})

    def end(self, meeting: Meeting, /) -> None:
        self._signals.close(meeting.id)

    def verify(self, token: str, /) -> AttendeeClaims:
        # A token with another header is none of ours: nothing that a stranger wrote is read before it is verified.
        if len(token) <= LONGEST_TOKEN and token.startswith(_BEGINNING):
            for key in self._keys:
                claims = key.claims(token)
                if claims is not None:
                    return claims
        raise UnauthenticatedError

    def _key_of(self, meeting: Meeting) -> "_Key | None":
        """The key under which the room was made; ``None``: it was ended, or made under none that is still here."""
        for key in self._keys:
            if key.room_id(meeting.appointment_id, meeting.generation) == meeting.id:
                return None if self._signals.is_closed(meeting.id) else key
        return None


@attrs.frozen(eq=False)
class _Key:
    """One secret, and what is made under it: each kind by a key of its own."""

    _rooms: bytes = attrs.field(repr=False)
    _attendees: bytes = attrs.field(repr=False)
    _tokens: OctKey = attrs.field(repr=False)

    @classmethod
    def of(cls, secret: bytes) -> "_Key":
        return cls(_hashed(secret, "room"), _hashed(secret, "attendee"), OctKey.import_key(_hashed(secret, "token")))

    def room_id(self, appointment_id: AppointmentId, generation: int) -> MeetingId:
        return MeetingId(_as_id(_hashed(self._rooms, f"{appointment_id}-{generation}")))

    def attendee_id(self, meeting_id: MeetingId, account_id: AccountId) -> AttendeeId:
        # The room's id has one length: no two pairs are written alike.
        return AttendeeId(_as_id(_hashed(self._attendees, f"{meeting_id}-{account_id}")))

    def token(self, claims: AttendeeClaims) -> str:
        """The same for the same claims, always: it says nothing of when, and the visit's window is asked by others."""
        said = {"appointment": claims.appointment_id, "meeting": claims.meeting_id, "account": claims.account_id}
        return jws.serialize_compact({**_HEADER}, orjson.dumps(said), self._tokens, registry=_HS256)

    def claims(self, token: str) -> AttendeeClaims | None:
        """What one of our tokens says; ``None``: it is not to the letter what this key makes of these claims."""
        try:
            said = orjson.loads(jws.deserialize_compact(token, self._tokens, registry=_HS256).payload)
            claims = AttendeeClaims(
                AppointmentId(said["appointment"]), MeetingId(said["meeting"]), AccountId(said["account"])
            )
            return claims if self.token(claims) == token else None
        except (JoseError, ValueError, KeyError, TypeError):
            return None


def open_webrtc(*, keys: Iterable[bytes], ice_servers: Iterable[IceServer], signals: Signals) -> WebRtc:
    """Rooms and tokens under the first of these keys, 32 bytes each; those made under the others are known as well."""
    return WebRtc(tuple(_Key.of(key) for key in keys), tuple(ice_servers), signals)


def parse_ice_servers(text: str) -> tuple[IceServer, ...]:
    """Read a JSON list of what browsers call ``RTCIceServer``: ``{urls, username, credential}``.

    Raises:
        InvalidError: it is something else, naming ``ice_servers`` and the server's place; nothing of it is echoed.
    """
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, list):
        raise _refused('must be a JSON list such as [{"urls": "stun:stun.example:3478"}]')
    if len(found) > MOST_SERVERS:
        raise _refused(f"must be at most {MOST_SERVERS} servers")
    return tuple(_ice_server(one, f"server {place}") for place, one in enumerate(found, start=1))


def _ice_server(found: Any, which: str) -> IceServer:
    if not isinstance(found, dict) or "urls" not in found or found.keys() - {"urls", "username", "credential"}:
        raise _refused(f"{which} must be an object of urls, and of username and credential where it asks for them")
    urls = [found["urls"]] if isinstance(found["urls"], str) else found["urls"]
    if not isinstance(urls, list) or not 1 <= len(urls) <= MOST_URLS:
        raise _refused(f"{which}: urls must be an address, or a list of 1 to {MOST_URLS}")
    schemes = {_scheme(url, which) for url in urls}
    username, credential = found.get("username"), found.get("credential")
    if (username is None) != (credential is None) or (username is None and schemes & {"turn", "turns"}):
        raise _refused(f"{which} must have both username and credential, which turn: and turns: cannot do without")
    if username is not None and not (_fits(username) and _fits(credential)):
        raise _refused(f"{which}: username and credential must be texts of 1 to {LONGEST_CREDENTIAL} bytes")
    return IceServer(urls=tuple(urls), username=username, credential=credential)


def _scheme(url: Any, which: str) -> str:
    parts = _ICE_URL(url) if isinstance(url, str) else None
    if parts is None or not _is_host(parts) or not 1 <= int(parts["port"] or 1) <= 65535:
        raise _refused(f"{which}: each of urls must be stun:HOST[:PORT], stuns:…, turn:… or turns:…")
    if parts["query"] and parts["scheme"] in {"stun", "stuns"}:
        raise _refused(f"{which}: only turn: and turns: have a transport")
    return parts["scheme"]


def _is_host(parts: re.Match[str]) -> bool:
    if parts["ipv6"] is None:
        return all(0 < len(label) <= 63 and label.strip("-") == label for label in parts["name"].split("."))
    try:
        IPv6Address(parts["ipv6"])
    except ValueError:
        return False
    return True


def _fits(text: Any) -> bool:
    return isinstance(text, str) and text.isprintable() and 1 <= len(text.encode()) <= LONGEST_CREDENTIAL


def _refused(message: str) -> InvalidError:
    return InvalidError("ice_servers", message)


def _room(room_id: MeetingId) -> Room:
    return Room(provider=Provider.WEBRTC, id=room_id)


def _hashed(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), hashlib.sha256)


def _as_id(hashed: bytes) -> str:
    return base64.b32encode(hashed[:_ID_BYTES]).decode("ascii").lower()
