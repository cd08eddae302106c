"""One suite of tests per port: subclass it, give it a fixture ``stores``, and an adapter is held to every sentence.

::

    class TestOurAppointments(AppointmentsContract):
        @pytest.fixture
        def stores(self) -> Stores:
            return open_ours()
"""

from telemed_core.testing.contracts.accounts import AccountsContract
from telemed_core.testing.contracts.appointments import AppointmentsContract
from telemed_core.testing.contracts.attempts import AttemptsContract
from telemed_core.testing.contracts.changing import ClosingContract, ProfilesContract
from telemed_core.testing.contracts.doctors import DoctorsContract
from telemed_core.testing.contracts.ledger import LedgerContract
from telemed_core.testing.contracts.lists import ListsContract
from telemed_core.testing.contracts.races import RacesContract
from telemed_core.testing.contracts.refusals import RefusalsContract
from telemed_core.testing.contracts.repeats import RepeatsContract
from telemed_core.testing.contracts.schedules import SchedulesContract
from telemed_core.testing.contracts.services import IdentityContract, SealingContract, TokensContract
from telemed_core.testing.contracts.sessions import CredentialsContract, SessionsContract

STORES_CONTRACTS = (
    AccountsContract,
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
)

__all__ = [
    "STORES_CONTRACTS",
    "AccountsContract",
    "AppointmentsContract",
    "AttemptsContract",
    "ClosingContract",
    "CredentialsContract",
    "DoctorsContract",
    "IdentityContract",
    "LedgerContract",
    "ListsContract",
    "ProfilesContract",
    "RacesContract",
    "RefusalsContract",
    "RepeatsContract",
    "SchedulesContract",
    "SealingContract",
    "SessionsContract",
    "TokensContract",
]
