"""Access tokens, made and verified: RS256 JWTs of the shape that Cognito gives."""

from adapters.tokens.issuer import CLIENT_ID, ISSUER, Issuer, open_issuer
from adapters.tokens.key_set import KeySet
from adapters.tokens.verifier import open_verifier

__all__ = ["CLIENT_ID", "ISSUER", "Issuer", "KeySet", "open_issuer", "open_verifier"]
