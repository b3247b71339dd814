"""Several models of one cohort held against the same patients, and what their differences show."""
