"""Packs each function for AWS Lambda into a zip, byte for byte the same wherever and whenever it is packed."""
