"""Trainings as experiments: what a search found, what matters, what an ablation shows."""
