"""From fingerprint to plan, each value with its reason."""
