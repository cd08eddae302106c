"""Telemed's domain: doctors, agendas and appointments that cannot be double-booked, behind ports."""

__version__ = "0.1.0"
