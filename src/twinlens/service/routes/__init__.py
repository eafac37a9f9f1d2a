"""One file a noun: requests -> answers."""
