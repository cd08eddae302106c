"""Accounts, patients and credentials in SQL."""

from collections.abc import Collection, Mapping
from typing import Any, Final

import attrs
from sqlalchemy import Connection, Table, bindparam, delete, insert, literal_column, select, text, update

from adapters.serialization import dump_profile, dump_schedule, load_profile, name_in_profile
from adapters.sql import doctors
from adapters.sql.records import close_saga, start_sagas
from adapters.sql.tables import ACCOUNTS, CREDENTIALS, LOGINS, PERSONS, QUOTAS, SCHEDULES
from adapters.sql.transactions import Database
from telemed_core.domain.accounts import Account, Administrator, Login, Reservation, login_space
from telemed_core.domain.agenda import Agenda
from telemed_core.domain.doctor import Doctor
from telemed_core.domain.ids import AccountId, PatientId, PersonId, SagaId
from telemed_core.domain.patient import Patient
from telemed_core.domain.people import Cpf, EmailAddress, Role
from telemed_core.domain.schedule import Schedule
from telemed_core.errors import AlreadyRegisteredError, ConflictError, NotFoundError
from telemed_core.ports.services import Sealing
