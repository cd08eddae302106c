"""Sagas: data and two pure functions, the driver over them, and the sagas themselves."""
