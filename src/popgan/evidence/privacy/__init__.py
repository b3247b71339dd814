"""Privacy: do synthetic images give away who was trained with? Patients are the unit."""
