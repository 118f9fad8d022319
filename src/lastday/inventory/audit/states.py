"""Words for yes and no, for working here and gone, for an account that is on or off, in eight languages."""

from enum import StrEnum
from functools import lru_cache

from lastday.inventory.audit.text import squashed, words


class Work(StrEnum):
    """What a status says of an engagement."""

    ACTIVE = "active"
    LEAVE = "leave"
    FUTURE = "future"
    ENDED = "ended"


def _set(text: str) -> frozenset[str]:
    return frozenset(squashed(part) for part in text.split("|"))


_TRUE = _set("yes | y | true | t | 1 | ja | j | oui | o | si | s | sim | verdadero | verdadeiro | vero | wahr"
" | vrai | waar"
             " | tak | x | on")  # fmt: skip
_FALSE = _set("no | n | false | f | 0 | nein | non | nao | nee | nie | falso | falsch | faux | onwaar | falsz | off")
_ENABLED = _set(
    "active | enabled | aktiv | actif | active user | activo | activa | ativo | ativa | attivo | attiva"
    " | actief | aktywny | aktywna"
    " | aktywne | invited | pending | provisioned | staged | recovery | locked | locked out | password expired"
    " | habilitado | habilitada | aktiviert | freigeschaltet | active member | confirmed | ingeschakeld"
    " | abilitato | wlaczony"
    " | open | ok | registered | verrouille | password reset | member | guest"
)
_DISABLED = _set(
    "inactive | disabled | suspended | deactivated | deprovisioned | blocked | archived | deleted | closed"
    " | revoked | removed"
    " | terminated | expired | gesperrt | deaktiviert | inaktiv | geloscht | archiviert | desactive"
    " | desactivee | suspendu"
    " | suspendue | bloque | bloquee | inactif | inactive | supprime | archive | suspendido | suspendida"
    " | bloqueado"
    " | bloqueada | desactivado | desactivada | inactivo | inactiva | deshabilitado | eliminado | desativado"
    " | inativo"
    " | suspenso | excluido | sospeso | disattivato | bloccato | disabilitato | inattivo | eliminato | geblokkeerd"
    " | uitgeschakeld | inactief | gedeactiveerd | verwijderd | zablokowany | zawieszony | wylaczony | nieaktywny"
    " | usuniety | off | left | ended"
)
_HERE = _set(
    "active | aktiv | actif | active employee | activo | activa | ativo | ativa | attivo | attiva | actief"
    " | aktywny | aktywna | employed"
    " | working | current | beschaftigt | angestellt | en poste | present | presente | in dienst | in forza"
    " | zatrudniony"
    " | en activo | alta | de alta | contratado | in service | regular | full time | part time | permanent"
    " | notice | on notice"
    " | gekundigt | en preavis"
)
_LEAVE = _set(
    "leave | on leave | paid leave | unpaid leave | parental leave | maternity leave | leave of absence"
    " | absent | sabbatical"
    " | suspended | furlough | dormant | garden leave | beurlaubt | elternzeit | mutterschutz | ruhend"
    " | freigestellt | conge"
    " | en conge | conge parental | suspendu | excedencia | baja medica | licencia | de licencia | afastado"
    " | licenca"
    " | em licenca | ferias | met verlof | verlof | in aspettativa | aspettativa | in congedo | urlop | na urlopie"
    " | urlop macierzynski"
)
_FUTURE = _set(
    "preboarding | pre boarding | onboarding | prehire | pre hire | pre start | future | future hire | not started"
    " | pending start | hired | zukunftig | kunftig | noch nicht eingetreten | futur | a venir | pendiente"
    " | pendiente de alta"
    " | futuro | toekomstig | przyszly | offer accepted | pending hire"
)
_ENDED = _set(
    "terminated | inactive | left | leaver | ended | former | former employee | resigned | retired | deceased"
    " | dismissed"
    " | separated | exited | discarded | gone | departed | alumni | no longer employed | not employed | quit"
    " | laid off"
    " | contract ended | no show | ausgeschieden | ausgetreten | inaktiv | beendet | verrentet | pensioniert"
    " | entlassen"
    " | ehemalig | ehemaliger | verstorben | sorti | sortie | parti | partie | inactif | inactive | quitte"
    " | termine"
    " | demissionne | licencie | retraite | fin de contrat | inactivo | inactiva | baja | de baja | cesado"
    " | despedido"
    " | jubilado | finalizado | terminado | baja voluntaria | baja definitiva | inativo | desligado"
    " | demitido | saiu"
    " | rescindido | aposentado | cessado | cessato | dimesso | inattivo | licenziato | uscito | uit dienst"
    " | inactief"
    " | vertrokken | ontslagen | zwolniony | nieaktywny | odszedl | zakonczony | rozwiazana | byly pracownik"
)
_CODES = {
    **dict.fromkeys("a", Work.ACTIVE),
    **dict.fromkeys("upsdf", Work.LEAVE),
    **dict.fromkeys("orti", Work.ENDED),
}
"""Status codes of SuccessFactors (picklist emplStatus), and I for inactive."""
_BLANK = _set("n/a | na | none | null | nil | never | nie | jamais | nunca | mai | nooit | nigdy | unknown | -")
_OF_WORK = ((Work.ENDED, _ENDED), (Work.FUTURE, _FUTURE), (Work.LEAVE, _LEAVE), (Work.ACTIVE, _HERE))


def is_blank(value: str) -> bool:
    """Nothing, or one of the words that exports write for nothing."""
    return not value or squashed(value) in _BLANK


def flag(value: str) -> bool | None:
    """Yes is true, no is false, anything else is None.

    >>> flag("Ja"), flag("FALSCH"), flag("perhaps")
    (True, False, None)
    """
    word = squashed(value)
    return True if word in _TRUE else False if word in _FALSE else None


@lru_cache(maxsize=4096)
def work_of(value: str) -> Work | None:
    """What a person's status means; None where no word of it is known.

    >>> work_of("Ausgeschieden"), work_of("Terminated - voluntary"), work_of("On Leave")
    (<Work.ENDED: 'ended'>, <Work.ENDED: 'ended'>, <Work.LEAVE: 'leave'>)
    """
    word = squashed(value)
    if word in _CODES:
        return _CODES[word]
    for state, known in _OF_WORK:
        if word in known:
            return state
    parts = set(words(value))
    return next((state for state, known in _OF_WORK if parts & known), None)


@lru_cache(maxsize=4096)
def account_on(value: str) -> bool | None:
    """An account with this status can be used; locked out and invited ones can, soon; None where the word is unknown.

    >>> account_on("Suspended"), account_on("Locked out"), account_on("gesperrt")
    (False, True, False)
    """
    word = squashed(value)
    if word in _DISABLED or word in _ENABLED:
        return word in _ENABLED
    parts = set(words(value))
    if parts & _DISABLED:
        return False
    return True if parts & _ENABLED else None
