"""The entry and the configuration of the branch."""
