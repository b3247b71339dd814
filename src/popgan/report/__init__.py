"""The two HTML pages and their figures. Takes results, measures nothing."""
