"""pmx-ring: puts the settings of a node of a Thunderbolt ring into force.

Standard library only, Python 3.11 or newer. `command_line` is the only module that prints, `programs` the
only one that starts programs. What the node is comes from its own package: see `facts`.
"""
