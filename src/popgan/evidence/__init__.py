"""Arrays in, measured results out. Knows neither recipes nor run folders."""
