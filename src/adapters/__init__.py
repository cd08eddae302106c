"""Technologies behind the ports; each is imported only when it is chosen."""
