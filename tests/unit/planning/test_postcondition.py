"""Design section 1.2: a success answer proves nothing; these reads do."""

from dataclasses import replace

import pytest

from lastday.model.attributes import Attributes
from lastday.model.ids import NativeId, OperationId
from lastday.model.operation import Because, Operation, Verb
from lastday.model.operation import VerificationKind as Kind
from lastday.planning.postcondition import Extra, postcondition
from tests.unit.planning.people import DIRECTORY, an_account, an_identity

ON = an_account("u", "1", "group/vpn", attributes={"employeeNumber": "1", "title": "New"}).observed
OFF = replace(ON, enabled=False, holdings=())


def an_operation(verb, entitlement=None, **more):
    return Operation(
        id=OperationId("o-1"),
        identity=an_identity("1").id,
        application=DIRECTORY,
        account=None,
        native_id=ON.native_id,
        verb=verb,
        entitlement=entitlement,
        because=Because.LEFT,
        detail="",
        **more,
    )


@pytest.mark.parametrize(
    ("verb", "observed", "found", "kind"),
    [
        (Verb.DISABLE, ON, [ON], Kind.NOT_YET),
        (Verb.DISABLE, OFF, [OFF], Kind.CONFIRMED),
        (Verb.DISABLE, None, [], Kind.CONFIRMED),
        (Verb.DISABLE, None, [ON], Kind.NOT_YET),
        (Verb.REVOKE, ON, [ON], Kind.NOT_YET),
        (Verb.REVOKE, OFF, [OFF], Kind.CONFIRMED),
        (Verb.REVOKE, None, [], Kind.CONFIRMED),
        (Verb.DELETE, None, [], Kind.CONFIRMED),
        (Verb.DELETE, None, [OFF], Kind.NOT_YET),
        (Verb.DELETE, OFF, [], Kind.NOT_YET),
        (Verb.ENABLE, ON, [ON], Kind.CONFIRMED),
        (Verb.ENABLE, OFF, [OFF], Kind.NOT_YET),
        (Verb.ENABLE, None, [], Kind.CONTRADICTED),
        (Verb.GIVE, ON, [ON], Kind.CONFIRMED),
        (Verb.GIVE, OFF, [OFF], Kind.NOT_YET),
        (Verb.GIVE, None, [], Kind.CONTRADICTED),
        (Verb.ROTATE, ON, [ON], Kind.UNREADABLE),
    ],
)
def test_a_read_shows_for_each_verb_whether_it_is_so(verb, observed, found, kind):
    entitlement = "group/vpn" if verb in (Verb.GIVE, Verb.REVOKE) else None
    assert postcondition(an_operation(verb, entitlement), observed, found).kind is kind


def test_an_update_is_confirmed_by_its_values_and_by_what_is_cleared():
    update = an_operation(Verb.UPDATE, payload=Attributes.of({"title": "New"}))
    assert postcondition(update, ON, [ON]).kind is Kind.CONFIRMED
    assert postcondition(replace(update, cleared=("employeeNumber",)), ON, [ON]).kind is Kind.NOT_YET
    assert postcondition(replace(update, payload=Attributes.of({"title": "X"})), ON, [ON]).kind is Kind.NOT_YET


def test_a_new_account_is_there_once_on_and_with_its_key():
    create, key = an_operation(Verb.CREATE), Attributes.of({"employeeNumber": "1"})
    assert postcondition(create, ON, [ON], key=key).kind is Kind.CONFIRMED
    assert postcondition(create, None, [ON], key=key).kind is Kind.CONFIRMED
    assert postcondition(create, OFF, [OFF], key=key).kind is Kind.NOT_YET
    assert postcondition(create, None, [], key=key).kind is Kind.NOT_YET
    assert postcondition(create, ON, [ON], key=Attributes.of({"employeeNumber": "2"})).kind is Kind.NOT_YET
    twin = replace(ON, native_id=NativeId("v"))
    assert postcondition(create, ON, [ON, twin], key=key).kind is Kind.CONTRADICTED


def test_a_sign_in_that_gets_in_contradicts_an_account_that_says_it_is_off():
    disable = an_operation(Verb.DISABLE)
    assert postcondition(disable, OFF, [OFF], extra=Extra(sign_in_refused=False)).kind is Kind.CONTRADICTED
    assert postcondition(disable, OFF, [OFF], extra=Extra(sign_in_refused=True)).kind is Kind.CONFIRMED


@pytest.mark.parametrize(
    ("verb", "left", "none"),
    [
        (Verb.END_SESSIONS, Extra(sessions=1), Extra(sessions=0, owned=1)),
        (Verb.TRANSFER, Extra(owned=1), Extra(owned=0, sessions=1)),
    ],
)
def test_what_was_not_counted_is_not_known_to_be_gone(verb, left, none):
    """Unprovable is never green."""
    operation = an_operation(verb)
    assert postcondition(operation, OFF, [OFF]).kind is Kind.UNREADABLE
    assert postcondition(operation, OFF, [OFF], extra=left).kind is Kind.NOT_YET
    assert postcondition(operation, OFF, [OFF], extra=none).kind is Kind.CONFIRMED
    assert postcondition(operation, None, []).kind is Kind.CONFIRMED


def test_a_search_that_was_not_made_is_not_claimed():
    """The settlement of a deletion said that a search found nothing, and none had been made."""
    judged = postcondition(an_operation(Verb.DELETE), None, (), extra=Extra(searched=False))
    assert "search" not in judged.detail
