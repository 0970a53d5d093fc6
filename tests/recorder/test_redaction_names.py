from __future__ import annotations

import pytest

from recorder.secret_names import Secrecy, SecretNames, names_a_session

NAMES = SecretNames()

SECRET = """
password new_password passwordConfirmation password_confirmation password1 Password2 user[password] oldPasswordHash
user[plainPassword][first] newpassword confirmpassword DB_PASSWORD passwd pwd passphrase
secret client_secret clientSecret SECRET_KEY aws_secret_access_key private_key privateKey
token stripeToken X-Access-Token access_token refreshToken id_token authenticity_token csrfmiddlewaretoken
__RequestVerificationToken X-CSRF-Token X-XSRF-TOKEN csrf_token
api_key apiKey X-Api-Key apikey Ocp-Apim-Subscription-Key
PHPSESSID JSESSIONID sessionid session_id sid connect.sid
otp totp_code pin userPin cvv cvc2 card_number cardNumber cc_number pan iban ssn
signature X-Amz-Signature X-Hub-Signature-256 Stripe-Signature sig hmac SAMLResponse client_assertion code_verifier
""".split()

HARMLESS = """
token_type tokens_used token_expires_in pinned secretary password_reset_required spinning shipping company span
key keyboard Idempotency-Key broken description design sides author authors authority passenger compass bypass
panel opinion pint card cards cardholder signed assigned code coupon_code status_code zip_code username user_id
Content-Type Sec-WebSocket-Key ETag sessions tokenizer passwordless password_strength last_password_change
""".split()


@pytest.mark.parametrize("name", SECRET)
def test_names_of_secrets(name: str) -> None:
    assert NAMES.of(name) is Secrecy.ALL


@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_names(name: str) -> None:
    assert NAMES.of(name) is Secrecy.NONE


@pytest.mark.parametrize("name", ["session", "auth", "tokens", "max_tokens", "credentials", "user_pass"])
def test_names_whose_numbers_are_counts(name: str) -> None:
    assert NAMES.of(name) is Secrecy.TEXT


@pytest.mark.parametrize(
    "name",
    ["/login/{user}/{password}", "/prod/db/password", "\\/token", f"/{'long/' * 40}token", "/sessions/{session}"],
)
def test_under_a_path_a_text_is_secret_and_what_an_object_describes_is_not(name: str) -> None:
    assert NAMES.of(name) is Secrecy.TEXT


def test_a_path_may_be_one_of_an_applications_own_names() -> None:
    assert SecretNames(["/vault/number"]).of("/vault/number") is Secrecy.ALL


def test_an_applications_own_names_are_folded() -> None:
    names = SecretNames(["Membership-Number", "x", "пароль"])
    assert names.of("membership_number") is Secrecy.ALL
    assert names.of("old_membership_number") is Secrecy.ALL
    assert names.of("Пароль") is Secrecy.ALL
    assert names.of("membership") is Secrecy.NONE


def test_without_names_of_its_own_everyone_shares_one_table() -> None:
    assert SecretNames.with_extra(()) is SecretNames.with_extra(["--"])
    assert SecretNames.with_extra(["own"]) is not SecretNames.with_extra(())


@pytest.mark.parametrize("name", ["access_token", "sid", "X-Api-Key", "csrf_token", "PHPSESSID", "session", "jwt"])
def test_names_that_tell_sessions_apart(name: str) -> None:
    assert names_a_session(name)


@pytest.mark.parametrize("name", ["password", "pin", "cvv", "client_secret", "card_number", "signature", "iban", ""])
def test_names_that_many_sessions_share(name: str) -> None:
    assert not names_a_session(name)


def test_names_from_traffic_cannot_fill_the_memory() -> None:
    names = SecretNames()
    for index in range(20_000):
        names.of(f"name{index}")
    assert len(names._cache) <= 8192
