"""From a `Cluster` to what would be built: pure values, no clock, disk, network or randomness."""
