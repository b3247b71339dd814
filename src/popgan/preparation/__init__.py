"""Scan to prepared arrays: orientation, slices, resampling, intensity."""
