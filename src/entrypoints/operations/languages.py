"""Which of our languages a reader understands best."""

from collections.abc import Mapping, Sequence

from telemed_core.domain.people import Language


def language_of(headers: Mapping[str, Sequence[str]]) -> Language:
    """By ``Accept-Language`` (RFC 9110): the most wanted of ours, Portuguese where none is."""
    ranges = [_range(part) for header in headers.get("accept-language", ()) for part in header.split(",")]
    wanted = [(quality, -place, language) for place, (language, quality) in enumerate(ranges) if language and quality]
    return max(wanted)[2] if wanted else Language.PORTUGUESE


def _range(text: str) -> tuple[Language | None, float]:
    tag, _, parameter = text.strip().partition(";")
    primary = tag.strip().lower().partition("-")[0]
    language = {"pt": Language.PORTUGUESE, "en": Language.ENGLISH}.get(primary)
    try:
        quality = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
    except ValueError:
        quality = 0.0
    return language, quality
