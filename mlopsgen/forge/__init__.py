"""Where repositories live: one protocol, one adapter for each kind of host."""
