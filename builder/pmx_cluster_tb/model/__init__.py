"""From the text of a cluster file to a `Cluster`, or to every problem that it has."""
