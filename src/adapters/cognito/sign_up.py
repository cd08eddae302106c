"""Who may come into the user pool: judged before it makes a user, whoever asks."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final

import attrs

from telemed_core.domain.ids import AccountId
from telemed_core.domain.people import Cpf, Crm
from telemed_core.errors import InvalidError

OURS: Final = "PreSignUp_AdminCreateUser"
"""Where users come from that we make; the others are ``PreSignUp_SignUp`` and ``PreSignUp_ExternalProvider``."""

_SAID: Final = ("userAttributes", "validationData", "clientMetadata")
_ATTRIBUTES: Final = frozenset(
    "sub email email_verified name given_name family_name picture locale identities cognito:user_status".split()
)
"""What a user may come with: Cognito's own, and what a social provider tells of a person."""
_PRIVILEGED: Final = re.compile(r"role|group|admin|doctor|crm|licen[cs]e|permission|scope", re.IGNORECASE).search
_REFUSED_LOGINS: Final[tuple[Callable[[str], object], ...]] = (Crm.parse, Cpf.parse)


@attrs.frozen
class Refusal:
    """No user is made. What is said comes to whoever asked, and repeats nothing of what they sent."""

    said: str


def pre_sign_up(event: Mapping[str, Any], *, allowed: Collection[str] = (OURS,)) -> Mapping[str, Any] | Refusal:
    """What the pool's pre-sign-up trigger answers: the event as it came, or why there is no user.

    Nobody comes with a role, with a CRM or CPF to be known by, or under a name that is no account id. Nothing is
    confirmed or verified here.

    Args:
        event: as Cognito sends it.
        allowed: the trigger sources from which users may come.
    """
    if event.get("triggerSource") not in allowed:
        return Refusal("nobody signs up here by themselves")
    if not _is_id(event.get("userName")):
        return Refusal("the name is not an account's")
    request = event.get("request") or {}
    if set(request.get("userAttributes") or ()) - _ATTRIBUTES:
        return Refusal("an attribute is not for whoever signs up to say")
    for name, value in _pairs(request):
        if name not in _ATTRIBUTES and _PRIVILEGED(name):
            return Refusal("a role is not for whoever signs up to say")
        if _is_login(value):
            return Refusal("nobody is known here by a CRM or a CPF")
    return Refusal("nobody is known here by a CRM or a CPF") if _is_login(event["userName"]) else event


def _pairs(request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for said in _SAID:
        yield from ((str(name), str(value)) for name, value in (request.get(said) or {}).items())


def _is_id(name: object) -> bool:
    try:
        return isinstance(name, str) and bool(AccountId(name))
    except InvalidError:
        return False


def _is_login(text: str) -> bool:
    for parse in _REFUSED_LOGINS:
        try:
            parse(text.strip())
        except InvalidError:
            continue
        return True
    return False
