"""What a column may mean, and what such columns are called: English, German, French, Spanish, Portuguese, Dutch,
Italian, Polish, and the headings that the common HR and application exports use."""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache

from lastday.inventory.audit.text import squashed


class PersonField(StrEnum):
    NUMBER = "employeeNumber"
    KEY = "personKey"
    FULL = "fullName"
    GIVEN = "givenName"
    FAMILY = "familyName"
    FAMILY2 = "secondFamilyName"
    PREFIX = "namePrefix"
    NICK = "preferredName"
    MAIL = "mail"
    OTHER_MAIL = "otherMail"
    LOGIN = "login"
    JOB = "jobTitle"
    DEPARTMENT = "department"
    SITE = "site"
    COUNTRY = "country"
    ZONE = "timeZone"
    START = "startDate"
    END = "endDate"
    LAST_DAY = "lastDayOfWork"
    """Counts where no end date is given."""
    CONTRACT_END = "contractEndDate"
    """Counts where neither of the others is given."""
    MOMENT = "lastWorkingMoment"
    STATUS = "status"
    ACTIVE = "active"
    BORN = "birthDate"


class AccountField(StrEnum):
    ID = "id"
    LOGIN = "login"
    MAIL = "mail"
    OTHER_MAIL = "otherMail"
    NUMBER = "employeeNumber"
    FULL = "fullName"
    GIVEN = "givenName"
    FAMILY = "familyName"
    ENABLED = "enabled"
    DISABLED = "disabled"
    STATUS = "status"
    USED = "lastUsed"
    CREATED = "created"
    PLAN = "plan"
    KIND = "kind"
    JOB = "jobTitle"
    DEPARTMENT = "department"
    SITE = "site"


class Kind(StrEnum):
    """What the values of a field look like."""

    NUMBER = "number"
    NAME = "name"
    MAIL = "mail"
    LOGIN = "login"
    TEXT = "text"
    ZONE = "zone"
    DATE = "date"
    STATUS = "status"
    FLAG = "flag"
    SWITCH = "switch"
    """A flag, a status word or a date: `disabled` columns hold any of them."""


_NUMBER = """employee id | emp nr | empl no | employee identifier | personal id number | ma nummer
 | employee number | employee no | employee nr | emp id | emp no | emp number
 | empl id | worker id
 | workerid | staff id | staff number | staff no | personnel number | personnel no | payroll number | payroll id
 | person number | employee code | associate id | file number | hr id | hris id | user id hr
 | personalnummer | personal nr | pers nr | persnr | pernr | mitarbeiternummer | mitarbeiter nr
 | mitarbeiter id | ma nr
 | stammnummer | matricule | numero matricule | numero employe | numero de salarie | id salarie | numero salarie
 | numero de empleado | numero empleado | num empleado | id empleado | codigo de empleado | codigo empleado | legajo
 | numero de nomina | matricula | numero de matricula | numero mecanografico | numero funcionario
 | numero de funcionario
 | numero de colaborador | id colaborador | personeelsnummer | medewerkernummer | werknemersnummer | medewerker id
 | matricola | numero matricola | numero dipendente | codice dipendente | id dipendente
 | numer pracownika | nr pracownika | id pracownika | numer ewidencyjny | numer kadrowy | employee external id
 | external employee id | person id external | personidexternal"""
_GIVEN = """given name | first name | firstname | forename | legal first name | given names | first names
 | name first
 | vorname | rufname | prenom | prenoms | nombre de pila | nombres | primeiro nome | nome proprio | nomes proprios
 | voornaam | roepnaam | nome di battesimo | imie"""
_FAMILY = """family name | last name | lastname | surname | legal last name | name last | family names
 | nachname | familienname | zuname | nom de famille | nom usuel | nom patronymique | apellido | apellidos
 | primer apellido | apellido paterno | apellido 1 | apelido | apelidos | sobrenome | ultimo nome
 | achternaam | geslachtsnaam | cognome | nazwisko"""
_FULL = """full name | display name | legal name | employee name | worker name | worker | person name
 | complete name
 | name and surname | user full name | real name | employee | staff name | preferred full name
 | vollstandiger name | anzeigename | name vorname | nachname vorname | vor und nachname | vorname nachname
 | mitarbeiter
 | mitarbeitername | nom complet | nom prenom | nom et prenom | prenom nom | salarie | collaborateur
 | nombre completo
 | apellidos y nombre | apellidos nombre | nombre y apellidos | empleado | trabajador | nome completo
 | nome e apelido
 | colaborador | funcionario | volledige naam | naam medewerker | medewerker | weergavenaam
 | nome e cognome | cognome e nome | nominativo | dipendente | imie i nazwisko | nazwisko i imie | pracownik"""
BARE_NUMBERS = frozenset(("id", "nr", "no", "number", "nummer", "numero", "code", "externalid", "uniqueid", "hrid"))
"""Headings that mean the employee number in a file of people that has no better column for it."""
BARE_NAMES = frozenset({"name", "nom", "nome", "nombre", "naam", "nazwa"})
"""Headings that mean the whole name alone, and a part of it beside the other part."""
_MAIL = """mail | email | e mail | email address | e mail address | mail address | work email | work mail
 | business email
 | company email | corporate email | primary email | email work | primary work email | official email | user email
 | e mail adresse | mailadresse | emailadresse | e mail geschaftlich | dienstliche e mail | geschaftliche e mail
 | firmen e mail | adresse mail | adresse e mail | courriel | courrier electronique | adresse electronique | mel
 | email professionnel | mail professionnel | adresse email professionnelle | correo | correo electronico
 | email corporativo
 | correo corporativo | direccion de correo | endereco de email | correio eletronico | email profissional
 | e mailadres | zakelijk e mailadres | werk e mail | indirizzo email | posta elettronica | email aziendale
 | adres e mail | adres email | sluzbowy e mail | email sluzbowy | email address work"""
_OTHER_MAIL = """personal email | private email | home email | secondary email | alternate email
 | recovery email | other email
 | private e mail | e mail privat | email personnel | mail personnel | correo personal | email pessoal
 | email personale
 | prive e mail | email prywatny"""
_LOGIN = """login | login name | user name | username | user id | userid | user | user login | logon
 | logon name | sam account name
 | samaccountname | account name | account | uid | sign in name | screen name | handle | nickname login | network id
 | ad account | windows login | user principal name | upn | benutzer | benutzername | benutzerkennung | anmeldename
 | kennung | benutzerkonto | utilisateur | nom d utilisateur | identifiant | identifiant de connexion
 | compte | usuario
 | nombre de usuario | cuenta | utilizador | nome de utilizador | nome de usuario | conta | gebruikersnaam
 | gebruiker
 | inlognaam | nome utente | utente | uzytkownik | nazwa uzytkownika | konto"""
_JOB = """job title | title | position | job | role title | job profile | business title | position title
 | designation | job name
 | stelle | position bezeichnung | stellenbezeichnung | funktion | tatigkeit | berufsbezeichnung | poste | fonction
 | intitule du poste | emploi | puesto | cargo | puesto de trabajo | funcao | categoria profissional | functie
 | functietitel | mansione | ruolo | qualifica | posizione | stanowisko"""
_DEPARTMENT = """department | dept | team | division | organisation | organization | org unit | business unit
 | supervisory organization
 | cost centre name | cost center name | abteilung | organisationseinheit | bereich | fachbereich | departement
 | service rattachement | direction | unite | departamento | area | seccion | setor | sector | unidade | afdeling
 | dipartimento | reparto | ufficio | dzial"""
_SITE = """site | location | office | work location | office location | city | workplace | standort
 | arbeitsort | ort | dienstort
 | buro | lieu de travail | lieu | etablissement | ville | centro de trabajo | ubicacion | ciudad | sede
 | local de trabalho
 | localizacao | cidade | locatie | vestiging | werkplek | stad | sede di lavoro | citta | lokalizacja
 | miejsce pracy
 | miasto"""
_PEOPLE: Mapping[PersonField, tuple[Kind, str]] = {
    PersonField.NUMBER: (Kind.NUMBER, _NUMBER),
    PersonField.KEY: (
        Kind.LOGIN,
        "person key | person id | person guid | universal id | global id | person uid | personen id"
        " | personenschlussel"
        " | id personne | identifiant personne | id persona | id pessoa | persoon id | id osoby",
    ),
    PersonField.FULL: (Kind.NAME, _FULL),
    PersonField.GIVEN: (Kind.NAME, _GIVEN),
    PersonField.FAMILY: (Kind.NAME, _FAMILY),
    PersonField.FAMILY2: (
        Kind.NAME,
        "segundo apellido | apellido materno | apellido 2 | second surname | second last name",
    ),
    PersonField.PREFIX: (
        Kind.NAME,
        "tussenvoegsel | tussenvoegsels | voorvoegsel | family name prefix | last name prefix"
        " | surname prefix | vorsatzwort"
        " | namensvorsatz | vorsatz",
    ),
    PersonField.NICK: (
        Kind.NAME,
        "preferred name | preferred first name | nickname | nick name | known as | goes by | spitzname"
        " | prenom usuel"
        " | prenom d usage | nombre preferido | nome preferido | nome social | soprannome | preferowane imie",
    ),
    PersonField.MAIL: (Kind.MAIL, _MAIL),
    PersonField.OTHER_MAIL: (Kind.MAIL, _OTHER_MAIL),
    PersonField.LOGIN: (Kind.LOGIN, _LOGIN),
    PersonField.JOB: (Kind.TEXT, _JOB),
    PersonField.DEPARTMENT: (Kind.TEXT, _DEPARTMENT),
    PersonField.SITE: (Kind.TEXT, _SITE),
    PersonField.COUNTRY: (Kind.TEXT, "country | country code | land | landercode | pays | pais | paese | kraj"),
    PersonField.ZONE: (
        Kind.ZONE,
        "time zone | timezone | tz | location tz | zeitzone | fuseau horaire | zona horaria | fuso horario"
        " | tijdzone"
        " | fuso orario | strefa czasowa",
    ),
    PersonField.START: (
        Kind.DATE,
        "start date | hire date | in dienst | in service | date of hire | date hired | hired on"
        " | entry date | joining date"
        " | date of joining | join date"
        " | begin date | start | contract start | contract start date | employment start date | original hire date"
        " | continuous service date | company entry date | eintritt | eintrittsdatum | einstellungsdatum"
        " | eingestellt am"
        " | beginn | vertragsbeginn | date d entree | date entree | date d embauche | date embauche | date debut"
        " | date de debut | debut contrat | date debut contrat | fecha de alta | fecha alta | fecha de ingreso"
        " | fecha ingreso | fecha inicio | fecha de inicio | fecha de contratacion | fecha inicio contrato"
        " | data de admissao"
        " | data admissao | data de entrada | data de inicio | data inicio | datum in dienst | indiensttreding"
        " | datum indiensttreding | startdatum | begindatum | data assunzione | data di assunzione | data inizio"
        " | data zatrudnienia | data rozpoczecia | poczatek umowy",
    ),
    PersonField.END: (
        Kind.DATE,
        "end date | termination date | uit dienst | date of termination | termination | leave date | leaving date"
        " | date left | exit date | separation date | employment end date | end | end dt | departure date"
        " | date of leaving | effective termination date | termination effective date | employment end"
        " | end of employment | leaver date | date of exit | exit | expiry date | inactive date | resignation date"
        " | austritt | austrittsdatum | austritt am | austrittstermin | enddatum | ende | ausgeschieden am"
        " | date de sortie | date sortie | date de depart | date depart | date fin | date de fin | fecha de baja"
        " | fecha baja | fecha de salida | fecha salida | fecha fin | fecha de fin | fecha de termino"
        " | fecha de cese | data de saida | data saida | data de demissao | data demissao | data de desligamento"
        " | data fim | data de fim | data de termino | datum uit dienst | uitdiensttreding"
        " | datum uitdiensttreding | einddatum | data cessazione | data di cessazione | data fine | fine rapporto"
        " | data fine rapporto | data di uscita | data uscita | data zwolnienia | data zakonczenia | data odejscia",
    ),
    PersonField.LAST_DAY: (
        Kind.DATE,
        "last day | last day of work | last day worked | last working day | last date worked | letzter arbeitstag"
        " | dernier jour | dernier jour travaille | ultimo dia | ultimo dia de trabalho | laatste werkdag"
        " | ostatni dzien pracy | ultimo giorno di lavoro",
    ),
    PersonField.CONTRACT_END: (
        Kind.DATE,
        "contract end | contract end date | contract expiry | contract expiry date | vertragsende | befristet bis"
        " | date fin contrat | date de fin de contrat | fin contrat | fin de contrat | fecha fin contrato"
        " | fin de contrato | fim do contrato | einde contract | koniec umowy | fine contratto"
        " | assignment end date | data fine contratto | einddatum contract",
    ),
    PersonField.MOMENT: (
        Kind.DATE,
        "last working moment | last moment | access end | access ends at | termination time | termination datetime"
        " | end timestamp | end datetime | terminated at | ended at",
    ),
    PersonField.STATUS: (
        Kind.STATUS,
        "status | employment status | employee status | worker status | state | empl status | lifecycle status"
        " | contract status | work status | anstellungsstatus | beschaftigungsstatus | mitarbeiterstatus"
        " | zustand | statut"
        " | situation | etat | estado | situacion | situacion laboral | estado laboral | estado del empleado"
        " | situacao"
        " | situacao contratual | dienstverband status | stato | stato dipendente | stato rapporto"
        " | status zatrudnienia | stan",
    ),
    PersonField.ACTIVE: (
        Kind.FLAG,
        "active | is active | currently employed | employed | active employee | aktiv | beschaftigt"
        " | ist aktiv | actif"
        " | en poste | activo | en activo | ativo | actief | in dienst | attivo | in forza | aktywny",
    ),
    PersonField.BORN: (
        Kind.DATE,
        "birth date | date of birth | dob | birthday | geburtsdatum | geburtstag | date de naissance"
        " | fecha de nacimiento"
        " | data de nascimento | geboortedatum | data di nascita | data urodzenia",
    ),
}
_ACCOUNTS: Mapping[AccountField, tuple[Kind, str]] = {
    AccountField.ID: (
        Kind.LOGIN,
        "id | identifier | identyfikator | identificador | identificativo"
        " | account id | user guid | guid | uuid | object id | objectid | member id | native id"
        " | object guid | user key"
        " | internal id | record id | konto id | benutzer id | id compte | id utilisateur | id cuenta | id usuario"
        " | id conta | account nummer | id utente | id konta | external user id",
    ),
    AccountField.LOGIN: (Kind.LOGIN, _LOGIN),
    AccountField.MAIL: (Kind.MAIL, _MAIL),
    AccountField.OTHER_MAIL: (Kind.MAIL, _OTHER_MAIL),
    AccountField.NUMBER: (Kind.NUMBER, _NUMBER),
    AccountField.FULL: (Kind.NAME, _FULL),
    AccountField.GIVEN: (Kind.NAME, _GIVEN),
    AccountField.FAMILY: (Kind.NAME, _FAMILY),
    AccountField.ENABLED: (
        Kind.SWITCH,
        "enabled | active | is active | is enabled | account enabled | user active | activated"
        " | login enabled | aktiv"
        " | aktiviert | freigeschaltet | actif | active compte | compte actif | activo | habilitado"
        " | activada | ativo | ativa"
        " | ingeschakeld | actief | attivo | abilitato | aktywny | wlaczony | can login | can sign in",
    ),
    AccountField.DISABLED: (
        Kind.SWITCH,
        "disabled | is disabled | account disabled | suspended | is suspended | blocked | is blocked"
        " | deactivated | inactive"
        " | archived | deleted | disabled at | suspended at | deactivated at | deleted at | deactivated on"
        " | deactivation date"
        " | sign in blocked | gesperrt | deaktiviert | inaktiv | sperre | suspendu | bloque | desactive | inactif"
        " | suspendido | bloqueado | desactivado | inactivo | deshabilitado | suspenso | desativado | inativo"
        " | geblokkeerd"
        " | uitgeschakeld | gedeactiveerd | sospeso | bloccato | disattivato | disabilitato | zablokowany"
        " | zawieszony"
        " | wylaczony",
    ),
    AccountField.STATUS: (
        Kind.STATUS,
        "status | account status | user status | state | account state | user state | kontostatus"
        " | benutzerstatus | statut"
        " | etat | statut du compte | estado | estado de la cuenta | situacao | stato | stato account"
        " | accountstatus | stan",
    ),
    AccountField.USED: (
        Kind.DATE,
        "last login | last sign in | last signin | last seen | last used | last active | last activity"
        " | last access"
        " | last logon | last login date | last login at | last activity date | last sign in date"
        " | last authenticated"
        " | lastlogontimestamp | last accessed | letzte anmeldung | letzter login | zuletzt aktiv"
        " | zuletzt verwendet"
        " | letzter zugriff | letzte aktivitat | derniere connexion | derniere activite | dernier acces"
        " | ultimo acceso"
        " | ultima conexion | ultimo inicio de sesion | ultima actividad | ultimo acesso | ultimo login"
        " | ultima atividade"
        " | laatste aanmelding | laatst actief | laatste login | laatst gebruikt | ultimo accesso | ultima attivita"
        " | ostatnie logowanie | ostatnia aktywnosc",
    ),
    AccountField.CREATED: (
        Kind.DATE,
        "created | created at | created on | creation date | date created | created date | account created"
        " | member since"
        " | joined | date added | added on | when created | erstellt | erstellt am | angelegt am | anlagedatum"
        " | erstellungsdatum | cree le | date de creation | date creation | creado | creado el | fecha de creacion"
        " | fecha creacion | criado em | data de criacao | aangemaakt | aangemaakt op | aanmaakdatum | creato il"
        " | data creazione | data di creazione | utworzono | data utworzenia",
    ),
    AccountField.PLAN: (
        Kind.TEXT,
        "plan | license | licence | licenses | licences | seat | seat type | subscription | license type"
        " | licence type | tier"
        " | edition | product | user type license | lizenz | lizenztyp | abonnement | forfait"
        " | licence attribuee | licencia"
        " | suscripcion | licenca | assinatura | licentie | licenza | abbonamento | licencja",
    ),
    AccountField.KIND: (
        Kind.TEXT,
        "type | account type | user type | kind | member type | kontotyp | benutzertyp | type de compte | tipo"
        " | tipo de cuenta | tipo de conta | accounttype | tipo account | typ konta | typ",
    ),
    AccountField.JOB: (Kind.TEXT, _JOB),
    AccountField.DEPARTMENT: (Kind.TEXT, _DEPARTMENT),
    AccountField.SITE: (Kind.TEXT, _SITE),
}
_OTHERS = """manager id | manager | manager email | manager name | supervisor | cost center | cost centre
 | kostenstelle
 | centre de cout | centro de coste | centro de custo | kostenplaats | centro di costo | phone | mobile | telefon
 | telephone | telefono | telefone | telefoon | worker type | employee type | contract type | termination reason
 | reason | company | employer | legal entity | firma | societe | empresa | azienda | bedrijf | vorgesetzter
 | last modified | updated at | updated | modified | probation end date | probezeitende | probezeit bis
 | fin periode essai
 | fin periodo de prueba | einde proeftijd | visa expiry | work permit end date | next review date | seniority date
 | notice date | termination notice date | kundigungsdatum | password changed | password last set | password expires
 | pay through date | end date reason | position start date | job start date | mfa | mfa enabled | role
 | roles | groups
 | anrede | salutation | geschlecht | gender | suffix | prefix | middle name | nationality | pay group"""
_STRANGERS = """manager | supervisor | vorgesetzter | vorgesetzte | vorgesetzten | chef | jefe | superieur | gestor
 | leidinggevende | przelozony | emergency | notfall | spouse | probation | probezeit | proeftijd | prueba | essai
 | dependent | sponsor | assistant | mentor | password | passwort | visa | permit | review | reviewer | mfa | 2fa"""
STRANGERS = frozenset(squashed(word) for word in _STRANGERS.split("|"))
"""Words that make a heading speak of somebody or something else, whatever stands beside them."""


def kind_of(field: PersonField | AccountField) -> Kind:
    """What the values of `field` look like."""
    return _PEOPLE[field][0] if isinstance(field, PersonField) else _ACCOUNTS[field][0]


@cache
def synonyms(field: PersonField | AccountField) -> frozenset[str]:
    """Every heading known for `field`, squashed: lower-case letters and digits only, no accents.

    >>> "austrittsdatum" in synonyms(PersonField.END)
    True
    """
    text = _PEOPLE[field][1] if isinstance(field, PersonField) else _ACCOUNTS[field][1]
    own = _words_of(text) | {squashed(field.value)}
    return own | BARE_NAMES if field.value == PersonField.FULL.value else own


@cache
def other_headings() -> frozenset[str]:
    """Headings that mean nothing to the audit, and must not be taken for what they resemble."""
    return _words_of(_OTHERS)


def _words_of(text: str) -> frozenset[str]:
    return frozenset(squashed(part) for part in text.split("|"))
