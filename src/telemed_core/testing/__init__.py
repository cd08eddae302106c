"""For whoever builds on Telemed: builders, strategies, port contracts, the stateful clinic and fault injection."""
