"""The clinic's own nouns and rules: pure values and decisions."""
