"""A small company under Lastday's own decisions, with simulated applications, time and faults. Nothing here is real."""
