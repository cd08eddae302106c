"""Identity, tokens and sealing keep every sentence of their ports."""

import pytest
from argon2 import PasswordHasher

from adapters import local_identity
from adapters.local_identity import open_local_identity
from adapters.memory import open_memory
from adapters.sealing import open_sealing
from adapters.tokens import CLIENT_ID, ISSUER, Issuer, KeySet, open_issuer, open_verifier
from attack_tokens import new_key
from telemed_core.ports.services import Identity, Sealing, Tokens
from telemed_core.testing.contracts import IdentityContract, ResetsContract, SealingContract, TokensContract
from telemed_core.testing.doubles import MemoryIdentity, MemoryTokens, SeededIds


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return open_issuer(new_key())


class Local:
    @pytest.fixture
    def identity(self, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> Identity:
        # What is promised does not depend on how long a hash takes.
        fast = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        monkeypatch.setattr(local_identity, "_HASHER", fast)
        monkeypatch.setattr(local_identity, "NOBODYS_HASH", fast.hash("nobody's"))
        stores = open_memory()
        return open_local_identity(
            stores.credentials,
            stores.sessions,
            SeededIds(),
            access_token=issuer.access_token,
            refresh_keys=(b"r" * 32,),
            reset_keys=(b"s" * 32,),
        )


class ForTests:
    @pytest.fixture
    def identity(self) -> Identity:
        stores = open_memory()
        return MemoryIdentity(stores.credentials, stores.sessions, SeededIds())


class TestLocalIdentity(Local, IdentityContract):
    pass


class TestLocalResets(Local, ResetsContract):
    pass


class TestResetsForTests(ForTests, ResetsContract):
    pass


class TestIdentityForTests(ForTests, IdentityContract):
    pass


class TestJwts(Local, TokensContract):
    @pytest.fixture
    def tokens(self, issuer: Issuer) -> Tokens:
        return open_verifier(KeySet(issuer.jwks), issuer=ISSUER, client_ids=[CLIENT_ID])


class TestTokensForTests(ForTests, TokensContract):
    @pytest.fixture
    def tokens(self) -> Tokens:
        return MemoryTokens()


class TestAesSealing(SealingContract):
    @pytest.fixture
    def sealing(self) -> Sealing:
        return open_sealing(pepper=b"p" * 32, data_key=b"d" * 32)
