"""Signing in through the API where Cognito keeps passwords and signs tokens: who gets in, as whom, and until when."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.aws.calling import Call, open_call
from adapters.cognito.pool import Pool, make_pool
from adapters.cognito.users import Users
from integration.emulator.cognito_api import (
    a_clinic,
    ahead,
    beside,
    check_over,
    claims_of,
    me,
    new_prefix_of_tables,
    refreshed,
    settings_on,
    signed,
    try_to,
)
from integration.emulator.ministack import REGION, Ministack
from telemed_core.domain.ids import AccountId
from telemed_core.domain.people import Password, Role
from telemed_core.errors import ConflictError
from telemed_core.testing.builders import a_crm, an_email
from telemed_core.testing.doubles import SettableClock
from unit.entrypoints.api import PASSWORD, Clinic, cpf_of, doctor_body, patient_body

ANOTHER = "seven calm herons drift"
ON_EACH_STORE = pytest.mark.parametrize("store", ["memory", "dynamodb"])


@pytest.fixture
def store() -> str:
    """Where all but passwords is kept, unless a test says otherwise."""
    return "memory"


@pytest.fixture
def clinic(store: str, call: Call, region: str, endpoint_url: str, user_pool: Pool, tmp_path: Path) -> Iterator[Clinic]:
    more = {"TELEMED_AWS_PREFIX": new_prefix_of_tables(call)} if store == "dynamodb" else {}
    with a_clinic(settings_on(store, endpoint_url=endpoint_url, pool=user_pool, data=tmp_path, **more)) as made:
        yield made


# Who gets in


@ON_EACH_STORE
def test_doctors_patients_and_administrators_sign_in_through_one_field(
    clinic: Clinic, user_pool: Pool, client: Callable[[str], Any]
) -> None:
    clinic.administrator()
    doctor_id, _ = clinic.doctor()
    patient_id, _ = clinic.patient()
    crm, cpf = str(a_crm(1)), cpf_of(1).digits
    dotted = f"{cpf[:3]}.{cpf[3:6]}.{cpf[6:9]}-{cpf[9:]}"
    logins = {
        "doctor": [crm, crm.lower(), f" {crm} "],
        "patient": [cpf, dotted, str(an_email(1)), str(an_email(1)).upper()],
        "administrator": [str(an_email(1, of="administrator"))],
    }
    names = {"doctor": {doctor_id}, "patient": {patient_id}}
    for role, spellings in logins.items():
        ids = set()
        for login in spellings:
            tokens = signed(clinic, login)
            assert (tokens["role"], tokens["expires_in"]) == (role, 15 * 60)
            ids.add(me(clinic, tokens).body["id"])
            assert claims_of(tokens)["username"] in ids
        assert ids == names.get(role, ids)
        (name,) = ids
        groups = client("cognito-idp").admin_list_groups_for_user(UserPoolId=user_pool.id, Username=name)["Groups"]
        assert [group["GroupName"] for group in groups] == [role]


def test_of_what_people_sign_in_with_cognito_learns_nothing(
    clinic: Clinic, user_pool: Pool, client: Callable[[str], Any]
) -> None:
    patient_id, _ = clinic.patient()
    kept = client("cognito-idp").admin_get_user(UserPoolId=user_pool.id, Username=patient_id)
    assert [attribute["Name"] for attribute in kept["UserAttributes"]] == ["sub"]
    claims = claims_of(signed(clinic, str(an_email(1))))
    for known in (cpf_of(1).digits, str(an_email(1)), "Bruno"):
        assert known not in json.dumps(kept, default=str) + json.dumps(claims)


def test_unknown_and_wrong_are_answered_alike_and_in_the_end_told_to_wait(clinic: Clinic) -> None:
    patient_id, _ = clinic.patient()
    tries = [(str(an_email(1)), ANOTHER), (cpf_of(1).digits, ANOTHER), (str(an_email(2)), PASSWORD)]
    # The account's own name at Cognito is no login, whoever has got to know it.
    tries += [(str(a_crm(1)), PASSWORD), ("nothing", PASSWORD), (patient_id, PASSWORD), (f"{an_email(1)}x", PASSWORD)]
    told = {(reply.status, reply.raw, str(reply.headers)) for reply in (try_to(clinic, *one) for one in tries)}
    assert [(status, json.loads(raw)["code"]) for status, raw, _ in told] == [(401, "invalid_credentials")]
    for _ in range(4):
        assert try_to(clinic, str(an_email(1)), ANOTHER).status == 401
    late = try_to(clinic, str(an_email(1)))
    assert (late.status, late.code) == (429, "too_many_attempts")


def test_who_signs_tokens_publishes_the_keys(clinic: Clinic) -> None:
    reply = clinic.call("GET", "/.well-known/jwks.json")
    assert (reply.status, reply.code) == (404, "not_found")


# As whom


def test_a_role_is_what_our_directory_says_whatever_the_groups_are(
    clinic: Clinic, user_pool: Pool, client: Callable[[str], Any]
) -> None:
    patient_id, _ = clinic.patient()
    clinic.doctor()
    doctor_id = me(clinic, signed(clinic, str(a_crm(1)))).body["id"]
    cognito = client("cognito-idp")
    cognito.admin_remove_user_from_group(UserPoolId=user_pool.id, Username=doctor_id, GroupName="doctor")
    for name, group in ((patient_id, "administrator"), (patient_id, "doctor"), (doctor_id, "patient")):
        cognito.admin_add_user_to_group(UserPoolId=user_pool.id, Username=name, GroupName=group)
    patient, doctor = signed(clinic, str(an_email(1))), signed(clinic, str(a_crm(1)))
    assert set(claims_of(patient)["cognito:groups"]) == {"administrator", "doctor", "patient"}
    assert claims_of(doctor)["cognito:groups"] == ["patient"]
    assert (patient["role"], doctor["role"]) == ("patient", "doctor")
    for tokens in (patient, doctor):
        reply = clinic.call("GET", "/v1/admin/doctors", token=tokens["access_token"])
        assert (reply.status, reply.code) == (403, "forbidden")
    assert clinic.call("GET", "/v1/agenda", token=patient["access_token"]).status == 403
    assert clinic.call("GET", "/v1/agenda", token=doctor["access_token"]).status == 200
    # Nor do they say anything after a refresh.
    assert refreshed(clinic, patient).body["role"] == "patient"


@ON_EACH_STORE
def test_whom_only_cognito_has_is_nobody(clinic: Clinic, user_pool: Pool, endpoint_url: str) -> None:
    patient_id, _ = clinic.patient()
    tokens = signed(clinic, str(an_email(1)))
    clinic.container.identity().remove(AccountId(patient_id))
    users = Users(open_call("cognito-idp", region=REGION, endpoint_url=endpoint_url, connections=1), user_pool)
    users.put(AccountId(patient_id), Password(PASSWORD))
    assert users.prove(AccountId(patient_id), Password(PASSWORD))
    check_over(clinic, tokens)
    assert try_to(clinic, str(an_email(1))).code == "invalid_credentials"


# Until when


@ON_EACH_STORE
def test_a_session_goes_on_by_its_refresh_token_and_ends_with_the_sign_out(clinic: Clinic) -> None:
    clinic.patient()
    first, other = signed(clinic, str(an_email(1))), signed(clinic, str(an_email(1)))
    renewed = refreshed(clinic, first).body
    assert me(clinic, renewed).body == me(clinic, first).body
    assert claims_of(renewed)["origin_jti"] == claims_of(first)["origin_jti"]
    assert clinic.call("POST", "/v1/auth/logout", token=renewed["access_token"]).status == 204
    for tokens in (first, renewed):
        check_over(clinic, tokens)
        check_over(beside(clinic), tokens)
    assert me(clinic, other).status == 200


@ON_EACH_STORE
def test_a_new_password_ends_all_other_sessions_at_once(clinic: Clinic) -> None:
    clinic.patient()
    own, other = signed(clinic, str(an_email(1))), signed(clinic, cpf_of(1).digits)
    wrong = {"current": ANOTHER, "new": "nine brisk lynxes wander"}
    assert clinic.call("POST", "/v1/me/password", wrong, token=own["access_token"]).status == 422
    assert me(clinic, other).status == 200
    body = {"current": PASSWORD, "new": ANOTHER}
    assert clinic.call("POST", "/v1/me/password", body, token=own["access_token"]).status == 204
    check_over(clinic, other)
    check_over(beside(clinic), other)
    assert (me(clinic, own).status, refreshed(clinic, own).status) == (200, 200)
    assert try_to(clinic, str(an_email(1))).code == "invalid_credentials"
    signed(clinic, str(an_email(1)), ANOTHER)


@ON_EACH_STORE
def test_a_reset_password_ends_every_session_at_once(clinic: Clinic) -> None:
    patient_id, _ = clinic.patient()
    tokens = signed(clinic, str(an_email(1)))
    reset = clinic.container.identity().reset_token(AccountId(patient_id), now=datetime.now(UTC))
    for status in (204, 422):
        reply = clinic.call("POST", "/v1/auth/password-reset/confirm", {"token": reset, "password": ANOTHER})
        assert reply.status == status
    check_over(clinic, tokens)
    assert try_to(clinic, str(an_email(1))).code == "invalid_credentials"
    signed(clinic, str(an_email(1)), ANOTHER)


@ON_EACH_STORE
def test_a_closed_account_has_no_tokens_and_no_sign_in(clinic: Clinic) -> None:
    clinic.patient()
    first, other = signed(clinic, str(an_email(1))), signed(clinic, cpf_of(1).digits)
    assert clinic.call("DELETE", "/v1/me", token=first["access_token"]).status == 204
    for tokens in (first, other):
        check_over(clinic, tokens)
        check_over(beside(clinic), tokens)
    assert {try_to(clinic, login).code for login in (str(an_email(1)), cpf_of(1).digits)} == {"invalid_credentials"}


@ON_EACH_STORE
def test_of_who_has_left_cognito_forgets_the_user_and_who_comes_back_is_another_one(
    clinic: Clinic, user_pool: Pool, client: Callable[[str], Any]
) -> None:
    cognito = client("cognito-idp")
    old_id, token = clinic.patient()
    assert clinic.call("DELETE", "/v1/me", token=token).status == 204
    assert cognito.admin_get_user(UserPoolId=user_pool.id, Username=old_id)["Username"] == old_id
    while clinic.container.run_sagas()():
        pass
    with pytest.raises(cognito.exceptions.UserNotFoundException):
        cognito.admin_get_user(UserPoolId=user_pool.id, Username=old_id)
    with pytest.raises(ConflictError):
        clinic.container.identity().create(AccountId(old_id), Password(PASSWORD), role=Role.PATIENT)
    new_id, _ = clinic.patient()
    assert new_id != old_id
    assert [me(clinic, signed(clinic, login)).body["id"] for login in (str(an_email(1)), cpf_of(1).digits)] == [
        new_id
    ] * 2


@ON_EACH_STORE
def test_a_withdrawn_licence_counts_at_once_and_a_new_sign_in_brings_it_not_back(clinic: Clinic) -> None:
    administrator = clinic.administrator()
    doctor_id, doctor = clinic.doctor(administrator=administrator)
    _, patient = clinic.patient()
    start = (datetime.now(UTC) + timedelta(days=3)).replace(minute=0, second=0, microsecond=0)
    body = {"doctor_id": doctor_id, "start": f"{start:%Y-%m-%dT%H:%M:%SZ}"}
    made = clinic.call("POST", "/v1/appointments", body, token=patient).body
    decision = {"decision": "suspend", "reason": "the council says so"}
    path = f"/v1/doctors/{doctor_id}/verification"
    assert clinic.call("POST", path, decision, token=administrator).body["affected"] == [made["id"]]
    accept = f"/v1/appointments/{made['id']}/accept"
    for token in (doctor, signed(clinic, str(a_crm(1)))["access_token"]):
        for process in (clinic, beside(clinic)):
            reply = process.call("POST", accept, {"rev": made["rev"]}, token=token)
            assert (reply.status, reply.code) == (403, "licence_inactive")
    assert clinic.call("POST", path, {"decision": "approve"}, token=administrator).status == 200
    assert clinic.call("POST", accept, {"rev": made["rev"]}, token=doctor).status == 200


# When clocks differ, and when Cognito is not there


def test_a_token_counts_by_our_clock_half_a_minute_before_and_behind(clinic: Clinic) -> None:
    clinic.patient()
    tokens = signed(clinic, str(an_email(1)))
    claims = claims_of(tokens)
    for at, status in (
        (claims["iat"] - 31, 401),
        (claims["iat"] - 30, 200),
        (claims["exp"] + 29, 200),
        (claims["exp"] + 30, 401),
    ):
        there = beside(clinic, clock=SettableClock(datetime.fromtimestamp(at, UTC)))
        assert me(there, tokens).status == status, at


@pytest.mark.parametrize("by", [timedelta(hours=-1), timedelta(hours=1)])
def test_where_our_clock_is_far_off_passwords_are_proved_and_no_token_counts(clinic: Clinic, by: timedelta) -> None:
    clinic.patient()
    there = ahead(clinic, by)
    tokens = signed(there, str(an_email(1)))
    assert (me(there, tokens).status, me(there, tokens).code) == (401, "unauthenticated")
    assert me(clinic, tokens).status == 200


def test_without_cognito_known_keys_go_on_and_all_else_is_an_outage(region: str, tmp_path: Path) -> None:
    with Ministack() as server:
        cognito = open_call("cognito-idp", region=region, endpoint_url=server.endpoint_url, connections=2)
        there = settings_on("memory", endpoint_url=server.endpoint_url, pool=make_pool(cognito), data=tmp_path)
        with a_clinic(there) as clinic:
            clinic.patient()
            tokens, other = signed(clinic, str(an_email(1))), signed(clinic, str(an_email(1)))
            assert me(clinic, tokens).status == 200
            server.close()
            # It has the keys; who starts now has none.
            assert me(clinic, tokens).status == 200
            asked = [try_to(clinic, str(an_email(1))), refreshed(clinic, tokens), me(beside(clinic), tokens)]
            asked.append(clinic.call("POST", "/v1/patients", patient_body(2)))
            asked.append(clinic.call("POST", "/v1/doctors", doctor_body(2)))
            for reply in asked:
                assert (reply.status, reply.code) == (503, "dependency_unavailable"), reply.raw
            # What needs no Cognito works: a sign-out counts at once.
            assert clinic.call("POST", "/v1/auth/logout", token=tokens["access_token"]).status == 204
            check_over(clinic, tokens)
            assert me(clinic, other).status == 200
