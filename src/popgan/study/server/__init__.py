"""The HTTP server of a reader study: personal links, the reader's and the coordinator's pages."""
