"""The directory: OpenLDAP's own slapd, where it is installed."""

import base64
import hashlib
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from os import kill
from pathlib import Path

import ldap3

from lastday.interfaces.cli.demo.applications import Answer, Asked
from lastday.interfaces.cli.demo.company import LEAVER, Person, keep_secret
from lastday.interfaces.cli.demo.processes import (
    LOOPBACK,
    Interruptions,
    NotStarted,
    end,
    free_port,
    launch,
    wait_until_it_listens,
)

BASE = "dc=halden,dc=example"
PEOPLE, GROUPS = f"ou=people,{BASE}", f"ou=groups,{BASE}"
LASTDAY = f"cn=lastday,{BASE}"
ROOT = f"cn=admin,{BASE}"
_MEMBERS = {"all-staff": "number", "engineering": "has_engineering", "vpn": "has_engineering", "finance": "has_books"}
_PROGRAMS = ("/usr/sbin/slapd", "/usr/libexec/slapd", "/usr/local/libexec/slapd", "/usr/lib/openldap/slapd")
_SCHEMAS = ("/etc/ldap/schema", "/etc/openldap/schema", "/usr/local/etc/openldap/schema")
_MODULES = ("/usr/lib/ldap", "/usr/lib64/openldap", "/usr/lib/openldap", "/usr/local/libexec/openldap")


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """Where this machine keeps OpenLDAP."""

    program: Path
    schema: Path
    modules: Path

    @classmethod
    def found(cls) -> "Installed | None":
        """The installation, or None where something of it is missing."""
        program = shutil.which("slapd") or _first(_PROGRAMS)
        schema = _first(f"{place}/inetorgperson.schema" for place in _SCHEMAS)
        modules = _first(f"{place}/ppolicy.so" for place in _MODULES)
        if program is None or schema is None or modules is None:
            return None
        return cls(program=Path(program), schema=Path(schema).parent, modules=Path(modules).parent)


def _first(paths: Iterable[str]) -> str | None:
    return next((path for path in paths if Path(path).exists()), None)


class Directory:
    """slapd in a folder of its own, on a port of this machine."""

    name = "directory"

    def __init__(self, folder: Path, installed: Installed) -> None:
        self._folder = folder / "directory"
        self._installed = installed
        self._log = folder / "logs" / "directory.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self._root, self._lastday, self._leaver = (secrets.token_urlsafe(18) for _ in range(3))
        self._folder.mkdir(mode=0o700)
        (self._folder / "data").mkdir(mode=0o700)
        keep_secret(folder, self.name, self._lastday)

    @property
    def address(self) -> str:
        return f"ldap://{LOOPBACK}:{self.port}"

    @property
    def described(self) -> str:
        return f"OpenLDAP, {self.address}, process {self._process.pid if self._process else '-'}"

    def start(self, interruptions: Interruptions) -> None:
        """It takes requests. Raises NotStarted; some systems let slapd read its own places only."""
        conf = self._folder / "slapd.conf"
        conf.touch(mode=0o600)
        conf.write_text(self._configuration(), encoding="utf-8")
        with interruptions.held():
            self._process = launch(
                [self._installed.program, "-d", "0", "-h", self.address, "-f", conf], self._log, {"LC_ALL": "C"}
            )
        wait_until_it_listens(self.name, self._process, self.port, self._log)

    def seed(self, people: Sequence[Person]) -> None:
        """The tree, an entry for each person, and the groups."""
        with self._bound(ROOT, self._root) as connection:
            for dn, attributes in (*_tree(_hashed(self._lastday)), *map(self._entry, people), *_groups(people)):
                if not connection.add(dn, attributes=attributes):
                    raise NotStarted(f"the directory refused {dn}: {connection.result['description']}")

    def ask(self, person: Person) -> Asked:
        """A bind as the person, and a search for the groups that name them."""
        let_in, said = self._try_bind(person)
        groups = self._groups_of(person)
        answers = (
            Answer(f"bind as uid={person.uid}", said),
            Answer("search (member=uid=…), finds", ", ".join(groups) or "none"),
        )
        return Asked(application=self.name, answers=answers, inside=let_in or bool(groups))

    def stop(self) -> None:
        if self._process is not None:
            end(self._process)
            self._process = None

    def _try_bind(self, person: Person) -> tuple[bool, str]:
        connection = ldap3.Connection(ldap3.Server(self.address), _dn(person), self._leaver, receive_timeout=10)
        try:
            let_in = bool(connection.bind())
            return let_in, "let in" if let_in else f"refused: {connection.result['description']}"
        finally:
            connection.unbind()

    def _groups_of(self, person: Person) -> list[str]:
        with self._bound(ROOT, self._root) as connection:
            connection.search(GROUPS, f"(member={_dn(person)})", attributes=["cn"])
            return sorted(str(entry["attributes"]["cn"][0]) for entry in connection.response)

    def _bound(self, dn: str, password: str) -> ldap3.Connection:
        return ldap3.Connection(ldap3.Server(self.address), dn, password, auto_bind=True, receive_timeout=10)

    def _entry(self, person: Person) -> tuple[str, dict[str, object]]:
        password = self._leaver if person.number == LEAVER else secrets.token_urlsafe()
        return _dn(person), {
            "objectClass": ["top", "person", "organizationalPerson", "inetOrgPerson"],
            "uid": person.uid,
            "cn": person.name,
            "sn": person.row["family_name"],
            "displayName": person.name,
            "mail": person.mail,
            "title": person.row["job_title"],
            "employeeNumber": person.number,
            "userPassword": _hashed(password),
        }

    def _configuration(self) -> str:
        schemas = "".join(
            f"include {self._installed.schema}/{name}.schema\n" for name in ("core", "cosine", "inetorgperson")
        )
        mdb = "moduleload back_mdb\n" if list(self._installed.modules.glob("back_mdb*")) else ""
        return _CONFIGURATION.format(
            modules=self._installed.modules,
            mdb=mdb,
            schemas=schemas,
            folder=self._folder,
            password=self._root,
            base=BASE,
            root=ROOT,
            lastday=LASTDAY,
        )


def end_leftover(folder: Path) -> None:
    """A slapd that a killed demo left in this folder is ended; nobody else's is touched."""
    known = folder / "directory" / "slapd.pid"
    with suppress(OSError, ValueError):
        process = int(known.read_text())
        command = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
        if str(folder / "directory" / "slapd.conf").encode() in command:
            kill(process, signal.SIGTERM)


def _dn(person: Person) -> str:
    return f"uid={person.uid},{PEOPLE}"


def _hashed(password: str) -> str:
    """Salted as OpenLDAP has it by itself; the passwords are random and live for one demo."""
    salt = secrets.token_bytes(8)
    digest = hashlib.sha1(password.encode() + salt, usedforsecurity=False).digest()
    return "{SSHA}" + base64.b64encode(digest + salt).decode()


def _tree(lastday: str) -> Iterable[tuple[str, dict[str, object]]]:
    yield BASE, {"objectClass": ["dcObject", "organization"], "dc": "halden", "o": "Halden Instruments"}
    for name in ("people", "groups", "policies"):
        yield f"ou={name},{BASE}", {"objectClass": "organizationalUnit", "ou": name}
    yield (
        f"cn=default,ou=policies,{BASE}",
        {
            "objectClass": ["organizationalRole", "pwdPolicy"],
            "cn": "default",
            "pwdAttribute": "userPassword",
            "pwdLockout": "TRUE",
            "pwdMaxFailure": "100",
        },
    )
    yield (
        LASTDAY,
        {
            "objectClass": ["organizationalRole", "simpleSecurityObject"],
            "cn": "lastday",
            "userPassword": lastday,
        },
    )
    yield (
        f"uid=breakglass1,{PEOPLE}",
        {
            "objectClass": ["top", "person", "organizationalPerson", "inetOrgPerson"],
            "uid": "breakglass1",
            "cn": "Break Glass",
            "sn": "Glass",
        },
    )


def _groups(people: Sequence[Person]) -> Iterable[tuple[str, dict[str, object]]]:
    for name, wanted in _MEMBERS.items():
        members = [_dn(person) for person in people if getattr(person, wanted)]
        yield f"cn={name},{GROUPS}", {"objectClass": ["top", "groupOfNames"], "cn": name, "member": members}


_CONFIGURATION = """\
modulepath {modules}
{mdb}moduleload ppolicy
{schemas}pidfile {folder}/slapd.pid
argsfile {folder}/slapd.args

database mdb
suffix {base}
rootdn {root}
rootpw {password}
directory {folder}/data
maxsize 67108864
index objectClass,entryUUID,uid,cn,mail,employeeNumber,member eq
limits dn.exact="{lastday}" size.soft=unlimited size.hard=unlimited size.prtotal=unlimited
access to attrs=userPassword by dn.exact="{lastday}" manage by self write by anonymous auth by * none
access to * by dn.exact="{lastday}" write by * read
overlay ppolicy
ppolicy_default cn=default,ou=policies,{base}
ppolicy_use_lockout
"""
