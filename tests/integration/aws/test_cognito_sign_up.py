"""The pre-sign-up trigger: nobody comes into the pool with a role, a CRM or a CPF, or by themselves."""

from typing import Any

import pytest

from adapters.cognito.sign_up import OURS, Refusal, pre_sign_up

SOCIAL = "PreSignUp_ExternalProvider"
SELF = "PreSignUp_SignUp"


def event(source: str = OURS, name: str = "0b2c9e5e-6a0e-4f0b-9d5c-6f0f3c2f1a77", **request: Any) -> dict[str, Any]:
    """As Cognito writes it."""
    return {
        "version": "1",
        "triggerSource": source,
        "region": "sa-east-1",
        "userPoolId": "sa-east-1_aBcDeF123",
        "userName": name,
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "CLIENT_ID_NOT_APPLICABLE"},
        "request": {"userAttributes": {}, "validationData": None, **request},
        "response": {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False},
    }


def test_a_user_that_we_make_comes_in_and_the_event_is_as_it_came() -> None:
    assert pre_sign_up(event()) == event()


def test_nobody_signs_up_by_themselves_where_that_is_not_allowed() -> None:
    for source in (SELF, SOCIAL, "another", None, ""):
        assert isinstance(pre_sign_up(event(source)), Refusal)  # type: ignore[arg-type] # what Cognito never says


def test_whoever_a_social_provider_tells_of_comes_in_where_that_is_allowed() -> None:
    told = event(SOCIAL, "google_1234567", userAttributes={"email": "a@example.org", "given_name": "Ana", "sub": "1"})
    assert pre_sign_up(told, allowed={SOCIAL}) == told
    assert isinstance(pre_sign_up(event(OURS), allowed={SOCIAL}), Refusal)


@pytest.mark.parametrize("said", ["userAttributes", "validationData", "clientMetadata"])
@pytest.mark.parametrize(
    "name",
    ["custom:role", "role", "ROLE", "custom:user_roles", "cognito:groups", "group", "isAdmin", "custom:crm", "licence"],
)
def test_whoever_says_a_role_is_refused_wherever_they_say_it(said: str, name: str) -> None:
    assert pre_sign_up(event(**{said: {"email": "a@example.org"}}))
    assert isinstance(pre_sign_up(event(**{said: {name: "patient"}})), Refusal)


@pytest.mark.parametrize("name", ["preferred_username", "phone_number", "custom:anything", "nickname", "address"])
def test_an_attribute_that_nobody_asked_for_is_refused(name: str) -> None:
    assert isinstance(pre_sign_up(event(userAttributes={name: "any"})), Refusal)
    assert not isinstance(pre_sign_up(event(clientMetadata={name: "any"})), Refusal)


@pytest.mark.parametrize("login", ["123456-SP", " 123456-sp ", "0123456-SP", "529.982.247-25", "52998224725"])
def test_whoever_would_be_known_by_a_crm_or_a_cpf_is_refused(login: str) -> None:
    assert isinstance(pre_sign_up(event(name=login)), Refusal)
    assert isinstance(pre_sign_up(event(userAttributes={"name": login})), Refusal)
    assert isinstance(pre_sign_up(event(clientMetadata={"known_as": login})), Refusal)


@pytest.mark.parametrize("name", ["", "a@example.org", "has space", "x" * 65, None, 5])
def test_a_name_that_is_no_account_id_is_refused(name: Any) -> None:
    assert isinstance(pre_sign_up(event(name=name)), Refusal)


def test_nothing_that_was_sent_is_repeated() -> None:
    refusal = pre_sign_up(event(userAttributes={"name": "52998224725"}))
    assert isinstance(refusal, Refusal)
    assert "529" not in refusal.said


def test_an_event_without_anything_in_it_is_refused_and_not_an_accident() -> None:
    assert isinstance(pre_sign_up({}), Refusal)
    bare = {"triggerSource": OURS, "userName": "user-1"}
    assert pre_sign_up(bare) == bare
