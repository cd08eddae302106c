"""Ways in: the same use cases for people, programs and events."""
