"""A real OpenLDAP server on a free loopback port, with a witness that our code has no hand in.

    with Slapd(people_ldif) as directory:
        directory.search("(uid=ada)")      # asked by the ldapsearch binary
        directory.writes()                 # every write the server itself recorded (slapo-accesslog)

The tree: `dc=northwind,dc=example` with `ou=people`, `ou=groups`, `ou=policies` and the account that Lastday uses,
`cn=lastday,...` (not the rootdn: what the rules of access forbid is forbidden).
"""

import base64
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tests.servers.ports import free_port

BASE = "dc=northwind,dc=example"
PEOPLE = f"ou=people,{BASE}"
GROUPS = f"ou=groups,{BASE}"
ROOT_DN, ROOT_PASSWORD = f"cn=admin,{BASE}", "root-secret"
LASTDAY_DN, LASTDAY_PASSWORD = f"cn=lastday,{BASE}", "lastday-secret"
LOG_SUFFIX = "cn=log"
MODULES = Path("/usr/lib/ldap")
SCHEMA = Path("/etc/ldap/schema")


class ServerMissing(Exception):
    """The binary of a real server is not on this machine: the test fails, it does not skip."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as ldapsearch printed it; attribute names are in lower case."""

    dn: str
    attributes: dict[str, list[str]]

    def __getitem__(self, name: str) -> list[str]:
        return self.attributes.get(name.lower(), [])


@dataclass(frozen=True, slots=True)
class Write:
    """One write as slapd recorded it in cn=log."""

    kind: str
    """`add`, `modify`, `modrdn` or `delete`."""
    dn: str
    author: str
    changes: tuple[str, ...]
    result: str
    """`0` is success."""


class Slapd:
    """slapd as a child process. A context manager; `stop` is safe to call twice."""

    def __init__(
        self,
        ldif: str = "",
        *,
        default_policy: bool = True,
        ppolicy: bool = True,
        extra: str = "",
        limits: str = "",
        password_rule: str | None = None,
        port: int | None = None,
        bulk_ldif: str = "",
        tls: tuple[Path, Path, Path] | None = None,
        folder: Path | None = None,
    ) -> None:
        """`ldif` is loaded over LDAP (memberOf is filled), `bulk_ldif` by slapadd before the start (fast, it is not).

        `default_policy` False leaves ppolicy loaded without any policy that applies. `limits` are `limits` lines of
        slapd.conf, `password_rule` its access line for userPassword, `extra` any other lines for the database. `tls`
        is (CA, certificate, key) and opens ldaps too.
        """
        self.binary = shutil.which("slapd") or "/usr/sbin/slapd"
        if not Path(self.binary).exists() or not (MODULES / "ppolicy.so").exists():
            raise ServerMissing("slapd is not here: apt-get install slapd slapd-contrib ldap-utils")
        self._own_folder = folder is None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="slapd-"))
        self.port = port or free_port()
        self.tls_port = free_port() if tls else 0
        self._ldif, self._bulk = ldif, bulk_ldif
        self._default_policy, self._ppolicy = default_policy, ppolicy
        self._password_rule = password_rule or f'{_PASSWORD_RULE} by dn.exact="{LASTDAY_DN}" manage {_OTHERS}'
        self._extra, self._limits, self._tls = extra, limits, tls
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def tls_url(self) -> str:
        return f"ldaps://127.0.0.1:{self.tls_port}"

    def __enter__(self) -> "Slapd":
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self) -> "Slapd":
        """The server answers and holds the tree. A second start after `stop(keep=True)` keeps the data."""
        fresh = not (self.folder / "data").exists()
        if fresh:
            for name in ("data", "log"):
                (self.folder / name).mkdir(parents=True, mode=0o700)
            (self.folder / "slapd.conf").write_text(self._configuration(), encoding="utf-8")
            self._slapadd(_tree() + self._bulk)
        self._launch()
        if fresh and self._ldif:
            self.add(self._ldif)
        return self

    def stop(self, *, keep: bool = False) -> None:
        """The process is ended; its folder is gone unless it is to be kept."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if not keep and self._own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def add(self, ldif: str) -> None:
        """The entries of `ldif` exist. Raises CalledProcessError with what the server said."""
        self._client("ldapadd", ldif)

    def modify(self, ldif: str) -> None:
        """The changes of `ldif` are made, by the rootdn: somebody other than us."""
        self._client("ldapmodify", ldif)

    def search(
        self, text: str = "(objectClass=*)", *attributes: str, base: str = BASE, scope: str = "sub"
    ) -> list[Entry]:
        """What ldapsearch shows to the rootdn, user and operational attributes unless some are named."""
        wanted = attributes or ("*", "+")
        arguments = ["ldapsearch", "-LLL", "-o", "ldif-wrap=no", *self._as_root(), "-b", base, "-s", scope, text]
        done = subprocess.run([*arguments, *wanted], capture_output=True, text=True, check=False)
        if done.returncode == 32:
            return []
        done.check_returncode()
        return _entries(done.stdout)

    def one(self, text: str, *attributes: str) -> Entry:
        """The only entry that matches; an AssertionError where there is another number of them."""
        found = self.search(text, *attributes)
        assert len(found) == 1, f"{len(found)} entries match {text}"
        return found[0]

    def can_bind(self, dn: str, password: str) -> bool:
        """A simple bind by the ldapwhoami binary got in; False is `invalidCredentials`, anything else raises."""
        arguments = ["ldapwhoami", "-x", "-H", self.url, "-D", dn, "-w", password]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 49):
            done.check_returncode()
        return done.returncode == 0

    def writes(self, *, by: str | None = None) -> list[Write]:
        """Every write since the start that slapd itself recorded, in order; `by` names one author's only."""
        found = self.search("(objectClass=auditWriteObject)", base=LOG_SUFFIX, scope="one")
        records = [_write(entry) for entry in sorted(found, key=lambda entry: entry["reqStart"][0])]
        return [record for record in records if by is None or record.author.lower() == by.lower()]

    def _client(self, program: str, ldif: str) -> None:
        arguments = [program, *self._as_root()]
        done = subprocess.run(arguments, input=ldif, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{program}: {done.stderr}"

    def _as_root(self) -> Sequence[str]:
        return ("-x", "-H", self.url, "-D", ROOT_DN, "-w", ROOT_PASSWORD)

    def _slapadd(self, ldif: str) -> None:
        program = [self.binary, "-T", "add", "-q", "-f", str(self.folder / "slapd.conf"), "-b", BASE]
        done = subprocess.run(program, input=ldif, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"slapadd: {done.stderr}"

    def _launch(self) -> None:
        listeners = self.url + (f" {self.tls_url}" if self._tls else "")
        program = [self.binary, "-d", "0", "-h", listeners, "-f", str(self.folder / "slapd.conf")]
        with (self.folder / "slapd.out").open("ab") as out:
            self._process = subprocess.Popen(program, stdout=out, stderr=out, env=os.environ | {"LC_ALL": "C.UTF-8"})
        deadline = time.monotonic() + 20
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = (self.folder / "slapd.out").read_text(errors="replace")
                self.stop()
                raise AssertionError(f"slapd did not start: {said}")
            time.sleep(0.02)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _configuration(self) -> str:
        schemas = "".join(f"include {SCHEMA}/{name}.schema\n" for name in _SCHEMAS)
        modules = "".join(f"moduleload {name}\n" for name in _MODULES)
        policy = f"ppolicy_default cn=default,ou=policies,{BASE}\n" if self._default_policy else ""
        ppolicy = f"overlay ppolicy\n{policy}ppolicy_use_lockout\n" if self._ppolicy else ""
        tls = ""
        if self._tls:
            names = ("TLSCACertificateFile", "TLSCertificateFile", "TLSCertificateKeyFile")
            tls = "".join(f"{name} {path}\n" for name, path in zip(names, self._tls, strict=True))
        return _CONFIGURATION.format(
            schemas=schemas,
            modules=modules,
            ppolicy=ppolicy,
            tls=tls,
            folder=self.folder,
            base=BASE,
            root=ROOT_DN,
            password=ROOT_PASSWORD,
            lastday=LASTDAY_DN,
            people=PEOPLE,
            groups=GROUPS,
            log=LOG_SUFFIX,
            limits=self._limits,
            password_rule=self._password_rule,
            extra=self._extra,
        )


_PASSWORD_RULE = "access to attrs=userPassword"
_OTHERS = "by self write by anonymous auth by * none"
_SCHEMAS = ("core", "cosine", "inetorgperson", "nis")
_MODULES = ("back_mdb", "memberof", "refint", "accesslog", "ppolicy", "syncprov")
_CONFIGURATION = """\
modulepath /usr/lib/ldap
{modules}{schemas}pidfile {folder}/slapd.pid
argsfile {folder}/slapd.args
{tls}
database mdb
suffix {log}
rootdn {root}
directory {folder}/log
maxsize 268435456
dbnosync
index objectClass,reqStart eq
limits * size=unlimited

database mdb
suffix {base}
rootdn {root}
rootpw {password}
directory {folder}/data
maxsize 268435456
dbnosync
index objectClass,entryUUID,uid,cn,mail,employeeNumber,member,uniqueMember,memberUid eq
{limits}
limits dn.exact="{lastday}" size.soft=unlimited size.hard=unlimited size.prtotal=unlimited
{password_rule}
access to dn.subtree="{people}" by dn.exact="{lastday}" write by * read
access to dn.subtree="{groups}" by dn.exact="{lastday}" write by * read
access to * by * read
{extra}
overlay memberof
memberof-group-oc groupOfNames
memberof-member-ad member
overlay refint
refint_attributes member uniqueMember
refint_nothing cn=nobody
{ppolicy}
overlay accesslog
logdb {log}
logops writes
logsuccess FALSE
"""


def _tree() -> str:
    """The bare tree: units, Lastday's own account and one password policy that locks."""
    return f"""\
dn: {BASE}
objectClass: dcObject
objectClass: organization
dc: northwind
o: Northwind Robotics

dn: {PEOPLE}
objectClass: organizationalUnit
ou: people

dn: {GROUPS}
objectClass: organizationalUnit
ou: groups

dn: ou=policies,{BASE}
objectClass: organizationalUnit
ou: policies

dn: cn=default,ou=policies,{BASE}
objectClass: organizationalRole
objectClass: pwdPolicy
cn: default
pwdAttribute: userPassword
pwdLockout: TRUE
pwdMaxFailure: 100

dn: {LASTDAY_DN}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: lastday
userPassword: {LASTDAY_PASSWORD}

"""


def ldif_entry(dn: str, **attributes: str | Sequence[str]) -> str:
    """One entry as LDIF, every value in base64, so that no value can be read as anything else (RFC 2849)."""
    lines = [f"dn:: {_b64(dn)}"]
    for name, given in attributes.items():
        values = [given] if isinstance(given, str) else given
        lines += [f"{name}:: {_b64(value)}" for value in values]
    return "\n".join(lines) + "\n\n"


def person(uid: str, number: str, *, name: str = "", password: str | None = None, **more: str | Sequence[str]) -> str:
    """An inetOrgPerson under ou=people as LDIF; `uid` must need no escaping."""
    full = name or uid.replace(".", " ").title()
    if password is not None:
        more["userPassword"] = password
    return ldif_entry(
        f"uid={uid},{PEOPLE}",
        objectClass=("top", "person", "organizationalPerson", "inetOrgPerson"),
        uid=uid,
        cn=full,
        sn=full.split()[-1],
        displayName=full,
        mail=f"{uid}@northwind.example",
        employeeNumber=number,
        **more,
    )


def group(name: str, members: Sequence[str], *, kind: str = "groupOfNames") -> str:
    """A group under ou=groups as LDIF; members are uids, or whole DNs where they have a `=`."""
    dns = [member if "=" in member else f"uid={member},{PEOPLE}" for member in members]
    attribute = {"groupOfNames": "member", "groupOfUniqueNames": "uniqueMember"}[kind]
    return ldif_entry(f"cn={name},{GROUPS}", objectClass=("top", kind), cn=name, **{attribute: dns})


def posix_group(name: str, gid: int, uids: Sequence[str]) -> str:
    """A posixGroup under ou=groups as LDIF."""
    more = {"memberUid": list(uids)} if uids else {}
    return ldif_entry(f"cn={name},{GROUPS}", objectClass=("top", "posixGroup"), cn=name, gidNumber=str(gid), **more)


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _entries(ldif: str) -> list[Entry]:
    found = []
    for block in ldif.strip().split("\n\n"):
        lines = [_line(line) for line in block.splitlines() if line and not line.startswith("#")]
        if not lines:
            continue
        attributes: dict[str, list[str]] = {}
        for name, value in lines[1:]:
            attributes.setdefault(name.lower(), []).append(value)
        found.append(Entry(lines[0][1], attributes))
    return found


def _line(line: str) -> tuple[str, str]:
    name, _, rest = line.partition(":")
    if rest.startswith(":"):
        return name, base64.b64decode(rest[1:].strip()).decode(errors="replace")
    return name, rest.removeprefix(" ")


def _write(entry: Entry) -> Write:
    changes = tuple(entry["reqMod"]) + tuple(entry["reqNewRDN"])
    return Write(entry["reqType"][0], entry["reqDN"][0], entry["reqAuthzID"][0], changes, entry["reqResult"][0])
