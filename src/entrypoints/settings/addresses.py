"""Which addresses settings may be, and how they are shown without their passwords."""

import re
from typing import Final
from urllib.parse import parse_qs, urlsplit

LONGEST_MAIL_ADDRESS: Final = 254

_THIS_MACHINE: Final = frozenset({"127.0.0.1", "::1", "localhost"})

_SQLITE = re.compile(r"sqlite(?:\+pysqlite)?:///(?!:memory:|file:)[^?]+(?:\?.*)?").fullmatch
_POSTGRES = re.compile(r"postgres(?:ql(?:\+psycopg)?)?://.+").fullmatch
_MAIL_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*").fullmatch
_FIFO_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,251}\.fifo").fullmatch
_STATE_MACHINES = re.compile(r"arn:aws[a-z-]*:states:[a-z0-9-]+:[0-9]{12}:stateMachine:[A-Za-z0-9_-]{0,60}").fullmatch
_USER_POOL = re.compile(r"[a-z0-9-]{1,32}_[0-9a-zA-Z]{1,32}").fullmatch
_USER_POOL_CLIENT = re.compile(r"[A-Za-z0-9_+]{1,128}").fullmatch
_NAME_PREFIX = re.compile(r"[A-Za-z0-9_-]{1,32}").fullmatch
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


def is_verified(url: str) -> bool:
    """Whether a server is reached over TLS with its name and certificate checked, or is this very machine."""
    parts = urlsplit(url)
    said = parse_qs(parts.query)
    if parts.hostname in _THIS_MACHINE and not {"host", "hostaddr"} & said.keys():
        return True
    return said.get("sslmode") == ["verify-full"]


def is_fifo_topic(arn: str) -> bool:
    """Whether it is the ARN of a FIFO topic of SNS."""
    return bool(_FIFO_TOPIC(arn))


def is_fifo_queue(url: str) -> bool:
    """Whether it is the URL of a FIFO queue of SQS."""
    return is_public(url) and url.endswith(".fifo")


def is_user_pool(pool_id: str) -> bool:
    """Whether it is the id of a user pool of Cognito."""
    return bool(_USER_POOL(pool_id))


def is_user_pool_client(client_id: str) -> bool:
    """Whether it is the id of a user pool's client."""
    return bool(_USER_POOL_CLIENT(client_id))


def is_state_machines(beginning: str) -> bool:
    """Whether ARNs of state machines begin so."""
    return bool(_STATE_MACHINES(beginning))


def is_name_prefix(text: str) -> bool:
    """Whether names of tables, topics, queues, pools and state machines may all begin so."""
    return bool(_NAME_PREFIX(text))


def is_mail_address(text: str) -> bool:
    """Whether e-mails can come from there."""
    return bool(_MAIL_ADDRESS(text)) and len(text) <= LONGEST_MAIL_ADDRESS


def masked(url: str) -> str:
    """The address without its passwords."""
    without = re.sub(r"(?<=://)([^:/?#]*):.*@", r"\1:***@", url)
    return re.sub(r"(password=)[^&]*", r"\1***", without, flags=re.IGNORECASE)
