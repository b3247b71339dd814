"""The stations of the main line, one file each."""
