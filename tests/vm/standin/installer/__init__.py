"""The installer of the stand-in: it runs on the medium, and needs Debian's Python only."""
