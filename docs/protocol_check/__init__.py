"""The model of the protocol, its scenarios and its negative controls. Run `docs/protocol_check.py`."""
