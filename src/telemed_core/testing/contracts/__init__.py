"""One suite of tests per port: subclass it, give it a fixture ``stores``, and an adapter is held to every sentence.

::

    class TestOurAppointments(AppointmentsContract):
        @pytest.fixture
        def stores(self) -> Stores:
            return open_ours()
"""

from telemed_core.testing.contracts.accounts import AccountsContract, RegistrationsContract
from telemed_core.testing.contracts.appointments import AppointmentsContract
from telemed_core.testing.contracts.attempts import AttemptsContract
from telemed_core.testing.contracts.changing import ClosingContract, ProfilesContract
from telemed_core.testing.contracts.credentials import CredentialsContract
from telemed_core.testing.contracts.doctors import DoctorsContract
from telemed_core.testing.contracts.feeds import FeedsContract
from telemed_core.testing.contracts.ledger import LedgerContract
from telemed_core.testing.contracts.lists import ListsContract
from telemed_core.testing.contracts.meetings import MeetingsContract
from telemed_core.testing.contracts.notices import NoticesContract
from telemed_core.testing.contracts.publishing import PublisherContract
from telemed_core.testing.contracts.races import RacesContract
from telemed_core.testing.contracts.ratings import RatingsContract
from telemed_core.testing.contracts.refusals import RefusalsContract
from telemed_core.testing.contracts.repeats import RepeatsContract
from telemed_core.testing.contracts.resets import ResetsContract
from telemed_core.testing.contracts.rooms import AttendeeTokensContract, MeetingRoomsContract
from telemed_core.testing.contracts.saga_claims import SagaClaimsContract
from telemed_core.testing.contracts.sagas import SagaLogContract
from telemed_core.testing.contracts.schedules import SchedulesContract
from telemed_core.testing.contracts.services import IdentityContract, SealingContract, TokensContract
from telemed_core.testing.contracts.sessions import SessionsContract
from telemed_core.testing.contracts.signal_ends import SignalEndsContract
from telemed_core.testing.contracts.signal_logs import SignalLogsContract
from telemed_core.testing.contracts.signal_races import SignalRacesContract
from telemed_core.testing.contracts.signals import SignalsContract

STORES_CONTRACTS = (
    AccountsContract,
    RegistrationsContract,
    ProfilesContract,
    ClosingContract,
    CredentialsContract,
    SessionsContract,
    AttemptsContract,
    DoctorsContract,
    SchedulesContract,
    AppointmentsContract,
    ListsContract,
    RefusalsContract,
    RepeatsContract,
    RacesContract,
    LedgerContract,
    SagaLogContract,
    SagaClaimsContract,
    NoticesContract,
    FeedsContract,
    MeetingsContract,
    SignalsContract,
    SignalLogsContract,
    SignalEndsContract,
    SignalRacesContract,
    RatingsContract,
)

__all__ = [
    "STORES_CONTRACTS",
    "AccountsContract",
    "AppointmentsContract",
    "AttemptsContract",
    "AttendeeTokensContract",
    "ClosingContract",
    "CredentialsContract",
    "DoctorsContract",
    "FeedsContract",
    "IdentityContract",
    "LedgerContract",
    "ListsContract",
    "MeetingRoomsContract",
    "MeetingsContract",
    "NoticesContract",
    "ProfilesContract",
    "PublisherContract",
    "RacesContract",
    "RatingsContract",
    "RefusalsContract",
    "RegistrationsContract",
    "RepeatsContract",
    "ResetsContract",
    "SagaClaimsContract",
    "SagaLogContract",
    "SchedulesContract",
    "SealingContract",
    "SessionsContract",
    "SignalEndsContract",
    "SignalLogsContract",
    "SignalRacesContract",
    "SignalsContract",
    "TokensContract",
]
