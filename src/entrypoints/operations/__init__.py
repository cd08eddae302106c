"""The operations of the HTTP API, each written once for every way in that speaks HTTP; they know no web framework."""
