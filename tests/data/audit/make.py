"""Makes the pairs of files in this folder, and for each the truth: `python tests/data/audit/make.py [FOLDER]`.

Nothing here knows how the audit works. `decidable` is worked out from how the files were made: whether what stands in
them is enough for a careful person to name the owner.
"""

import csv
import hashlib
import io
import sys
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

AT = date(2026, 11, 24)
DAY = timedelta(days=1)


class Dice:
    """The same throws for the same seed, on every machine and version."""

    def __init__(self, seed):
        self.seed, self.count = seed, 0

    def below(self, limit):
        self.count += 1
        return int.from_bytes(hashlib.sha256(f"{self.seed}/{self.count}".encode()).digest()[:6], "big") % limit

    def pick(self, values):
        return values[self.below(len(values))]

    def chance(self, percent):
        return self.below(100) < percent


@dataclass
class Somebody:
    number: str
    given: str
    family: str
    begins: date
    ends: date | None = None
    nick: str = ""
    mail: str = ""
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def left(self):
        return self.ends is not None and self.ends < AT


TRUTH = ("native_id", "owner", "decidable", "still_in", "personal")


def listed(text):
    """The parts between bars."""
    return [" ".join(part.split()) for part in text.split("|")]


def plain(text, umlauts=False):
    if umlauts:
        text = text.translate(str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"}))
    text = (
        text.replace("ß", "ss")
        .replace("ł", "l")
        .replace("Ł", "L")
        .replace("đ", "d")
        .replace("Đ", "D")
        .replace("ø", "o")
    )
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return "".join(c for c in bare.lower() if c.isalnum())


def table(rows, delimiter=",", encoding="utf-8"):
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode(encoding)


def crowd(dice, count, givens, families, number, years=9):
    """People with different whole names: same ones are made by hand where a pair needs them."""
    people: list[Somebody] = []
    seen = set()
    while len(people) < count:
        given, family = dice.pick(givens), dice.pick(families)
        if (given, family) in seen:
            continue
        seen.add((given, family))
        begins = AT - DAY * (200 + dice.below(365 * years))
        ends = AT - DAY * (2 + dice.below(190)) if dice.chance(22) else None
        if ends is None and dice.chance(15):
            ends = AT + DAY * (1 + dice.below(300))
        people.append(Somebody(number(len(people)), given, family, begins, ends))
    return people


def last_use(dice, one, span):
    """Some day in the last `span` days that the person was here."""
    return max(one.begins + DAY, (one.ends if one.left else AT) - DAY * (1 + dice.below(span)))


def truth_row(native, owner, decidable, enabled, personal=True):
    still = owner is not None and owner.left and enabled
    return (native, owner.number if owner else "", *("yes" if one else "no" for one in (decidable, still, personal)))


DE_GIVEN = listed(
    """Hans|Jürgen|Käthe|Björn|Anke|Uwe|Sören|Jörg|Heike|Günter|Zoë|Bärbel|Marlene|Torsten|Ilse|Dörte|Knut|Rüdiger|Elke
    |Maik"""
)
DE_FAMILY = listed(
    """Müller|Weiß|Schröder|Groß|Jäger|Köhler|Schäfer|Größer|Lüdemann|Ottensmeyer|Brandt|Kühn|Hußmann|Pohl|Vogt|Zöllner
    |Hübner|Krämer|Böhm|Würfel|Sauer|Quandt|Thiel|Ebert|Rösler|Nägele|Stöckl|Wolff|Reuß|Dörfler|von der Heide
    |Meyer-Lüders|zu Guttenberg"""
)


def german():
    """SAP-like: cp1252, semicolons, DD.MM.YYYY, no mails; logins of initial and last name; half of them show names."""
    dice = Dice("german")
    people = crowd(dice, 130, DE_GIVEN, DE_FAMILY, lambda n: f"{40017 + 13 * n:08d}")
    heading = ("Personalnummer", "Nachname", "Vorname", "Eintrittsdatum", "Austrittsdatum", "Kostenstelle", "Abteilung")
    areas = ("Einkauf", "Vertrieb", "Lager", "Finanzen")
    rows = [heading]
    for one in people:
        one.extra["area"] = dice.pick(areas)
        end = f"{one.ends:%d.%m.%Y}" if one.ends else ("31.12.9999" if dice.chance(50) else "")
        begins, place = f"{one.begins:%d.%m.%Y}", f"K{dice.below(900)}"
        rows.append((one.number, one.family, one.given, begins, end, place, one.extra["area"]))
    base = {one.number: plain(one.given)[0] + plain(one.family.split("-")[0], umlauts=True) for one in people}
    shared = Counter(base.values())
    used: Counter[str] = Counter()
    accounts, truth = [("Benutzer", "Anzeigename", "Gesperrt", "Letzte Anmeldung", "Lizenz")], []
    for one in people:
        if dice.chance(25):
            used[base[one.number]] += 1
            continue
        used[base[one.number]] += 1
        login = base[one.number] + (str(used[base[one.number]]) if used[base[one.number]] > 1 else "")
        locked = one.left and dice.chance(35)
        last = last_use(dice, one, 150)
        named = dice.chance(55)
        shown = f"{one.family}, {one.given}" if named else ""
        accounts.append((login, shown, "ja" if locked else "nein", f"{last:%d.%m.%Y}", dice.pick(("Voll", "Leser"))))
        truth.append(truth_row(login, one, named or shared[base[one.number]] == 1, not locked))
    for login, shown in (("svc_druck", ""), ("schnittstelle-bot", ""), ("test01", "Test Benutzer")):
        accounts.append((login, shown, "nein", "23.11.2026", "Voll"))
        truth.append(truth_row(login, None, True, True, personal=False))
    for login, shown in (("pxanthos", "Xanthos, Petros"), ("wkowalke", ""), ("hmuster", "Muster, Herta")):
        accounts.append((login, shown, "nein", "02.02.2026", "Leser"))
        truth.append(truth_row(login, None, True, True))
    return table(rows, ";", "cp1252"), table(accounts, ";", "cp1252"), truth


FR_GIVEN = listed("María|Élodie|François|Anaïs|José|Zoé|Benoît|Inés|Ángel|Noémie|Raúl|Hélène|Iñaki|Céline|Óscar|Maëlle")
FR_FAMILY = listed(
    """García López|Lefèvre|Núñez|Dupré|Fernández Ruiz|Béranger|Muñoz|Chevalier|de la Cruz|Le Goff|Ibáñez|Garnier|Peña
    |Rodríguez Gil|Gauthier|da Silva|Mérimée|Sanz|Delacroix|Ortiz"""
)


def matricule():
    """Family first in capitals, one name column; logins end in four digits of the number; `suspendido` inverted."""
    dice = Dice("matricule")
    numbers = sorted({f"{1000 + dice.below(9000)}" for _ in range(130)})[:110]
    people = crowd(dice, 110, FR_GIVEN, FR_FAMILY, lambda n: f"00{7 + n % 2}{numbers[n]}")
    rows = [("Matricule", "Nom Prénom", "Date d'entrée", "Date de sortie", "Établissement", "Date de naissance")]
    for one in people:
        end = f"{one.ends:%d/%m/%Y}" if one.ends else ""
        born = date(1960, 1, 1) + DAY * dice.below(15000)
        name = f"{one.family.upper()} {one.given}"
        rows.append(
            (one.number, name, f"{one.begins:%d/%m/%Y}", end, dice.pick(("Lyon", "Bilbao")), f"{born:%d/%m/%Y}")
        )
    accounts, truth = [("Usuario", "Suspendido", "Último acceso", "Licencia")], []
    for one in people:
        if dice.chance(20):
            continue
        login = f"{plain(one.given)[0]}{plain(one.family)[0]}{one.number[-4:]}"
        suspended = one.left and dice.chance(30)
        last = last_use(dice, one, 130)
        accounts.append((login, "sí" if suspended else "no", f"{last:%d/%m/%Y}", dice.pick(("Pro", "Básica"))))
        truth.append(truth_row(login, one, True, not suspended))
    taken = {one.number[-4:] for one in people}
    free = [f"xk{n}" for n in range(2001, 9000, 997) if str(n) not in taken]
    strangers = [*free[:4], f"xw{people[3].number[-4:]}"]
    for login in (*strangers, "noreply", "api-nominas"):
        accounts.append((login, "no", "20/11/2026", "Pro"))
        truth.append(truth_row(login, None, True, True, personal=login in strangers))
    return table(rows, ";", "utf-8-sig"), table(accounts), truth


US_GIVEN = {
    "Robert": "Bob", "William": "Bill", "Elizabeth": "Liz", "Michael": "Mike", "Jennifer": "Jen", "Thomas": "Tom",
    "Katherine": "Kate", "Daniel": "Dan", "Margaret": "Peggy", "Christopher": "Chris", "Denise": "", "Omar": "",
    "Priyanka": "", "Keisha": "", "Tyrone": "", "Ling": "", "Alejandra": "", "Siobhan": "",
}  # fmt: skip
US_FAMILY = listed(
    """Miller|Johnson|Nguyen|Washington|O'Brien|Patel|Garcia-Lopez|Smith|Kim|Anderson|Thompson|Rivera|Chen|Brooks|Foster
    |Hughes|Castillo|Murphy|Grant|Okafor"""
)


def workday():
    """MM/DD/YYYY, several engagements, nicknames, initial + last name + digits, logins used again, contractors."""
    dice = Dice("workday")
    people = crowd(dice, 150, sorted(US_GIVEN), US_FAMILY, lambda n: f"{210000 + 7 * n}")
    heading = ("Employee ID", "Legal First Name", "Legal Last Name", "Worker Type", "Hire Date", "Termination Date",
               "Worker Status", "Business Title", "Primary Work Email", "Manager Employee ID")  # fmt: skip
    rows = [heading]
    used: Counter[str] = Counter()
    titles = ("Analyst", "Engineer", "Recruiter", "Account Executive")
    for at, one in enumerate(people):
        base = plain(one.given)[0] + plain(one.family)
        used[base] += 1
        one.extra["login"] = base + (str(used[base]) if used[base] > 1 else "")
        one.mail = f"{one.extra['login']}@acme.example"
        one.nick = US_GIVEN[one.given]
        one.extra["title"] = dice.pick(titles)
        kind = "Contingent Worker" if at % 6 == 0 else "Employee"
        status = "Terminated" if one.left and kind == "Employee" else "Active"
        boss = people[dice.below(150)].number
        start, end = f"{one.begins:%m/%d/%Y}", f"{one.ends:%m/%d/%Y}" if one.ends else ""
        rows.append((one.number, one.given, one.family, kind, start, end, status, one.extra["title"], one.mail, boss))
        if at % 11 == 3:  # an earlier contract of the same person
            old = one.begins - DAY * 30
            rows.append((one.number, one.given, one.family, "Contingent Worker", f"{old - DAY * 400:%m/%d/%Y}",
                         f"{old:%m/%d/%Y}", "Terminated", "Analyst", one.mail, boss))  # fmt: skip
    accounts = [("User Name", "Full Name", "Email", "Active", "Last Login", "Created", "Title", "License")]
    truth, names = [], Counter(f"{one.given} {one.family}" for one in people)
    shown_as = Counter(f"{one.nick or one.given} {one.family}" for one in people)
    for one in people:
        if dice.chance(15):
            continue
        on = not (one.left and dice.chance(30))
        last = last_use(dice, one, 140)
        nick = bool(one.nick) and dice.chance(40)
        shown = f"{one.nick if nick else one.given} {one.family}"
        mail = one.mail if dice.chance(60) else ""
        sure = bool(mail) or (names[shown] == 1 or shown_as[shown] == 1)
        accounts.append((one.extra["login"], shown, mail, "TRUE" if on else "FALSE", f"{last:%m/%d/%Y} 4:05 PM",
                         f"{one.begins:%m/%d/%Y}", one.extra["title"], dice.pick(("Full", "Viewer"))))  # fmt: skip
        truth.append(truth_row(one.extra["login"], one, sure, on))
    _used_again(rows, accounts, truth)
    for login, shown in (("jenkins-ci", "Jenkins"), ("svc.sync", "Directory Sync"), ("noreply", "No Reply")):
        accounts.append((login, shown, f"{login}@acme.example", "TRUE", "11/23/2026 1:00 AM", "01/02/2020", "", "Full"))
        truth.append(truth_row(login, None, True, True, personal=False))
    private = (
        "bob",
        "Bob Miller",
        "bob.miller77@gmail.example",
        "TRUE",
        "11/20/2026 9:00 AM",
        "02/03/2026",
        "",
        "Viewer",
    )
    agency = ("studio", "Jo Pixel", "jo@studio-nine.example", "TRUE", "11/01/2025 9:00 AM", "02/03/2024", "", "Full")
    for row in (private, agency):
        accounts.append(row)
        truth.append(truth_row(row[0], None, True, True))
    return table(rows), table(accounts), truth


def _used_again(rows, accounts, truth):
    """Two logins that were given twice: one is still the leaver's, one is the newcomer's; and two of one name."""
    left = Somebody("219001", "Wendell", "Zimmer", date(2020, 1, 6), date(2026, 8, 14))
    new = Somebody("219002", "Wanda", "Zimmer", date(2026, 9, 1))
    gone = Somebody("219003", "Yusuf", "Quill", date(2019, 3, 4), date(2025, 5, 30))
    fresh = Somebody("219004", "Yolanda", "Quill", date(2025, 7, 7))
    twins = [
        Somebody("219005", "Grace", "Adler", date(2021, 5, 3)),
        Somebody("219006", "Grace", "Adler", date(2022, 5, 2)),
    ]
    for one in (left, new, gone, fresh, *twins):
        end = f"{one.ends:%m/%d/%Y}" if one.ends else ""
        status = "Terminated" if one.ends else "Active"
        mail = "" if one in twins else f"{plain(one.given)[0]}{plain(one.family)}@acme.example"
        rows.append(
            (one.number, one.given, one.family, "Employee", f"{one.begins:%m/%d/%Y}", end, status, "Analyst", mail, "")
        )
    for login, owner, last, made, sure in (
        ("wzimmer", left, "08/01/2026 8:00 AM", "01/06/2020", True),
        ("yquill", fresh, "11/20/2026 8:00 AM", "07/07/2025", True),
        ("gadler", twins[0], "11/20/2026 8:00 AM", "05/03/2021", False),
        ("gadler2", twins[1], "11/20/2026 8:00 AM", "05/02/2022", False),
    ):
        shown = "Grace Adler" if owner in twins else ""
        mail = "" if owner in twins else f"{login}@acme.example"
        accounts.append((login, shown, mail, "TRUE", last, made, "Analyst", "Full"))
        truth.append(truth_row(login, owner, sure, True))


PT_GIVEN = listed("João|Inês|Otávio|Łucja|Małgorzata|Đorđe|Luís|Conceição|Wojciech|Tomé|Agnieszka|Graça|Rui|Zbigniew")
PT_FAMILY = listed(
    "da Silva|Gonçalves|Kowalska|Łukasik|dos Santos|Araújo|Wójcik|Magalhães|Conceição|Żak|Pereira|Brandão"
)


def alias():
    """Portuguese people, Polish accounts: an alias domain, plus addresses, numbers under a heading that is none."""
    dice = Dice("alias")
    people = crowd(dice, 90, PT_GIVEN, PT_FAMILY, lambda n: f"BR-{3001 + 17 * n}")
    rows = [("Matrícula", "Nome", "Sobrenome", "E-mail corporativo", "Situação", "Data de admissão", "Cargo")]
    taken: Counter[str] = Counter()
    for one in people:
        local = f"{plain(one.given)}.{plain(one.family)}"
        taken[local] += 1
        one.mail = f"{local}{taken[local] if taken[local] > 1 else ''}@fabrica.example"
        state = "Desligado" if one.left else dice.pick(("Ativo", "Ativo", "Em licença"))
        rows.append((one.number, one.given, one.family, one.mail, state, f"{one.begins:%Y-%m-%d}", "Analista"))
    accounts, truth = [("Identyfikator", "Adres e-mail", "Ref", "Stan", "Ostatnie logowanie")], []
    for at, one in enumerate(people):
        if dice.chance(20):
            continue
        off = one.left and dice.chance(40)
        local = one.mail.partition("@")[0]
        mail = dice.pick((one.mail.upper(), f"{local}@fabrica-group.example", f"{local}+crm@fabrica.example", ""))
        ref = one.number if not mail or dice.chance(30) else ""
        last = last_use(dice, one, 200)
        accounts.append((f"a{7000 + at}", mail, ref, "zablokowany" if off else "aktywny", f"{last:%Y-%m-%d}"))
        truth.append(truth_row(f"a{7000 + at}", one, True, not off))
    for at, mail in enumerate(("ola@agencja.example", "kontakt@studio.example"), 9001):
        accounts.append((f"a{at}", mail, "", "aktywny", "2026-01-05"))
        truth.append(truth_row(f"a{at}", None, True, True))
    return table(rows), table(accounts, "\t"), truth


PAIRS = {"german": german, "matricule": matricule, "workday": workday, "alias": alias}


def write(folder):
    """Every pair with its truth stands in `folder`."""
    for name, make in PAIRS.items():
        people, accounts, truth = make()
        place = Path(folder) / name
        place.mkdir(parents=True, exist_ok=True)
        (place / "people.csv").write_bytes(people)
        (place / "accounts.csv").write_bytes(accounts)
        (place / "truth.csv").write_bytes(table([TRUTH, *truth]))


if __name__ == "__main__":
    write(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)
