"""Passwords kept by a Cognito user pool, and the sessions that they open kept by ourselves."""
