"""What all adapters of AWS services share: calls, what their failures mean, and when a call is repeated."""
