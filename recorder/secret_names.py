"""Which names promise a secret: of header and form fields, query parameters, cookies, JSON keys, XML elements.

A name is cut into words at case changes, digits and every other character (`X-Access-Token`, `accessToken` and
`access_token` are the same two words) and matches when its **last words** are in one of the tables below, where
qualifiers (`password_confirmation`, `token2`) may follow. So `new_password`, `stripeToken` and `user[pin]` match;
`token_type`, `tokens_used`, `pinned`, `secretary` and `password_reset_required` do not. Words written together are
found by their ending when it is unmistakable (`csrfmiddlewaretoken`, `PHPSESSID`, `newpassword`).

The tables were drawn from what sentry-python (`DEFAULT_DENYLIST`), Rails (`filter_parameters`), Django
(`HIDDEN_SETTINGS`), RFC 6749/7636/7521 and PCI DSS (cardholder and authentication data) treat as secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import IntEnum

from .remembered import Harmless


class Secrecy(IntEnum):
    """What a name says of the value that it stands for."""

    NONE = 0
    TEXT = 1  # a string is secret; a number is a count, and an object has names of its own
    ALL = 2  # every string and number is, at any depth below


_SECRET = """
    password passwd passwort kennwort senha contrasena motdepasse pwd pswd psw passphrase passcode
    secret clientsecret sharedsecret secretkey privatekey signingkey encryptionkey masterkey
    token jwt bearer apikey accesskey secretaccesskey authkey subscriptionkey servicekey
    csrf xsrf sid sessionid sessid sessionkey sessiontoken
    otp totp hotp pin cvv cvc csc cardcode securitycode
    otpcode totpcode mfacode smscode 2facode twofactorcode onetimecode onetimepassword verificationcode
    recoverycode backupcode resetcode authcode authorizationcode codeverifier devicecode
    cardnumber cardno ccnumber ccnum pan iban ssn socialsecuritynumber
    signature sig hmac assertion samlresponse credential macaroon
""".split()

_SECRET_TEXT = """
    session auth authorization pass creditcard dsn connectionstring
    passwords passphrases secrets tokens jwts apikeys credentials otps pins signatures
    recoverycodes backupcodes cardnumbers
""".split()

# Endings and beginnings that no harmless word has, so that they are found in words written together.
_FUSED = """
    password passwd passphrase passcode token apikey secret sessionid sessid secretkey privatekey accesskey
    cardnumber ccnumber csrf xsrf userpwd
""".split()

_QUALIFIERS = frozenset(
    """
    confirmation confirm again repeat repeated retype verify check first second new old current
    hash hashed digest value plain plaintext raw text string str hex base64 b64 encoded encrypted enc field input code
    """.split()
)

# What tells one session from another. Passwords, card data and a client's own secret do not: many sessions share them.
_SESSION_ENDINGS = """
    token tokens jwt bearer apikey apikeys authkey csrf xsrf sid sessionid sessid sessionkey session auth authorization
    macaroon
""".split()

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")
_LONGEST_NAME = 160  # characters; of a longer name the end counts
_PATHS = ("/", "\\/")  # what a name that is a path begins with, in JSON with its slashes escaped or not
_CACHE_ENTRIES = 8192  # names come from traffic: without a bound an attacker could fill the memory with them


class SecretNames:
    """The tables above with an application's own names added; answers are cached."""

    def __init__(self, extra: Iterable[str] = ()) -> None:
        self.extra = frozenset(folded for name in extra if (folded := fold(name)))
        self._secret = frozenset(_SECRET) | self.extra
        self._text = frozenset(_SECRET_TEXT)
        self._cache: dict[str, Secrecy] = {}
        # What the prefilter remembers, within bounds of its own: raw names, and the latest bodies without secrets.
        self.harmless: set[bytes] = set()
        self.seen_pieces: set[bytes] = set()
        self.clean: tuple[bytes, ...] = ()
        self.searched = Harmless()

    @classmethod
    def with_extra(cls, extra: Iterable[str]) -> SecretNames:
        """The shared tables when nothing is added, so that what one user of them learned serves the others."""
        names = cls(extra)
        return names if names.extra else DEFAULT_NAMES

    def of(self, name: str) -> Secrecy:
        known = self._cache.get(name)
        if known is None:
            if len(self._cache) >= _CACHE_ENTRIES:
                self._cache.clear()
            known = self._judge(name[-_LONGEST_NAME:])
            # A store of parameters has a secret text under "/prod/db/password", an OpenAPI document under
            # "/login/{password}" an object that describes a request.
            if known and name.startswith(_PATHS) and fold(name) not in self.extra:
                known = Secrecy.TEXT
            self._cache[name] = known
        return known

    def _judge(self, name: str) -> Secrecy:
        if fold(name) in self.extra:
            return Secrecy.ALL
        words = split_words(name)
        while words:
            for count in range(1, min(4, len(words)) + 1):
                tail = "".join(words[-count:])
                if tail in self._secret:
                    return Secrecy.ALL
                if tail in self._text:
                    return Secrecy.TEXT
            if _is_fused(words[-1]):
                return Secrecy.ALL
            if words[-1] not in _QUALIFIERS and not words[-1].isdigit():
                break
            words.pop()
        return Secrecy.NONE


DEFAULT_NAMES = SecretNames()


def names_a_session(name: str) -> bool:
    """Whether equal values under this name mean the same session: tokens and session ids do, passwords do not."""
    words = split_words(name[-_LONGEST_NAME:])
    while words and (words[-1].isdigit() or words[-1] in _QUALIFIERS):
        words.pop()
    return "".join(words[-3:]).endswith(tuple(_SESSION_ENDINGS))


def split_words(name: str) -> list[str]:
    """The words of a name, in lower case."""
    return [word.lower() for word in _WORD.findall(name)]


def fold(name: str) -> str:
    """The name without case, `-`, `_` and every other character that is neither letter nor digit."""
    return "".join(filter(str.isalnum, name.lower()))


def _is_fused(word: str) -> bool:
    for stem in _FUSED:
        at = word.rfind(stem)
        if at >= 0 and (at + len(stem) == len(word) or word[at + len(stem) :] in _QUALIFIERS):
            return True
    return False
