"""Signalling over WebSockets: what the two sides of a visit tell each other, whichever workers they reach."""

from entrypoints.http.signalling.hub import Hub

__all__ = ["Hub"]
