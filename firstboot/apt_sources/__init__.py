"""The sources that apt has, and what must change in them for a node without a subscription."""
