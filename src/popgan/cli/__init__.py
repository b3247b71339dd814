"""The command line: one file a verb, each parsing, calling the API and showing the result."""
