"""Carrying plans out: batches, approvals, small idempotent steps, read-back, settling, cases. Owns the transactions."""
