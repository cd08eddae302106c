"""What goes over the wire, as pydantic models: requests, and views of what is answered."""
