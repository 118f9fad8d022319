"""Secrets come from the environment or a closed file, and no error repeats one."""

import pytest

from lastday.configuration.secrets import resolve_secret
from lastday.configuration.settings import SecretReference
from lastday.model.errors import ConfigurationError, ExitCode


def secret_file(folder, content, mode=0o600):
    path = folder / "secret"
    path.write_bytes(content)
    path.chmod(mode)
    return SecretReference(file=path)


def test_a_secret_comes_from_its_variable_less_one_newline():
    assert resolve_secret(SecretReference(env="TOKEN"), {"TOKEN": "s3cret\n\n"}) == "s3cret\n"


@pytest.mark.parametrize("content", [b"s3cret", b"s3cret\n", b"s3cret\r\n"])
def test_a_secret_comes_from_its_file_less_one_newline(tmp_path, content):
    assert resolve_secret(secret_file(tmp_path, content), {}) == "s3cret"


@pytest.mark.parametrize("environment", [{}, {"TOKEN": ""}, {"TOKEN": "\n"}, {"token": "x"}])
def test_a_variable_that_is_not_set_or_empty_is_named(environment):
    with pytest.raises(ConfigurationError, match="TOKEN") as caught:
        resolve_secret(SecretReference(env="TOKEN"), environment)
    assert (caught.value.code, caught.value.exit_code) == ("P116", ExitCode.BAD_INPUT)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o602])
def test_a_file_that_others_may_read_or_write_is_refused(tmp_path, mode):
    """The secret is not told either."""
    with pytest.raises(ConfigurationError, match="others may read or write") as caught:
        resolve_secret(secret_file(tmp_path, b"s3cret", mode), {})
    assert "s3cret" not in str(caught.value)
    assert "chmod 600" in caught.value.mend


def test_a_file_that_is_absent_a_folder_empty_or_no_text_is_named(tmp_path):
    for reference in (SecretReference(file=tmp_path / "none"), SecretReference(file=tmp_path)):
        with pytest.raises(ConfigurationError, match=str(reference.file)):
            resolve_secret(reference, {})
    for content in (b"", b"\n", b"\xff\xfe\x00"):
        with pytest.raises(ConfigurationError, match=str(tmp_path)) as caught:
            resolve_secret(secret_file(tmp_path, content), {})
        assert "\\xff" not in str(caught.value)
