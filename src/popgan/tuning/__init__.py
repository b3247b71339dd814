"""Parameters optimised for a cohort: search, sensitivity, ablation."""
