"""Debian's apt as the judge of sources."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest


class Apt:
    """apt-get on a folder like /etc/apt, with a state of its own; it downloads nothing."""

    def __init__(self, folder: Path, state: Path) -> None:
        (state / "lists/partial").mkdir(parents=True)
        (state / "cache/archives/partial").mkdir(parents=True)
        (state / "parts").mkdir()
        (state / "status").touch()
        (state / "apt.conf").touch()
        self._state = state
        options = {
            "Dir::Etc::sourcelist": folder / "sources.list",
            "Dir::Etc::sourceparts": folder / "sources.list.d",
            "Dir::Etc::trustedparts": state / "parts",
            "Dir::State": state,
            "Dir::State::lists": state / "lists",
            "Dir::State::status": state / "status",
            "Dir::Cache": state / "cache",
            "APT::Architecture": "amd64",
            "APT::Architectures": "amd64",
            "Acquire::Languages": "none",
        }
        self._options = [f"-o{name}={value}" for name, value in options.items()]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        if not shutil.which("apt-get"):
            pytest.fail("`apt-get` is missing: install the package `apt`")
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "APT_CONFIG": str(self._state / "apt.conf")}
        return subprocess.run(
            ["apt-get", *self._options, *words], check=True, capture_output=True, text=True, env=environment
        )

    def targets(self) -> list[str]:
        """`indextargets` of package and source lists; it names only those that have been downloaded."""
        for line in self.run("update", "--print-uris").stdout.splitlines():
            name = line.rsplit("' ", 1)[1].split()[0]
            if not name.endswith("InRelease"):
                (self._state / "lists" / name).touch()
        kinds = {"Packages": "deb", "Sources": "deb-src"}
        form = "$(CREATED_BY)|$(REPO_URI) $(RELEASE) $(COMPONENT)"
        lines = self.run("indextargets", "--format", form).stdout.splitlines()
        # a flat repository has no component, and apt leaves its variable as it is
        found = (line.removesuffix(" $(COMPONENT)").partition("|") for line in lines)
        return sorted({f"{kinds[kind]} {rest}" for kind, _, rest in found if kind in kinds})
