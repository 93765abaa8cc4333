"""Debian 12 and 13 to throw away: made once, kept in the user's cache, changed only under an overlay.

A test asks for the fixture `bookworm`, `trixie` or `root` (both, one after the other) and gets a `Root`: a
fresh system with its own mounts, processes and network. Nothing of it outlives the test, or a killed test
run: its mounts live in a mount namespace, its processes in a process namespace, what they write in memory.
"""
