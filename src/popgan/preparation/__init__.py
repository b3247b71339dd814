"""Scans to prepared arrays: orientation, intensity, brain and slices, resampling."""
