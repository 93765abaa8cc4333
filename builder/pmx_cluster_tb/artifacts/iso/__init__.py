"""Installation ISOs: what is on them, and copies with more at their top."""
