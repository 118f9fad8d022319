"""Words that say an account is a machine's or a team's."""

import re

from lastday.inventory.audit.accounts import Account, split_mail
from lastday.inventory.audit.text import listed, squashed, words

_MACHINE = listed(
    """bot bots robot svc srv service services svcacct api apikey noreply donotreply reply test tester testing demo
    system integration integrations automation automations automated sync backup backups monitor monitoring jenkins
    gitlab github ci cicd cron daemon shared kiosk scanner scan printer webhook connector agent import export
    migration deploy deployment root postmaster mailer alerts alert notification notifications dienstkonto technik
    sammelkonto funktion servicio servico servizio usluga prueba essai teste dummy template sandbox"""
)
"""One of these among the words of a login makes it no person's."""
_TEAM = listed(
    """info beheer support sales team office hr admin administrator administration marketing finance helpdesk contact
    mail billing accounts accounting invoices invoice buchhaltung rechnung empfang reception recepcion accueil
    marketingteam design jobs careers press presse vertrieb kontakt contabilidad compras ventas comptabilite
    administracion meetingroom room raum sala salle it security datenschutz privacy dpo group operations legal ops
    dev engineering guest gast
    hello"""
)
"""A login of only such words (and numbers) is a team's mailbox."""
_KINDS = listed(
    "service bot shared robot integration machine system application technical funktionskonto room resource"
)
_OUTSIDE = re.compile(
    r"(?:^(?:ext|extern|external|con|contractor|x|v|c)[-_.](?P<after>.{3,})$)|(?:^(?P<before>.+)[-_.](?:ext|extern|external|con)$)"
)
_ADMIN = re.compile(r"(?:^(?:adm|admin|priv|da)[-_.](?P<after>.+)$)|(?:^(?P<before>.+)[-_.](?:adm|admin|priv|da)$)")


def speaks_of_no_person(account: Account, *, foreign: bool) -> str:
    """The word that says the account is a machine's or a team's; empty where none does.

    What is `foreign` (its mail is another company's) is nobody's team here: only words for machines count.
    """
    if any(word in _KINDS for word in words(account.kind)):
        return account.kind
    texts = [account.login] if account.login else [split_mail(mail)[0] for mail in account.mails[:1]]
    return next((word for text in (*texts, account.shown_name) if (word := _telling(text, foreign=foreign))), "")


def _telling(text: str, *, foreign: bool) -> str:
    parts = [word for word in words(text) if not word.isdigit()]
    if squashed(text).startswith(("noreply", "donotreply")):
        return "noreply"
    machine = next((word for word in parts if word.rstrip("0123456789") in _MACHINE), "")
    if machine or foreign:
        return machine
    return " ".join(parts) if parts and all(part.rstrip("0123456789") in _TEAM for part in parts) else ""


def admin_of(login: str) -> str:
    """The login that an administrator's second account is made of; empty where it is none.

    >>> admin_of("adm-mweber"), admin_of("mweber")
    ('mweber', '')
    """
    match = _ADMIN.match(login)
    return "" if match is None else match["after"] or match["before"]


def base_login(login: str) -> str:
    """A login without what marks administrators' second accounts or people from outside.

    >>> base_login("ext-mweber"), base_login("adm.mweber"), base_login("m.weber")
    ('mweber', 'mweber', 'm.weber')
    """
    bare = admin_of(login) or login
    match = _OUTSIDE.match(bare)
    return bare if match is None else match["after"] or match["before"]
