"""The secrets of a folder: made once, kept to oneself, never made anew where data need the old ones."""

import base64
import hmac
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from adapters import secret_files
from adapters.secret_files import SecretError, Secrets, derive, new_secrets, open_secret_files

NAMES = ("secret", "pepper", "data_key", "issuer_key")


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, lock: KeySerializationEncryption | None = None) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock or NoEncryption()).decode()


def text(byte: bytes, length: int = 32) -> str:
    return base64.b64encode(byte * length).decode()


RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ISSUER = {"issuer_key": pem(RSA)}
"""Configured, so that not every test has to make one."""
CONFIGURED = {"secret": text(b"s"), "pepper": text(b"p"), "data_key": text(b"d"), **ISSUER}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "secrets"


def refusal(folder: Path, *, has_data: bool = True, configured: Mapping[str, str] = ISSUER) -> SecretError:
    with pytest.raises(SecretError) as refused:
        open_secret_files(folder, configured, has_data=has_data)
    return refused.value


def test_secrets_are_made_on_first_use_and_are_the_same_ever_after(folder: Path) -> None:
    made = open_secret_files(folder, {}, has_data=False)
    assert open_secret_files(folder, {}, has_data=True) == made
    assert open_secret_files(folder, {}, has_data=False) == made
    assert sorted(path.name for path in folder.iterdir()) == sorted(NAMES)
    assert len({made.root, made.pepper, made.data_key}) == 3
    assert {len(key) for key in (made.root, made.pepper, made.data_key)} == {32}


def test_the_issuers_key_is_rsa_of_2048_bits(folder: Path) -> None:
    key = load_pem_private_key(open_secret_files(folder, {}, has_data=False).issuer_key, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == 2048


def test_two_folders_have_nothing_in_common(tmp_path: Path) -> None:
    one, other = (open_secret_files(tmp_path / name, ISSUER, has_data=False) for name in ("one", "other"))
    assert {one.root, one.pepper, one.data_key}.isdisjoint({other.root, other.pepper, other.data_key})


def test_only_the_owner_may_read_them(folder: Path) -> None:
    open_secret_files(folder, {}, has_data=False)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_that_has_data_and_lacks_a_secret_is_refused_by_name_and_not_filled_anew(
    folder: Path, name: str
) -> None:
    open_secret_files(folder, {}, has_data=False)
    (folder / name).unlink()
    refused = refusal(folder, configured={})
    assert (refused.name, "missing" in refused.reason) == (name, True)
    assert not (folder / name).exists()


def test_a_first_start_that_was_interrupted_is_finished_with_what_it_had_made(folder: Path) -> None:
    made = open_secret_files(folder, ISSUER, has_data=False)
    (folder / "data_key").unlink()
    (folder / ".data_key.0123456789abcdef").write_text(text(b"x"))
    finished = open_secret_files(folder, ISSUER, has_data=False)
    assert (finished.root, finished.pepper) == (made.root, made.pepper)
    assert finished.data_key not in {made.data_key, b"x" * 32}


def test_a_secret_that_another_process_has_made_meanwhile_is_taken_and_not_replaced(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_late() -> str:
        (folder / "pepper").touch(0o600)
        (folder / "pepper").write_text(text(b"w"))
        return text(b"l")

    monkeypatch.setitem(secret_files._MAKERS, "pepper", too_late)
    assert open_secret_files(folder, ISSUER, has_data=False).pepper == b"w" * 32
    assert sorted(path.name for path in folder.iterdir()) == ["data_key", "pepper", "secret"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
@pytest.mark.parametrize("has_data", [True, False])
def test_a_secret_that_is_open_to_others_is_refused_by_name(folder: Path, mode: int, has_data: bool) -> None:
    open_secret_files(folder, ISSUER, has_data=False)
    (folder / "pepper").chmod(mode)
    refused = refusal(folder, has_data=has_data)
    assert (refused.name, refused.reason) == ("pepper", "is open to others: chmod 600 it")


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o710])
def test_a_folder_that_is_open_to_others_is_refused(folder: Path, mode: int) -> None:
    open_secret_files(folder, ISSUER, has_data=False)
    folder.chmod(mode)
    refused = refusal(folder)
    assert (refused.name, refused.reason) == (".", "is open to others: chmod 700 it")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("content", [b"", b"\n", b"short", b"\xff\xfe" * 22, text(b"x", 31).encode()])
def test_a_malformed_file_is_refused_by_name_and_not_shown(folder: Path, name: str, content: bytes) -> None:
    folder.mkdir(0o700)
    for each, value in CONFIGURED.items():
        (folder / each).touch(0o600)
        (folder / each).write_bytes(content if each == name else value.encode())
    refused = refusal(folder, configured={})
    assert refused.name == name
    assert "must be" in refused.reason
    assert not content.strip() or content.decode("latin") not in str(refused)


def test_a_file_in_the_place_of_the_folder_is_refused(folder: Path) -> None:
    folder.write_text("")
    assert refusal(folder, has_data=False).name == "."


def test_a_folder_in_the_place_of_a_file_is_refused_by_name(folder: Path) -> None:
    (folder / "pepper").mkdir(0o700, parents=True)
    folder.chmod(0o700)
    assert refusal(folder, has_data=False).name == "pepper"


def test_configured_secrets_win_and_are_not_written_down(folder: Path) -> None:
    kept = open_secret_files(folder, ISSUER, has_data=False)
    opened = open_secret_files(folder, {**ISSUER, "pepper": text(b"p")}, has_data=True)
    assert (opened.pepper, opened.data_key) == (b"p" * 32, kept.data_key)
    assert base64.b64decode((folder / "pepper").read_text()) == kept.pepper
    assert not (folder / "issuer_key").exists()


def test_previous_keys_are_read_where_they_are_configured() -> None:
    before = {
        "secret_previous": text(b"S"),
        "data_key_previous": text(b"D"),
        "issuer_key_previous": ISSUER["issuer_key"],
    }
    rotating = Secrets.parse(CONFIGURED | before)
    assert (rotating.root_previous, rotating.data_key_previous) == (b"S" * 32, b"D" * 32)
    assert rotating.issuer_key_previous == rotating.issuer_key
    settled = Secrets.parse(CONFIGURED)
    assert (settled.root_previous, settled.data_key_previous, settled.issuer_key_previous) == (None, None, None)


@pytest.mark.parametrize("name", NAMES)
def test_without_a_folder_each_secret_has_to_be_configured(name: str) -> None:
    with pytest.raises(SecretError) as refused:
        Secrets.parse({each: value for each, value in CONFIGURED.items() if each != name})
    assert (refused.value.name, refused.value.reason) == (name, "is missing")


def test_where_others_issue_tokens_the_issuers_key_may_be_missing_and_no_other() -> None:
    keys = {name: value for name, value in CONFIGURED.items() if name != "issuer_key"}
    assert Secrets.parse(keys, issues=False).issuer_key is None
    assert Secrets.parse(CONFIGURED, issues=False).issuer_key == Secrets.parse(CONFIGURED).issuer_key
    for name in keys:
        with pytest.raises(SecretError, match="is missing"):
            Secrets.parse({each: value for each, value in keys.items() if each != name}, issues=False)


@pytest.mark.parametrize("name", ["secret", "secret_previous", "pepper", "data_key", "data_key_previous"])
@pytest.mark.parametrize(
    "wrong", ["", "x", "ü" * 32, "=" * 44, text(b"k", 31), text(b"k", 33), text(b"k")[:-1], "*" + text(b"k"), "-" * 44]
)
def test_a_key_is_32_bytes_in_base64(name: str, wrong: str) -> None:
    with pytest.raises(SecretError) as refused:
        Secrets.parse(CONFIGURED | {name: wrong})
    assert (refused.value.name, refused.value.reason) == (name, "must be 32 bytes in base64")


PUBLIC = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
WRONG_KEYS = {
    "nothing": "",
    "no key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    "a short one": pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)),  # noqa: S505 - too short on purpose
    "an elliptic one": pem(ec.generate_private_key(ec.SECP256R1())),
    "an encrypted one": pem(RSA, BestAvailableEncryption(b"locked")),
    "a public one": PUBLIC,
}


@pytest.mark.parametrize("wrong", WRONG_KEYS)
@pytest.mark.parametrize("name", ["issuer_key", "issuer_key_previous"])
def test_an_issuers_key_is_a_private_rsa_key_of_2048_bits_in_pem(name: str, wrong: str) -> None:
    with pytest.raises(SecretError) as refused:
        Secrets.parse(CONFIGURED | {name: WRONG_KEYS[wrong]})
    assert refused.value.name == name
    assert refused.value.reason.startswith("must be an RSA private key of at least 2048 bits")


def test_secrets_that_are_kept_nowhere_are_fresh_each_time_but_for_the_configured() -> None:
    one, other = new_secrets(ISSUER), new_secrets({**ISSUER, "pepper": text(b"p")})
    assert one.data_key != other.data_key
    assert other.pepper == b"p" * 32


def test_derived_keys_follow_from_root_and_name_by_hkdf() -> None:
    extracted = hmac.digest(bytes(32), b"r" * 32, "sha256")
    assert derive(b"r" * 32, "cursor") == hmac.digest(extracted, b"telemed cursor\x01", "sha256")
    assert len({derive(root, name) for root in (b"r" * 32, b"s" * 32) for name in ("cursor", "url")}) == 4


def test_secrets_do_not_show_themselves() -> None:
    assert repr(Secrets.parse(CONFIGURED | {"data_key_previous": text(b"D")})) == "Secrets()"
