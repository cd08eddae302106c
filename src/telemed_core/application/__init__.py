"""The use cases: load, decide, commit; each one a frozen callable whose instance is the verb."""
