"""What identifies a release of the project; the only place that changes when one is made."""

from datetime import UTC, datetime

__version__ = "0.1.0"

RELEASED = False
"""False between releases: `pmx-ring` then carries a digest of its content in its version."""

RELEASE_DATE = datetime(2026, 11, 22, tzinfo=UTC)
"""The date in every artifact that `build` makes, so that the same input gives the same bytes on any day."""

MAINTAINER = "pmx-cluster-tb <pmx-cluster-tb@users.noreply.github.com>"
HOMEPAGE = "https://github.com/pieter-v-n/pmx-cluster-tb"
