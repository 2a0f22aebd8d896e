"""Where rates come from: one file a source, each answering with the observations of a pair between two dates."""
