# One of the commands of a fake node: records how it was called, fails if it was told to, and else does a
# little of what the real one does.
import json
import os
import pathlib
import signal
import sys
import time

FOLDER = pathlib.Path(sys.argv[1])
ROOT = FOLDER / "root"
NAME = sys.argv[2]
WORDS = sys.argv[3:]


def knows(name: str) -> str:
    file = FOLDER / name
    return file.read_text() if file.exists() else ""


def edit(path: str, name: str, index: int, value: str) -> None:
    file = ROOT / path
    rows = [line.split(":") for line in file.read_text().splitlines()]
    for row in rows:
        if row[0] == name:
            row[index] = value
    file.write_text("".join(":".join(row) + "\n" for row in rows))


def add_packages(names: list[str]) -> None:
    lines = []
    for name in names:
        package, version = pathlib.Path(name).name.split("_")[:2] if name.endswith(".deb") else (name, "1.0")
        lines.append(f"{package} {version} installed")
    new = {line.split()[0] for line in lines}
    kept = [line for line in knows("packages").splitlines() if line.split()[0] not in new]
    (FOLDER / "packages").write_text("".join(f"{line}\n" for line in [*kept, *lines]))


def trouble() -> None:
    """`kill` ends the caller, `hang` lasts, anything else is said before status 100."""
    file = FOLDER / f"trouble-{NAME}"
    if not file.exists():
        return
    text = file.read_text()
    if not text.startswith("always "):
        file.unlink()
    if text == "kill":
        os.kill(os.getppid(), signal.SIGKILL)
        sys.exit(1)
    if text == "hang":
        time.sleep(600)
    print(f"E: {text}", file=sys.stderr)
    sys.exit(100)


def apt_get() -> None:
    if "--fix-broken" in WORDS:
        (FOLDER / "audit").unlink(missing_ok=True)
    elif "install" in WORDS:
        words = WORDS[WORDS.index("install") + 1 :]
        names = [word for word in words if not word.startswith("-") and "::" not in word]
        add_packages(names)
        if "lightdm" in names:
            folder = ROOT / "etc/avahi"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "avahi-daemon.conf").write_text(
                "[server]\nuse-ipv4=yes\n#deny-interfaces=eth1\n[wide-area]\n"
            )
            (ROOT / "etc/X11").mkdir(exist_ok=True)
            link = ROOT / "etc/systemd/system/display-manager.service"
            if not link.is_symlink():
                link.symlink_to("/lib/systemd/system/lightdm.service")
    elif "full-upgrade" in WORDS and (FOLDER / "new-kernel").exists():
        kernel = knows("new-kernel")
        (ROOT / "boot" / f"vmlinuz-{kernel}").touch()
        (ROOT / "boot" / f"initrd.img-{kernel}").write_text("an archive")
        (ROOT / "lib/modules" / kernel).mkdir(exist_ok=True)


def dpkg() -> None:
    if WORDS[0] == "--compare-versions":
        sys.exit(0 if WORDS[1].split(".") > WORDS[3].split(".") else 1)
    elif "--configure" in WORDS:
        for entry in (ROOT / "var/lib/dpkg/updates").iterdir():
            entry.unlink()


def dpkg_query() -> None:
    every = len(WORDS) == 2
    lines = [line for line in knows("packages").splitlines() if every or line.split()[0] in WORDS]
    print(*lines, sep="\n")
    sys.exit(0 if len(lines) == len(WORDS) - 2 else 1)


def systemctl() -> None:
    verb, *words = WORDS
    if verb == "set-default":
        (FOLDER / "default-target").write_text(words[0])
    elif verb == "mask":
        for unit in words:
            link = ROOT / "etc/systemd/system" / unit
            link.unlink(missing_ok=True)
            link.symlink_to("/dev/null")
    elif verb == "reboot" and knows("reboots") != "ignored":
        (FOLDER / "rebooted").touch()
        os.kill(os.getppid(), signal.SIGKILL)


def useradd() -> None:
    name = WORDS[-1]
    for path, line in {
        "etc/passwd": f"{name}:x:{os.getuid()}:{os.getgid()}:{WORDS[-2]}:/home/{name}:/bin/bash",
        "etc/group": f"{name}:x:1000:",
        "etc/shadow": f"{name}:!:20000:0:99999:7:::",
        "etc/gshadow": f"{name}:!::",
    }.items():
        with (ROOT / path).open("a") as file:
            print(line, file=file)
    (ROOT / "home").mkdir(exist_ok=True)


def userdel() -> None:
    for path in ("etc/passwd", "etc/group", "etc/shadow", "etc/gshadow"):
        lines = (ROOT / path).read_text().splitlines(keepends=True)
        (ROOT / path).write_text("".join(line for line in lines if line.split(":")[0] != WORDS[-1]))


def pveum() -> None:
    users = json.loads(knows("realm") or "[]")
    if WORDS[:2] == ["user", "list"]:
        print(json.dumps(users))
    else:
        (FOLDER / "realm").write_text(json.dumps([*users, {"userid": WORDS[2]}]))


def chpasswd() -> None:
    for line in GIVEN.splitlines():
        name, crypt = line.split(":")
        edit("etc/shadow", name, 1, crypt)


GIVEN = sys.stdin.read() if NAME == "chpasswd" else ""
with (FOLDER / "calls.jsonl").open("a") as log:
    files = {
        word: oct((ROOT / word.lstrip("/")).stat().st_mode)
        for word in WORDS
        if word.endswith(".deb") and word.startswith("/")
    }
    print(
        json.dumps(
            {"words": [NAME, *WORDS], "input": GIVEN, "files": files, "environment": dict(os.environ)}
        ),
        file=log,
    )


def cut(moment: str) -> None:
    """Kills the caller at the call with the number that `kill-before` or `kill-after` holds."""
    number = len((FOLDER / "calls.jsonl").read_text().splitlines())
    if knows(f"kill-{moment}") == str(number):
        (FOLDER / f"kill-{moment}").unlink()
        os.kill(os.getppid(), signal.SIGKILL)
        sys.exit(1)


cut("before")
trouble()
match NAME:
    case "apt-get":
        apt_get()
    case "dpkg":
        dpkg()
    case "dpkg-query":
        dpkg_query()
    case "systemctl":
        systemctl()
    case "useradd":
        useradd()
    case "userdel":
        userdel()
    case "usermod":
        edit("etc/group", WORDS[2], 3, WORDS[3])
        edit("etc/gshadow", WORDS[2], 3, WORDS[3])
    case "chpasswd":
        chpasswd()
    case "pveum":
        pveum()
    case "update-initramfs" if knows("initramfs-trouble") != "nothing is written":
        (ROOT / "boot" / f"initrd.img-{WORDS[-1]}").write_text("an archive")
        if knows("initramfs-trouble"):
            sys.exit(knows("initramfs-trouble"))
cut("after")
