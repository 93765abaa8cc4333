"""The program that a Proxmox VE node runs once, at its first boot.

It needs nothing but the standard library of Debian 12's and 13's Python. `pmx-cluster-tb build` packs it with
the node's settings and packages into one executable file; this folder shares no code with the builder, only
`settings.schema.json`.
"""
