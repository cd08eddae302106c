"""Signing in: what is sent for it and what is answered, and the keys that tokens are verified with."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from telemed_core.domain.people import Role
from telemed_core.messages import schemas
from telemed_core.messages.fields import (
    LoginField,
    PasswordField,
    RefreshTokenField,
    Request,
    ResetTokenField,
    TriedPasswordField,
)
from telemed_core.messages.views import View


class SignIn(Request):
    """``POST /v1/auth/token``."""

    login: LoginField = Field(repr=False)
    password: TriedPasswordField = Field(repr=False)


class Refreshing(Request):
    """``POST /v1/auth/refresh``."""

    refresh_token: RefreshTokenField = Field(repr=False)


class PasswordChange(Request):
    """``POST /v1/me/password``."""

    current: TriedPasswordField = Field(repr=False)
    new: PasswordField


class PasswordResetRequest(Request):
    """``POST /v1/auth/password-reset``."""

    login: LoginField = Field(repr=False)


class PasswordResetConfirmation(Request):
    """``POST /v1/auth/password-reset/confirm``."""

    token: ResetTokenField = Field(repr=False)
    password: PasswordField


class TokenView(View):
    """What a sign-in answers: tokens of one session, the access token good for ``expires_in`` seconds."""

    access_token: str = Field(repr=False)
    refresh_token: str = Field(repr=False)
    token_type: Literal["Bearer"]
    expires_in: Annotated[int, schemas.SECONDS]
    role: Role


class KeyView(View):
    """A public key (RFC 7517)."""

    kty: Literal["RSA"]
    use: Literal["sig"]
    alg: Literal["RS256"]
    kid: str
    n: str
    e: str


class KeySetView(View):
    """The public keys that tokens are verified with."""

    keys: tuple[KeyView, ...]


def key_set_view(keys: Mapping[str, Sequence[Mapping[str, str]]]) -> KeySetView:
    """A key set, without whatever else its keys say."""
    return KeySetView.model_validate(keys)
