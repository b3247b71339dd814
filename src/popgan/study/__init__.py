"""The reader study of a run: design, stimuli, the server that readers use, and the analysis."""
