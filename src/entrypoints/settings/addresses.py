"""Which addresses settings may be, and how they are shown without their passwords."""

import re
from typing import Final
from urllib.parse import urlsplit

LONGEST_MAIL_ADDRESS: Final = 254

_SQLITE = re.compile(r"sqlite(?:\+pysqlite)?:///(?!:memory:|file:)[^?]+(?:\?.*)?").fullmatch
_POSTGRES = re.compile(r"postgres(?:ql(?:\+psycopg)?)?://.+").fullmatch
_MAIL_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*").fullmatch
_VISIBLE = re.compile(r"[!-~]+").fullmatch


def is_public(url: str) -> bool:
    """Whether people can be sent there: ``http`` or ``https``, without a user, a query and a fragment."""
    try:
        parts = urlsplit(url)
        plain = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        return False
    return bool(plain and _VISIBLE(url)) and "?" not in url and "#" not in url


def is_database(url: str) -> bool:
    """Whether it is a SQLite file, or a Postgres server."""
    return is_sqlite(url) or bool(_POSTGRES(url))


def is_sqlite(url: str) -> bool:
    """Whether it is a SQLite file."""
    return bool(_SQLITE(url))


def is_mail_server(url: str) -> bool:
    """Whether it is ``smtp://[user:password@]host[:port]``, or ``smtps://…``."""
    try:
        parts = urlsplit(url)
        plain = parts.port != 0 and not (parts.path.strip("/") or parts.query or parts.fragment)
    except ValueError:
        return False
    signs_in = {bool(parts.username), bool(parts.password)} if "@" in parts.netloc else {True}
    known = parts.scheme in {"smtp", "smtps"} and parts.hostname
    return bool(_VISIBLE(url) and plain and known) and signs_in == {True}


def is_mail_address(text: str) -> bool:
    """Whether e-mails can come from there."""
    return bool(_MAIL_ADDRESS(text)) and len(text) <= LONGEST_MAIL_ADDRESS


def masked(url: str) -> str:
    """The address without its passwords."""
    without = re.sub(r"(?<=://)([^:/?#]*):.*@", r"\1:***@", url)
    return re.sub(r"(password=)[^&]*", r"\1***", without, flags=re.IGNORECASE)
