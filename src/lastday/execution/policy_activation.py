"""A policy comes into force when it is first used: its version is stored, and what follows from it is a batch."""

from lastday.evidence.entries import EntryDraft, EntryKind, append
from lastday.execution.batching import batch_of
from lastday.execution.engine import Engine
from lastday.model.batch import Batch, Cause, CauseKind
from lastday.store import batches, policies


async def activate_policy(engine: Engine, by: str) -> Batch | None:
    """The policy of the configuration is in force; the batch of the change, None where it was so or is the first."""
    configuration = engine.configuration
    now = engine.clock.now()
    async with engine.database.transaction() as tx:
        before = await policies.active_policy(tx)
        if not await policies.activate_policy(tx, configuration.policy_digest, configuration.text, by, now):
            return None
        body = {"policy": configuration.policy_digest, "before": before.digest if before else None, "by": by}
        await append(tx, EntryDraft(kind=EntryKind.POLICY_ACTIVATED, at=now, body=body), engine.stamp)
        if before is None:
            return None
        batch = batch_of(Cause(kind=CauseKind.POLICY, reference=configuration.policy_digest, by=by), (), now)
        if await batches.load_batch(tx, batch.id) is None:
            await batches.save_batch(tx, batch, ())
        return batch
