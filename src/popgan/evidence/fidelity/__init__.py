"""How close a synthetic set is to a real one."""
