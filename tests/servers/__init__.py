"""Real servers of other projects, started for one test and ended after it; none of this code is shipped."""
