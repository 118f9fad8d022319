"""Secrets are fetched when they are needed, from the environment or a file; the configuration never holds one."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from lastday.configuration.settings import SecretReference
from lastday.model.errors import ConfigurationError

LONGEST_SECRET = 64 * 1024
_CODE = "P116"


def resolve_secret(reference: SecretReference, environment: Mapping[str, str]) -> str:
    """The secret that `reference` names, less one newline at its end.

    Raises ConfigurationError naming the variable or file, never a value: not set, empty, not readable, or a file
    that others than its owner may read.
    """
    if reference.file is not None:
        return _usable(_read(reference.file), str(reference.file))
    name = reference.env or ""
    if name not in environment:
        raise _unusable(f"the environment variable {name} is not set", name, f"Set {name} and start again.")
    return _usable(environment[name], name)


def _read(path: Path) -> str:
    try:
        # What is opened is what is judged: nobody can change the file in between.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            _refuse_open_to_others(os.fstat(descriptor), path)
            return file.read(LONGEST_SECRET).decode("utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise _unusable(f"the secret file {path} cannot be read: {reason}", str(path), "Mend the path.") from None


def _refuse_open_to_others(status: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise _unusable(f"the secret file {path} is no ordinary file", str(path), "Name a file.")
    if status.st_mode & (stat.S_IRGRP | stat.S_IWGRP | stat.S_IROTH | stat.S_IWOTH):
        raise _unusable(f"others may read or write the secret file {path}", str(path), f"Run chmod 600 {path}.")


def _usable(secret: str, where: str) -> str:
    stripped = secret[:-2] if secret.endswith("\r\n") else secret.removesuffix("\n")
    if not stripped:
        raise _unusable(f"the secret in {where} is empty", where, "Put the secret there.")
    return stripped


def _unusable(what: str, where: str, mend: str) -> ConfigurationError:
    effect = "What needs this secret does not start."
    return ConfigurationError(what, effect=effect, mend=mend, code=_CODE, where=where)
