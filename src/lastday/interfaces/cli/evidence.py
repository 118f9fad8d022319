"""`verify`."""

from pathlib import Path
from typing import Annotated

import typer

from lastday.evidence.verify import show as verdict_lines
from lastday.evidence.verify import verify_bundle
from lastday.interfaces.cli.context import DEFAULT_CONFIG, ConfigOption
from lastday.interfaces.cli.showing import show
from lastday.model.errors import ExitCode


def add_to(app: typer.Typer) -> None:
    app.command("verify")(verify)


def verify(
    bundle: Annotated[Path, typer.Argument(help="A bundle (.zip).")],
    key: Annotated[str | None, typer.Option("--key", help="The fingerprint of the key you trust.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,  # noqa: ARG001 - every command takes it
) -> int:
    """Checks a bundle offline: no database, no network."""
    verdict = verify_bundle(bundle, key)
    for line in verdict_lines(verdict):
        show(line)
    return ExitCode.DONE if verdict.holds else ExitCode.EVIDENCE_BROKEN
