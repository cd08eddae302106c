"""Refusals: one shape, and one that says when it can be tried again."""

from datetime import UTC, datetime

from telemed_core.errors import FieldError
from telemed_core.messages.problems import problem_view


def test_a_problem_names_its_type_and_the_wrong_fields() -> None:
    wrong = problem_view(status=422, code="slot_not_offered", detail="no", fields=[FieldError("start", "is wrong")])
    assert wrong.model_dump(mode="json") == {
        "type": "urn:telemed:problem:slot_not_offered",
        "title": "Slot not offered",
        "status": 422,
        "detail": "no",
        "code": "slot_not_offered",
        "errors": [{"field": "start", "message": "is wrong"}],
    }
    assert problem_view(status=404, code="not_found", detail="no").model_dump()["errors"] is None


def test_a_problem_says_when_a_visit_opens_where_that_is_known_and_nowhere_else() -> None:
    opens_at = datetime(2026, 6, 1, 14, 50, 0, 999_999, tzinfo=UTC)
    plain = problem_view(status=409, code="join_window_closed", detail="no")
    timed = problem_view(status=409, code="join_window_closed", detail="no", opens_at=opens_at)
    assert "opens_at" not in plain.model_dump(mode="json")
    assert timed.model_dump(mode="json") == {**plain.model_dump(mode="json"), "opens_at": "2026-06-01T14:50:00Z"}
