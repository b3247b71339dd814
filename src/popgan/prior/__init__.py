"""A start for training that knows physics: weights learnt from phantoms, and how they transfer."""
