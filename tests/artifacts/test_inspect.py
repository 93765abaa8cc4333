"""Artifacts read back: whole ones, and all that is not."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from pmx_cluster_tb import release
from pmx_cluster_tb.artifacts.compression import compressed
from pmx_cluster_tb.artifacts.earlier_output import read_output
from pmx_cluster_tb.artifacts.hook import SHEBANG, hook_bytes
from pmx_cluster_tb.artifacts.hook_reader import read_hook
from pmx_cluster_tb.artifacts.inspect import inspect_artifact
from pmx_cluster_tb.artifacts.inspected import (
    Inspected,
    InspectedAnswer,
    InspectedHook,
    InspectedOutput,
    InspectedPackage,
)
from pmx_cluster_tb.artifacts.output import write_output
from pmx_cluster_tb.plan.difference import difference
from pmx_cluster_tb.plan.types import FirstBootSettings
from pmx_cluster_tb.problems import BadInput
from pmx_cluster_tb.progress import unobserved
from pmx_cluster_tb.sources import read_first_boot_program
from tests.clusters import HASH
from tests.plans import seed_plan, two_node_plan


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / "out"
    write_output(seed_plan(), folder, unobserved)
    return folder


@pytest.fixture
def own_out(tmp_path: Path) -> Path:
    write_output(seed_plan(), tmp_path / "out", unobserved)
    return tmp_path / "out"


def test_a_package(out: Path) -> None:
    package = seed_plan().nodes[0].package
    inspected = inspect_artifact(out / "pve1" / package.file_name)
    assert isinstance(inspected, InspectedPackage)
    assert inspected.package == compressed(package)
    assert inspected.as_json()["kind"] == "package"


def test_a_first_boot_file(out: Path) -> None:
    plan = seed_plan()
    inspected = inspect_artifact(out / "pve2/first-boot")
    assert isinstance(inspected, InspectedHook)
    planned = (plan.nodes[1].package, plan.ring_package)
    assert [one.package for one in inspected.packages] == [*map(compressed, planned)]
    assert {path for path, _ in inspected.program} == {
        "__main__.py" if str(path) == "__main__.py" else f"firstboot/{path}"
        for path in read_first_boot_program()
    }
    assert inspected.settings["node"] == "pve2"


def test_an_answer(out: Path) -> None:
    inspected = inspect_artifact(out / "pve3/answer.toml")
    assert isinstance(inspected, InspectedAnswer)
    assert inspected.table == seed_plan().nodes[2].answer.table


@pytest.mark.parametrize("path", [".", "manifest.json"])
def test_an_output_folder(out: Path, path: str) -> None:
    inspected = inspect_artifact(out / path)
    assert isinstance(inspected, InspectedOutput)
    assert (inspected.missing, inspected.changed, inspected.added) == ((), (), ())
    assert inspected.manifest.cluster == "pvc1"


def test_what_became_of_an_output_folder(own_out: Path) -> None:
    (own_out / "pve1/answer.toml").unlink()
    (own_out / "pve2/answer.toml").write_text("")
    (own_out / "pve3/mine").mkdir()
    (own_out / "pve3/mine/notes").write_text("")
    inspected = inspect_artifact(own_out)
    assert isinstance(inspected, InspectedOutput)
    assert inspected.missing == ("pve1/answer.toml",)
    assert inspected.changed == ("pve2/answer.toml",)
    assert inspected.added == ("pve3/mine/notes",)


def test_content_counts_and_not_the_name(out: Path, tmp_path: Path) -> None:
    copy = tmp_path / "answer.toml"
    copy.write_bytes((out / "pve1/first-boot").read_bytes())
    assert isinstance(inspect_artifact(copy), InspectedHook)


def test_secrets_do_not_show_in_repr(out: Path) -> None:
    values: list[Inspected] = [
        inspect_artifact(out / "pve1" / name) for name in ("answer.toml", "first-boot")
    ]
    assert HASH in str(values[0].as_json())
    assert HASH not in repr(values)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "`{path}` is empty"),
        (b"\x7fELF\x02", "`{path}` is a Linux program"),
        (b"PK\x03\x04", "`{path}` is a zip archive"),
        (b"#!/bin/sh\ntrue\n", "`{path}` is a script"),
        (b"\x00\xff\xfe", "`{path}` is binary data of an unknown kind"),
        (b"hello, world\n", "`{path}` is text, but no TOML"),
        (
            bytes(32769) + b"CD001",
            "`{path}` is damaged: the primary volume descriptor is not where it must be",
        ),
        (b"[network]\n", "`{path}` is TOML, but no answer: it has no table `[global]`"),
        (b"global = 1\n", "`{path}` is TOML, but no answer: it has no table `[global]`"),
    ],
)
def test_what_is_not_ours(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(BadInput) as caught:
        inspect_artifact(path)
    assert caught.value.message == message.format(path=path)


@pytest.mark.parametrize(
    "value",
    ["[" * 5000 + "]" * 5000, "1\n" + "a." * 50_000 + "b = 1", "1" * 5000],
    ids=["nested", "deep key", "long number"],
)
def test_what_tomllib_cannot_bear(tmp_path: Path, value: str) -> None:
    path = tmp_path / "answer.toml"
    path.write_text(f"[global]\na = {value}\n")
    with pytest.raises(BadInput, match="is text, but no TOML"):
        inspect_artifact(path)


def test_an_answer_with_values_that_json_has_not(tmp_path: Path) -> None:
    path = tmp_path / "answer.toml"
    path.write_text(
        "[global]\ntable = {day = 2024-02-29}\n"
        f"list = [07:30:00, 2024-02-29T07:30:00Z, nan, -inf, 0x{'f' * 5000}, true, 1, 1.5]\n"
    )
    shown = json.loads(json.dumps(inspect_artifact(path).as_json(), allow_nan=False))
    assert shown["answer"]["global"] == {
        "table": {"day": "2024-02-29"},
        "list": ["07:30:00", "2024-02-29T07:30:00+00:00", "nan", "-inf", f"0x{'f' * 5000}", True, 1, 1.5],
    }


def test_an_image_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "proxmox-ve.iso"
    path.write_bytes(bytes(32769) + b"CD001")
    with path.open("r+b") as file:
        file.truncate(2**40)
    with pytest.raises(BadInput, match="is damaged"):
        inspect_artifact(path)


def test_a_cluster_file_names_the_command_for_it(tmp_path: Path) -> None:
    path = tmp_path / "cluster.toml"
    path.write_text("[cluster]\n")
    with pytest.raises(BadInput) as caught:
        inspect_artifact(path)
    assert "`pmx-cluster-tb check" in caught.value.hint


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"cannot read `.*gone`: No such file or directory"):
        inspect_artifact(tmp_path / "gone")
    with pytest.raises(BadInput, match=r"is no output folder of `build` or stick of `bundle`: no manifest"):
        inspect_artifact(tmp_path)


def test_a_folder_of_an_output_folder_leads_to_the_whole(tmp_path: Path) -> None:
    write_output(seed_plan(), tmp_path / "out", unobserved)
    with pytest.raises(BadInput, match="no manifest") as caught:
        inspect_artifact(tmp_path / "out/pve1")
    assert f"`pmx-cluster-tb inspect {tmp_path}/out` reads all" in caught.value.hint


def small_hook() -> bytes:
    """A first-boot file with little in it, so that each of its bytes can be tried."""
    program = {PurePosixPath(name): name.encode() for name in ("__main__.py", "steps.py")}
    packages = [{"name": "pmx-x", "version": "1", "file": "pmx-x_1_all.deb"}]
    settings = FirstBootSettings({"schema": 1, "cluster": "c", "node": "n", "packages": packages})
    return hook_bytes(program, settings, {"pmx-x_1_all.deb": b"a package"}, release.RELEASE_DATE)


def test_every_truncated_first_boot_file_is_bad_input() -> None:
    whole = small_hook()
    for length in range(len(whole)):
        with pytest.raises(BadInput):
            read_hook(whole[:length], "first-boot")


@pytest.mark.parametrize("flip", [0x01, 0x55, 0xFF])
def test_damage_to_a_first_boot_file_is_bad_input_or_harmless(flip: int) -> None:
    whole = small_hook()
    expected = read_hook(whole, "first-boot")
    for offset in range(len(whole)):
        damaged = whole[:offset] + bytes([whole[offset] ^ flip]) + whole[offset + 1 :]
        try:
            read = read_hook(damaged, "first-boot")
        except BadInput:
            continue
        assert read.debs == expected.debs, offset
        assert read.settings == expected.settings, offset
        assert list(read.program.values()) == list(expected.program.values()), offset


@pytest.mark.parametrize(
    "change",
    [
        {"node": None},
        {"cluster": 1},
        {"packages": None},
        {"packages": [{"file": "pmx-x_1_all.deb", "version": "1"}]},
        {"packages": [{"name": 1, "file": "pmx-x_1_all.deb", "version": "1"}]},
    ],
)
def test_a_first_boot_file_with_other_settings_is_bad_input(change: dict[str, object]) -> None:
    packages = [{"name": "pmx-x", "version": "1", "file": "pmx-x_1_all.deb"}]
    settings = {"schema": 1, "cluster": "c", "node": "n", "packages": packages, **change}
    digest = hashlib.sha256(b"a package").hexdigest()
    for package in settings["packages"] or ():  # type: ignore[attr-defined]
        package["sha256"] = digest
    file = io.BytesIO()
    file.write(SHEBANG)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("settings.json", json.dumps(settings))
        archive.writestr("packages/pmx-x_1_all.deb", b"a package")
    with pytest.raises(BadInput, match="is damaged: "):
        read_hook(file.getvalue(), "first-boot")


def test_an_output_compares_equal_to_its_plan(out: Path) -> None:
    assert not difference(read_output(out), seed_plan())


def test_an_output_compares_with_another_plan(out: Path) -> None:
    changes = difference(read_output(out), two_node_plan())
    assert [node.name for node in changes.nodes] == ["pve1", "pve2", "pve3"]


def _no_manifest(out: Path) -> None:
    (out / "manifest.json").unlink()


def _no_hook(out: Path) -> None:
    (out / "pve1/first-boot").unlink()


def _damaged_package(out: Path) -> None:
    (package,) = (out / "pve1").glob("*.deb")
    package.write_bytes(package.read_bytes()[:-100])


def _answer_in_latin_1(out: Path) -> None:
    (out / "pve1/answer.toml").write_bytes(b"\xe9")


def _another_package(out: Path) -> None:
    (ring,), (package,) = out.glob("*.deb"), (out / "pve1").glob("*.deb")
    package.write_bytes(ring.read_bytes())


def _no_name(out: Path) -> None:
    manifest = out / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"pve1"', '"pve\\u0000"'))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_another_package, "`pmx-pvc1-pve1` in `{out}/pve1` is no package of a node"),
        (_no_name, "cannot read `{out}`: embedded null byte"),
        (_no_manifest, "cannot read `{out}/manifest.json`: No such file or directory"),
        (_no_hook, "cannot read `{out}/pve1/first-boot`: No such file or directory"),
        (_damaged_package, "_all.deb` is damaged: "),
        (_answer_in_latin_1, "cannot read `{out}`: no UTF-8"),
    ],
)
def test_a_damaged_output_does_not_compare(
    own_out: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(own_out)
    with pytest.raises(BadInput) as caught:
        read_output(own_out)
    assert message.format(out=own_out) in caught.value.message
