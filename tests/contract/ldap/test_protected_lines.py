"""A protected line is checked against the authority that is configured, and never falls back to an open one."""

import subprocess

import pytest

from lastday.model.errors import Unreachable
from tests.contract.ldap.conftest import SEED, opened
from tests.servers.fault_proxy import FaultProxy
from tests.servers.slapd import Slapd

pytestmark = pytest.mark.real("slapd")


def openssl(*arguments):
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def authority(folder, name):
    """A certificate authority of its own: its certificate and key."""
    key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(certificate),
            "-days", "2", "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE")  # fmt: skip
    return certificate, key


def certified(folder, ca, name, alternative):
    """A server certificate signed by `ca` for `alternative`, and its key."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", f"{folder}/{name}.csr",
            "-subj", f"/CN={name}")  # fmt: skip
    (folder / "names").write_text(f"subjectAltName={alternative}")
    openssl("x509", "-req", "-in", f"{folder}/{name}.csr", "-CA", str(ca[0]), "-CAkey", str(ca[1]), "-CAcreateserial",
            "-days", "2", "-out", str(certificate), "-extfile", str(folder / "names"))  # fmt: skip
    return certificate, key


@pytest.fixture(scope="module")
def authorities(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    return folder, authority(folder, "ours"), authority(folder, "theirs")


@pytest.fixture(scope="module")
def secure(authorities):
    folder, ours, _ = authorities
    with Slapd(SEED, tls=(ours[0], *certified(folder, ours, "server", "DNS:localhost,IP:127.0.0.1"))) as server:
        yield server


@pytest.mark.parametrize("starttls", [True, False])
async def test_ldaps_and_starttls_work_with_the_right_authority(secure, authorities, kept, starttls):
    url = f"ldap://localhost:{secure.port}" if starttls else f"ldaps://localhost:{secure.tls_port}"
    async with opened(0, kept, url=url, starttls=starttls, ca_file=str(authorities[1][0])) as connector:
        assert len((await connector.list_accounts(None)).items) == 3


@pytest.mark.parametrize("starttls", [True, False])
async def test_a_certificate_of_another_authority_is_refused(secure, authorities, kept, starttls):
    url = f"ldap://localhost:{secure.port}" if starttls else f"ldaps://localhost:{secure.tls_port}"
    async with opened(0, kept, url=url, starttls=starttls, ca_file=str(authorities[2][0]), timeout_s=3) as connector:
        with pytest.raises(Unreachable):
            await connector.check_connection()


async def test_a_certificate_for_another_name_is_refused(authorities, kept):
    folder, ours, _ = authorities
    with Slapd(SEED, tls=(ours[0], *certified(folder, ours, "other", "DNS:other.example"))) as server:
        for url, starttls in (
            (f"ldaps://localhost:{server.tls_port}", False),
            (f"ldap://localhost:{server.port}", True),
        ):
            given = {"url": url, "starttls": starttls, "ca_file": str(ours[0]), "timeout_s": 3}
            async with opened(0, kept, **given) as connector:
                with pytest.raises(Unreachable):
                    await connector.check_connection()


async def test_a_server_without_starttls_never_sees_the_password(slapd, kept):
    """No fall-back: what is not protected is not sent."""
    sent = []

    def watch(data):
        sent.append(data)
        return False

    with FaultProxy("127.0.0.1", slapd.port) as proxy:
        proxy.hold(watch)
        async with opened(proxy.port, kept, starttls=True, timeout_s=3) as connector:
            with pytest.raises(Unreachable):
                await connector.list_accounts(None)
    assert sent
    assert b"lastday-secret" not in b"".join(sent)
