"""Makes what the profile ``aws`` needs on an emulator, which has no deployment of its own."""

from collections.abc import Mapping

from entrypoints.container.storing import open_call
from entrypoints.settings import PREFIX, Settings, SettingsError


def bootstrap(settings: Settings) -> Mapping[str, str]:
    """Make the tables, topic, queues, pool and state machines that are missing; the variables that say where they are.

    They come from the definitions that a deployment uses. Made again, they are what they were. Functions are not made:
    state machines call one by its name, whether there is one or not, and sign-ups are judged by none.

    Raises:
        SettingsError: no endpoint is set: an account at AWS gets all this from its deployment.
        UnavailableError: a service does not answer, or refuses.
    """
    if settings.aws_endpoint_url is None:
        raise SettingsError(f"{PREFIX}AWS_ENDPOINT_URL must be set to an emulator: at AWS a deployment makes all this")
    from adapters.cognito.pool import make_pool
    from adapters.dynamodb.bootstrap import make_tables
    from adapters.dynamodb.tables import Tables
    from adapters.messaging.bootstrap import make_topics
    from adapters.messaging.topics import Topics

    prefix = settings.aws_prefix
    make_tables(open_call(settings, "dynamodb"), Tables.named(prefix))
    travel = make_topics(open_call(settings, "sns"), open_call(settings, "sqs"), Topics.named(prefix))
    # An emulator is there to be thrown away.
    pool = make_pool(open_call(settings, "cognito-idp"), name=f"{prefix}people", protected=False)
    made = {
        "topic_arn": travel.topic_arn,
        "queue_url": travel.queue_url,
        "user_pool_id": pool.id,
        "user_pool_client_id": pool.client_id,
        "state_machines": _state_machines(settings, beside=travel.topic_arn),
    }
    return {PREFIX + name.upper(): value for name, value in made.items()}


def _state_machines(settings: Settings, *, beside: str) -> str:
    """What the ARNs of the machines begin with, in the same region and account as that topic."""
    from adapters.step_functions.machines import make_state_machines

    _, partition, _, region, account, _ = beside.split(":")
    made = make_state_machines(
        open_call(settings, "stepfunctions"),
        resource=f"arn:{partition}:lambda:{region}:{account}:function:{settings.aws_prefix}saga-step",
        role_arn=f"arn:{partition}:iam::{account}:role/{settings.aws_prefix}sagas",
        prefix=settings.aws_prefix,
    )
    return made.arn_prefix
