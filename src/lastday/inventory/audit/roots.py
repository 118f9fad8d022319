"""Words that make an unknown heading likely to mean something, where every value under it agrees."""

from collections.abc import Mapping, Sequence

from lastday.inventory.audit.fields import AccountField, PersonField
from lastday.inventory.audit.text import listed

_LAST = listed("last letzte letzter letztes zuletzt ultimo ultima dernier derniere laatste laatst ostatnie ostatnia")
_STATUS = listed("status state statut etat estado situacao situacion stato stan zustand lage")
_MAIL = listed("mail email mailadres courriel correo emailadres mailadresse mel")
_CREATED = listed(
    """created creation added registered erstellt angelegt cree creado creada criado criada creato aangemaakt
    utworzono utworzenia creacion criacao creazione onboarded provisioned"""
)
_END = listed(
    """end ends ended ending exit exited leave leaves leaving left leaver separation separated departure departed
    terminated termination terminates offboarding expiry expires austritt austritts ausgeschieden ausscheiden ende
    beendigung vertragsende sortie depart fin baja salida cese termino saida demissao desligamento rescisao uitdienst
    einde eind vertrek ontslag cessazione fine uscita dimissioni rozwiazania zakonczenia zwolnienia odejscia
    wygasniecia"""
)
_START = listed(
    """start starts started hire hired entry join joined joining begin begins begun onboarding eintritt eintritts
    einstellung beginn entree embauche debut alta ingreso inicio admissao contratacion assunzione inizio zatrudnienia
    rozpoczecia poczatek indienst aanvang"""
)
_WHO = listed(
    """employee emp empl worker staff personnel personal associate mitarbeiter employe salarie empleado
    trabajador funcionario colaborador werknemer medewerker personeel dipendente pracownika pracownik payroll hr"""
)
_NUMBERED = listed("id nr no num number nummer numero numer code codigo codice identyfikator identifiant identifier n")
_NO_END = listed("reason grund motivo motif motyw reden notice kundigung pay position job")
FOUND_BY_ROOT = 0.72


def speaks_of(field: PersonField | AccountField, parts: Sequence[str]) -> bool:
    """Some words of a heading are of those for `field`.

    >>> speaks_of(PersonField.END, ("data", "rozwiazania", "umowy")), speaks_of(PersonField.END, ("leaving", "reason"))
    (True, False)
    """
    own = set(parts)
    if field in (PersonField.NUMBER, AccountField.NUMBER):
        return bool(own & _WHO and own & _NUMBERED)
    return bool(own & _ROOTS.get(field, frozenset())) and not own & _NO_END


_ROOTS: Mapping[PersonField | AccountField, frozenset[str]] = {
    PersonField.END: _END,
    PersonField.START: _START,
    PersonField.STATUS: _STATUS,
    PersonField.MAIL: _MAIL,
    AccountField.MAIL: _MAIL,
    AccountField.STATUS: _STATUS,
    AccountField.USED: _LAST,
    AccountField.CREATED: _CREATED,
}
