"""The training loop, its state, its growth schedule and its checkpoints."""
