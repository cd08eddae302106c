"""The API over HTTP: an ASGI app, what stands around it, and the server."""
