"""Signing in and out, and the keys by which others can verify our tokens."""

from datetime import timedelta
from typing import Final

from entrypoints.operations.operation import ANYONE, SIGNED_IN, Call, Operation, role_of
from telemed_core.domain.accounts import Account
from telemed_core.domain.sessions import SignedIn
from telemed_core.errors import InvalidCredentialsError, NotFoundError, TooManyAttemptsError, UnauthenticatedError
from telemed_core.messages.sign_in import (
    KeySetView,
    PasswordResetConfirmation,
    PasswordResetRequest,
    Refreshing,
    SignIn,
    TokenView,
    key_set_view,
)


def _sign_in(call: Call[SignIn, None]) -> TokenView:
    account, signed = call.container.sign_in()(login=call.body.login, password=call.body.password, address=call.address)
    return _tokens(account, signed)


def _refresh(call: Call[Refreshing, None]) -> TokenView:
    account, signed = call.container.refresh_session()(refresh_token=call.body.refresh_token)
    return _tokens(account, signed)


def _sign_out(call: Call[None, None]) -> None:
    call.container.sign_out()(session_id=call.session_id)


def _ask_reset(call: Call[PasswordResetRequest, None]) -> None:
    call.container.ask_reset()(login=call.body.login)


def _reset(call: Call[PasswordResetConfirmation, None]) -> None:
    call.container.reset_password()(token=call.body.token, password=call.body.password)


def _keys(call: Call[None, None]) -> KeySetView:
    if call.container.settings().identity != "local":
        # Whoever signs tokens publishes the keys too.
        raise NotFoundError
    return key_set_view(call.container.issuer().jwks())


def _tokens(account: Account, signed: SignedIn) -> TokenView:
    return TokenView(
        access_token=signed.access_token,
        refresh_token=signed.refresh_token,
        token_type="Bearer",  # noqa: S106 # how the token is sent
        expires_in=signed.expires_in // timedelta(seconds=1),
        role=role_of(account),
    )


OPERATIONS: Final = (
    Operation(
        name="sign_in",
        method="POST",
        path="/v1/auth/token",
        about="Sign in: doctors by CRM, patients by CPF or e-mail, administrators by e-mail.",
        tag="sign-in",
        roles=ANYONE,
        body=SignIn,
        view=TokenView,
        refusals=(InvalidCredentialsError, TooManyAttemptsError),
        act=_sign_in,
    ),
    Operation(
        name="refresh",
        method="POST",
        path="/v1/auth/refresh",
        about="New tokens of the same session; the old refresh token works for 30 s more.",
        tag="sign-in",
        roles=ANYONE,
        body=Refreshing,
        view=TokenView,
        refusals=(UnauthenticatedError,),
        act=_refresh,
    ),
    Operation(
        name="sign_out",
        method="POST",
        path="/v1/auth/logout",
        about="End the session at once.",
        tag="sign-in",
        roles=SIGNED_IN,
        status=204,
        act=_sign_out,
    ),
    Operation(
        name="ask_password_reset",
        method="POST",
        path="/v1/auth/password-reset",
        about="Have a link to another password sent by e-mail; the answer does not tell whether there is an account.",
        tag="sign-in",
        roles=ANYONE,
        status=202,
        body=PasswordResetRequest,
        act=_ask_reset,
    ),
    Operation(
        name="reset_password",
        method="POST",
        path="/v1/auth/password-reset/confirm",
        about="Set another password with what came by e-mail, once, within 30 minutes; all sessions end.",
        tag="sign-in",
        roles=ANYONE,
        status=204,
        body=PasswordResetConfirmation,
        act=_reset,
    ),
    Operation(
        name="list_keys",
        method="GET",
        path="/.well-known/jwks.json",
        about="The public keys of our token issuer (RFC 7517); there is none where others issue tokens.",
        tag="sign-in",
        roles=ANYONE,
        view=KeySetView,
        refusals=(NotFoundError,),
        act=_keys,
    ),
)
