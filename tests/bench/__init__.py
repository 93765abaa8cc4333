"""Benchmarks: ratios against rivals, measured in the same run."""
