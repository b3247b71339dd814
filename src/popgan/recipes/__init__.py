"""What a user names: networks, objective, phases and defaults, tied together."""
