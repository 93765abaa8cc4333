"""The ring as text and as SVG."""

from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from pmx_cluster_tb.model.cluster import Cluster
from pmx_cluster_tb.model.load import example_cluster
from pmx_cluster_tb.view.ring_layout import CIRCLE_NODES, ring_layout
from pmx_cluster_tb.view.ring_svg import ring_svg
from pmx_cluster_tb.view.ring_text import ring_text
from tests.clusters import node, seed_cluster

SVG = "{http://www.w3.org/2000/svg}"
PICTURE = Path(__file__).parents[2] / "docs" / "ring.svg"


def cluster_of(count: int) -> Cluster:
    cluster = seed_cluster()
    ring = replace(cluster.ring, ipv4=IPv4Network("10.0.0.0/16"), ipv6=IPv6Network("fd00::/112"))
    nodes = tuple(replace(node(1), name=f"pve{number}", number=number) for number in range(1, count + 1))
    return replace(cluster, ring=ring, nodes=nodes)


def test_three_nodes() -> None:
    assert ring_text(seed_cluster(), 80).splitlines() == [
        "      ┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓",
        "╭─────┸─────╮  ╭───────────╮  ╭─────┸─────╮",
        "│ pve1      ┝━━┥ pve2      ┝━━┥ pve3      │",
        "│ 10.0.0.81 │  │ 10.0.0.82 │  │ 10.0.0.83 │",
        "│ fc00::81  │  │ fc00::82  │  │ fc00::83  │",
        "╰───────────╯  ╰───────────╯  ╰───────────╯",
    ]


def test_two_nodes_have_one_cable() -> None:
    lines = ring_text(cluster_of(2), 80).splitlines()
    assert len(lines) == 5
    assert lines[1].count("━━") == 1


def test_where_boxes_do_not_fit() -> None:
    assert ring_text(cluster_of(6), 40).splitlines() == [
        "┏━ pve1 ━━ pve2 ━━ pve3 ━━ pve4 ━━",
        "┃  pve5 ━━ pve6 ━━━━━━━━━━━━━━━━━━━┓",
        "┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛",
    ]


@pytest.mark.parametrize("count", [2, 3, 6, 7, 25, 250])
@pytest.mark.parametrize("width", [40, 80, 200])
def test_text_fits_and_names_every_node_once(count: int, width: int) -> None:
    cluster = cluster_of(count)
    text = ring_text(cluster, width)
    assert max(map(len, text.splitlines())) <= width
    words = text.split()
    assert [words.count(one.name) for one in cluster.nodes] == [1] * count
    assert ring_text(cluster, width, ascii_only=True).isascii()


@pytest.mark.parametrize("count", [*range(2, 60), 249, 250])
def test_neighbours_are_near(count: int) -> None:
    places = ring_layout(count, 300, 200)
    assert len(set(places)) == count
    steps = [
        (abs(here.x - there.x), abs(here.y - there.y))
        for here, there in zip(places, places[1:] + places[:1], strict=True)
    ]
    if count > CIRCLE_NODES:
        assert all(x <= 300 and y <= 200 for x, y in steps)
    elif count > 2:
        assert all(abs((x * x + y * y) ** 0.5 - 300) < 2 for x, y in steps)


@pytest.mark.parametrize("count", [2, 3, 5, 12, 13, 250])
def test_svg_has_a_box_and_a_cable_for_each_node_inside_its_picture(count: int) -> None:
    cluster = cluster_of(count)
    picture = ET.fromstring(ring_svg(cluster))  # noqa: S314 - our own text
    boxes = picture.findall(f"{SVG}rect")
    assert len(boxes) == count + 1, "and one for the caption"
    assert len(picture.findall(f"{SVG}path")) == (1 if count == 2 else count)
    texts = [text.text for text in picture.findall(f"{SVG}text")]
    assert {one.name for one in cluster.nodes} <= set(texts)
    for box in boxes:
        x, y, width, height = (float(box.attrib[name]) for name in ("x", "y", "width", "height"))
        assert x >= 0
        assert y >= 0
        assert x + width <= float(picture.attrib["width"])
        assert y + height <= float(picture.attrib["height"])


def test_long_texts_widen_every_box() -> None:
    cluster = cluster_of(3)
    long = replace(cluster.nodes[0], name="n" * 63)
    picture = ET.fromstring(ring_svg(replace(cluster, nodes=(long, *cluster.nodes[1:]))))  # noqa: S314
    widths = [float(box.attrib["width"]) for box in picture.findall(f"{SVG}rect")][:3]
    assert len(set(widths)) == 1
    assert widths[0] > 63 * 9


def test_the_picture_in_the_docs_is_the_example(update_golden: bool) -> None:
    drawn = ring_svg(example_cluster())
    if update_golden:
        PICTURE.write_text(drawn)
    assert PICTURE.read_text() == drawn
