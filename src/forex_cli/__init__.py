"""The `forex` command: it translates options into one call of the library, and the answer into text and exit code."""
