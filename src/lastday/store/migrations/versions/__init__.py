"""One small module for each revision, as Alembic finds them."""
