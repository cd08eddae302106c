"""The stores of people and of the sagas that their registrations are, on DynamoDB."""

from typing import Self

import attrs

from adapters.aws.retrying import Patience
from adapters.dynamodb.access import Dynamo
from adapters.dynamodb.accounts import DynamoAccounts, DynamoPatients
from adapters.dynamodb.attempts import DynamoAttempts
from adapters.dynamodb.feeds import DynamoFeeds
from adapters.dynamodb.sagas import DynamoSagaLog
from adapters.dynamodb.signing_in import DynamoCredentials, DynamoSessions
from adapters.sealing import open_sealing
from telemed_core.domain.accounts import Account
from telemed_core.testing.builders import a_reservation

SEALING = open_sealing(pepper=b"p" * 32, data_key=b"k" * 32)
AT_ONCE = Patience(sleep=lambda _: None)


@attrs.frozen(kw_only=True)
class People:
    dynamo: Dynamo
    accounts: DynamoAccounts
    patients: DynamoPatients
    credentials: DynamoCredentials
    sessions: DynamoSessions
    attempts: DynamoAttempts
    feeds: DynamoFeeds
    sagas: DynamoSagaLog

    @classmethod
    def on(cls, dynamo: Dynamo) -> Self:
        """Those that wait for nobody."""
        accounts = DynamoAccounts(dynamo, SEALING, AT_ONCE)
        return cls(
            dynamo=dynamo,
            accounts=accounts,
            patients=DynamoPatients(accounts),
            credentials=DynamoCredentials(dynamo, AT_ONCE),
            sessions=DynamoSessions(dynamo, SEALING),
            attempts=DynamoAttempts(dynamo, AT_ONCE),
            feeds=DynamoFeeds(dynamo, SEALING),
            sagas=DynamoSagaLog(dynamo, SEALING),
        )

    def enrol(self, account: Account) -> None:
        self.accounts.reserve(a_reservation(account))
        self.accounts.add(account)
