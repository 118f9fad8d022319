"""From a feed to changes with instants: feed checks, intake, engagements, joiner, mover, leaver. No clock, no store."""
