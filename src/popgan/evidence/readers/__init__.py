"""Reader studies: what readers answered in, what it shows out. Pure; knows no run folder."""
