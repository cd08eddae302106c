"""Opens what tells who somebody is: passwords, sessions, access tokens, and the keys under them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from entrypoints.container.storing import open_call
from entrypoints.settings import Settings
from telemed_core.domain.sessions import Session
from telemed_core.ports.people import Credentials, Sessions
from telemed_core.ports.services import Identity, Tokens
from telemed_core.ports.system import Ids

if TYPE_CHECKING:
    from adapters.cursors import Cursors
    from adapters.secret_files import Secrets
    from adapters.tokens import Issuer


def open_issuer(secrets: "Secrets") -> "Issuer":
    """The issuer of our own access tokens."""
    from adapters.tokens import open_issuer

    assert secrets.issuer_key is not None  # noqa: S101 # it is asked for where tokens are issued here
    return open_issuer(secrets.issuer_key, previous=secrets.issuer_key_previous)


def open_tokens(settings: Settings, issuer: Callable[[], "Issuer"]) -> Tokens:
    """Tells tokens of our issuer, or of our user pool, from others.

    A clock that was set may go back, behind what our own issuer has issued.
    """
    from adapters.tokens import CLIENT_ID, ISSUER, KeySet, open_verifier

    if settings.identity == "local":
        return open_verifier(
            KeySet(issuer().jwks), issuer=ISSUER, client_ids={CLIENT_ID}, future_issue_allowed=settings.at is not None
        )
    from adapters.cognito.keys import issuer_of, jwks_url, open_jwks

    pool_id, client_id = _pool(settings)
    keys = KeySet(open_jwks(jwks_url(pool_id, endpoint_url=settings.aws_endpoint_url)))
    return open_verifier(keys, issuer=issuer_of(pool_id), client_ids={client_id}, subject_is_username=False)


def open_identity(
    settings: Settings,
    credentials: Credentials,
    sessions: Sessions,
    ids: Ids,
    issuer: Callable[[], "Issuer"],
    secrets: "Secrets",
) -> Identity:
    """Passwords kept by ourselves or by Cognito, and sessions kept by ourselves.

    Our own issuer is made when somebody signs in.
    """
    refresh_keys, reset_keys = derived(secrets, "refresh"), derived(secrets, "reset")
    if settings.identity == "cognito":
        return _cognito(settings, credentials, sessions, refresh_keys=refresh_keys, reset_keys=reset_keys)
    from adapters.local_identity import open_local_identity

    def access_token(session: Session, /, *, now: datetime) -> str:
        return issuer().access_token(session, now=now)

    return open_local_identity(
        credentials, sessions, ids, access_token=access_token, refresh_keys=refresh_keys, reset_keys=reset_keys
    )


class SignUpRefusedError(Exception):
    """Nobody signs up like that. The text is for Cognito to tell, and repeats nothing of what was sent."""


def open_judging() -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """What answers the event of a sign-up as it came, or raises ``SignUpRefusedError``."""
    from adapters.cognito.sign_up import Refusal, pre_sign_up

    def judge(event: Mapping[str, Any]) -> Mapping[str, Any]:
        judged = pre_sign_up(event)
        if isinstance(judged, Refusal):
            raise SignUpRefusedError(judged.said)
        return judged

    return judge


def open_cursors(secrets: "Secrets") -> "Cursors":
    """Cursors of lists."""
    from adapters.cursors import open_cursors

    return open_cursors(*derived(secrets, "cursor"))


def derived(secrets: "Secrets", name: str) -> tuple[bytes, ...]:
    """The key of that name, and the one before while the root secret is rotated."""
    from adapters.secret_files import derive

    return tuple(derive(root, name) for root in (secrets.root, secrets.root_previous) if root is not None)


def _cognito(
    settings: Settings,
    credentials: Credentials,
    sessions: Sessions,
    *,
    refresh_keys: tuple[bytes, ...],
    reset_keys: tuple[bytes, ...],
) -> Identity:
    from adapters.cognito.identity import open_cognito_identity
    from adapters.cognito.pool import Pool
    from adapters.local_identity import refuse_common

    return open_cognito_identity(
        credentials,
        sessions,
        open_call(settings, "cognito-idp"),
        pool=Pool(*_pool(settings)),
        refuse_common=refuse_common,
        refresh_keys=refresh_keys,
        reset_keys=reset_keys,
    )


def _pool(settings: Settings) -> tuple[str, str]:
    """The id of the pool and that of its client."""
    pool_id, client_id = settings.user_pool_id, settings.user_pool_client_id
    assert pool_id is not None and client_id is not None  # noqa: S101, PT018 # the settings ask for both with Cognito
    return pool_id, client_id
