"""Bundles on a Ventoy stick: asked for, written so that cuts do no harm, read back and wiped."""
