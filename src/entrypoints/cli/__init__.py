"""``telemed``: the use cases, from a shell."""

import sys

import click

from entrypoints.cli.running import LazyGroup, Options, Target, common, run


@click.group(
    cls=LazyGroup,
    targets={
        "demo": Target("entrypoints.cli.demo:demo", "Show the system at work, from registration to a rated visit."),
        "serve": Target("entrypoints.serve:serve", "Serve the API, until it is told to end."),
        "doctors": Target("entrypoints.cli.people:doctors", "Register, list, find and verify doctors."),
        "patients": Target("entrypoints.cli.people:patients", "Register patients."),
        "slots": Target("entrypoints.cli.agendas:slots", "List the free starts of a doctor."),
        "agenda": Target("entrypoints.cli.agendas:agenda", "Show and set a doctor's agenda, and block times in it."),
        "appointments": Target(
            "entrypoints.cli.appointments:appointments", "Ask for, answer, move and cancel appointments, and visit."
        ),
        "sweep": Target("entrypoints.cli.upkeep:sweep", "Do what is due: expiries, sagas, e-mails; once or for ever."),
        "sagas": Target("entrypoints.cli.sagas:sagas", "List sagas, and help those that have come to a stop."),
        "notifications": Target(
            "entrypoints.cli.notifications:notifications",
            "List what people were told, and send again what was given up.",
        ),
        "ledger": Target("entrypoints.cli.upkeep:ledger", "Verify and repair the ledger of everyone's time."),
        "aws": Target("entrypoints.cli.aws:aws", "Make on an emulator what the aws profile needs."),
        "admin": Target("entrypoints.cli.people:admin", "Create administrators."),
        "openapi": Target("entrypoints.cli.contract:openapi", "Print the contract of the API, as OpenAPI."),
        "config": Target("entrypoints.cli.upkeep:config", "Show the settings in force, secrets masked."),
    },
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@common
@click.version_option(package_name="telemed")
@click.pass_context
def telemed(context: click.Context, options: Options) -> None:
    """Doctors, agendas and appointments that cannot be double-booked.

    Every command takes --profile, --data and --at, or TELEMED_PROFILE, TELEMED_DATA and TELEMED_AT.

    Exit codes: 0 done, 1 refused, 2 wrong usage, 3 a dependency failed.
    """
    context.obj = options


def main() -> None:
    """The command; exits 0 done, 1 refused, 2 wrong usage, 3 a dependency failed."""
    sys.exit(run(telemed))
