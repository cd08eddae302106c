"""The starts that a doctor has free: what is asked for most often."""

from typing import Final

from entrypoints.operations.operation import SIGNED_IN, Call, Operation
from telemed_core.domain.ids import DoctorId
from telemed_core.messages.agenda_view import SlotsView, slots_view
from telemed_core.messages.queries import SlotsQuery
from telemed_core.messages.views import View


def _list(call: Call[None, SlotsQuery]) -> View:
    schedule, slots = call.container.list_slots()(
        doctor_id=DoctorId(call.ids["id"]), within=call.query.to_interval(), viewer=call.actor
    )
    return slots_view(schedule, slots)


LIST_SLOTS: Final = Operation(
    name="list_slots",
    method="GET",
    path="/v1/doctors/{id}/slots",
    about="All free starts in at most 31 days; to a patient those in which the patient is free too.",
    tag="doctors",
    roles=SIGNED_IN,
    query=SlotsQuery,
    view=SlotsView,
    act=_list,
)
