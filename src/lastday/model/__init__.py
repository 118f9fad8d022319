"""The frozen vocabulary. Every other room speaks in these words; this room imports none of them."""
