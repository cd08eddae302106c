"""What happens in the demonstration, chapter by chapter."""

from collections.abc import Callable
from typing import Final

from entrypoints.cli.demo import aftermath, booking, meeting, people, visits
from entrypoints.cli.demo.stage import Stage

CHAPTERS: Final[tuple[tuple[str, Callable[[Stage], None]], ...]] = (
    ("Registration", people.registration),
    ("Verification", people.verification),
    ("Agenda and slots", booking.agenda),
    ("Request", booking.request),
    ("A lost race", booking.lost_race),
    ("Accept", booking.accept),
    ("Reschedule by proposal", booking.reschedule),
    ("Cancel", booking.cancel),
    ("Expiry and takeover", booking.expiry),
    ("Reminders", aftermath.reminders),
    ("No-show and sweep", visits.no_show),
    ("Both join", visits.join),
    ("In the meeting", meeting.signalling),
    ("The patient is absent", visits.patient_absent),
    ("Complete", visits.complete),
    ("Rating", visits.rating),
    ("The doctor is absent", visits.doctor_absent),
    ("Block", booking.block),
    ("A forgotten password", aftermath.forgotten_password),
    ("Ledger", aftermath.audit),
    ("Sagas", aftermath.sagas),
)
