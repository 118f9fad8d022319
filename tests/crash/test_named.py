"""Planning for one person by name: the applications are asked for that person only, and nothing is missed."""

from contextlib import ExitStack

import httpx
import pytest

from tests.crash.world import Crashing, open_crashing


def add_account(world: Crashing, user: dict[str, object]) -> None:
    """Somebody makes an account in the chat that HR and we know nothing of."""
    body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], **user}
    headers = {"Authorization": f"Bearer {world.chat.token}", "Content-Type": "application/scim+json"}
    assert httpx.post(f"{world.chat.url}/Users", json=body, headers=headers).status_code == 201


@pytest.mark.timeout(300)
def test_a_plan_for_one_person_asks_for_that_person_only_and_finds_a_second_account():
    """Design section 4, step 8: no listing is read; an account nobody knew of, with the person's number, goes too."""
    with ExitStack() as stack:
        world = open_crashing(stack, people=10)
        (leaving,), _ = world.go(leavers=1)
        add_account(world, {"userName": "second@elsewhere.example", "externalId": f"E{leaving}", "active": True})
        world.chat.forget()
        plan = world.run("plan", "--json", "--person", f"E{leaving}").json
        listings = [r for r in world.chat.requests() if r.path.endswith("/Users") and "filter" not in r.query]
        assert [r for r in listings if "count=1&" not in f"{r.query}&"] == [], "the application was read whole"
        assert {o["employee_number"] for o in plan["operations"]} == {f"E{leaving}"}
        assert sorted(o["application"] for o in plan["operations"] if o["verb"] == "disable") == [
            "chat", "chat", "ledger", "wiki",
        ]  # fmt: skip
        world.run("apply", plan["plan"], "--wait")
        chat = [u for u in world.chat.resources("Users") if u.get("externalId") == f"E{leaving}"]
        assert [user["active"] for user in chat] == [False, False]
        world.assert_converged()

        # Design section 1, rule 3, on the same path: who does not answer is not empty; the plan is not complete.
        (another,), _ = world.go(leavers=1)
        world.wiki.stop()
        plan = world.run("plan", "--json", "--person", f"E{another}").json
        assert not plan["complete"]
        assert {o["application"] for o in plan["operations"]} == {"chat", "ledger"}
        world.run("apply", plan["plan"], "--wait")
        assert [row["state"] for row in world.rows("SELECT state FROM case_file WHERE state <> 'complete'")] == [
            "incomplete"
        ]
