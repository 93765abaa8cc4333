"""The effects: plans become files, one module per kind of artifact."""
