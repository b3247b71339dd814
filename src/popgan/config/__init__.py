"""The schema of a plan, and the presets as YAML files."""
