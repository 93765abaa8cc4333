"""The console against shells and gettys on pseudo terminals, with a kernel's noise between their lines."""

import socket
from pathlib import Path

import pytest

from pmx_cluster_tb.machines.console import Console, ConsoleClosed
from pmx_cluster_tb.machines.failure import MachineFailed
from tests.machines.fake_guest import guest, read_line, shell, within

NOISE = b"[  17.123456] virtio_net virtio1 en05: renamed from eth0\r\n"
BASH = ("bash", "--norc", "-i")


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands leave their output in the guest's temporary folder, and these guests are this machine."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("noise", [b"", NOISE], ids=["quiet", "noisy"])
@pytest.mark.parametrize("program", [BASH, ("sh", "-i")], ids=["bash", "sh"])
def test_commands(program: tuple[str, ...], noise: bytes) -> None:
    with shell(*program, noise=noise) as line:
        console = Console("pve1", line)
        console.take_shell(within(20))
        assert console.run("echo one; echo two >&2; exit 3", within(20)).status == 3
        assert console.run("printf 'a\\nb'", within(20)).output == "a\nb"
        assert console.run("echo \"it's\"\necho 'two lines'", within(20)).output == "it's\ntwo lines\n"
        assert console.run("seq 1 5000", within(20)).output.split() == [str(n) for n in range(1, 5001)]
        assert console.run(f"printf %s {'x' * 9000} | wc -c", within(20)).output.strip() == "9000"
        assert console.run("echo $((6 * 7)); cat", within(20)).output == "42\n"
        console.close()


@pytest.mark.slow
def test_command_without_end() -> None:
    with shell(*BASH) as line:
        console = Console("pve1", line)
        console.take_shell(within(20))
        console.run("echo said before", within(20))
        with pytest.raises(MachineFailed) as error:
            console.run("echo begins; sleep 600", within(1))
        assert error.value.message.startswith("pve1: no end of `echo begins; sleep 600` within 1 s\n")
        assert "pmx:" not in error.value.message
        # it was interrupted, and the shell goes on
        assert console.run("echo next", within(20)).output == "next\n"
        console.close()


@pytest.mark.slow
def test_echo_is_no_shell() -> None:
    """A line that comes back by echo alone never counts as a shell or as a command's end."""

    def echo(line: socket.socket) -> None:
        while typed := line.recv(4096):
            line.sendall(typed)

    with guest(echo) as line:
        console = Console("pve1", line)
        with pytest.raises(MachineFailed, match="no shell within 1 s"):
            console.take_shell(within(1))
        with pytest.raises(MachineFailed, match="no end of `echo x` within 1 s"):
            console.run("echo x", within(1))
        console.close()


def getty(line: socket.socket, *, refuses: bool = False) -> None:
    """A login among noise: the prompt is torn, the first name that is typed gets lost."""
    line.sendall(b"\r\nDebian GNU/Linux 12 pve1 ttyS0\r\n\r\npve1 login: " + NOISE)
    read_line(line)
    line.sendall(b"\r\npve1 login: ")
    assert read_line(line) == "root"
    line.sendall(NOISE + b"Password: ")
    assert read_line(line) == "secret"
    if refuses:
        line.sendall(b"\r\nLogin incorrect\r\npve1 login: ")
        read_line(line)
        return
    line.sendall(b"\r\nLinux pve1\r\nLast login: Sun Nov 22 15:02:11 CET 2026 on ttyS0\r\n" + NOISE)
    answer_shell(line)


def answer_shell(line: socket.socket) -> None:
    """Says what a shell would to `echo`, and nothing else."""
    while True:
        typed = read_line(line)
        if typed.startswith("echo "):
            line.sendall(NOISE + typed.removeprefix("echo ").replace("'", "").encode() + b"\r\n")


@pytest.mark.slow
def test_login_among_noise() -> None:
    with guest(getty) as line:
        console = Console("pve1", line)
        console.log_in("root", "secret", within(20))
        console.close()


def getty_with_a_late_prompt(line: socket.socket) -> None:
    """Asks for a name once more when somebody is in already."""
    line.sendall(b"\r\npve1 login: ")
    read_line(line)
    line.sendall(b"Password: ")
    read_line(line)
    line.sendall(b"\r\npve1 login: ")
    assert read_line(line) == "root"
    line.sendall(b"root: command not found\r\nroot@pve1:~# ")
    answer_shell(line)


def test_login_with_a_late_prompt() -> None:
    with guest(getty_with_a_late_prompt) as line:
        console = Console("pve1", line)
        console.log_in("root", "secret", within(20))
        console.close()


def test_login_is_refused() -> None:
    with guest(lambda line: getty(line, refuses=True)) as line:
        console = Console("pve1", line)
        with pytest.raises(MachineFailed) as error:
            console.log_in("root", "secret", within(20))
        assert error.value.message.startswith("pve1: login as `root` is refused\n")
        console.close()


def test_deadline_says_what_came_last() -> None:
    def wait(line: socket.socket) -> None:
        line.sendall(b"\x1b[1mone\x1b[0m\r\ntwo\r\n[ *** ] waits")
        line.recv(1)

    with guest(wait) as line:
        console = Console("pve1", line)
        console.expect("waits", within(20))
        with pytest.raises(MachineFailed) as error:
            console.expect("three", within(0.5))
        assert error.value.message == (
            "pve1: no `three` within 0.5 s\nthe console of pve1 said last:\n  one\n  two\n  [ *** ] waits"
        )
        console.close()


def test_machine_goes_off() -> None:
    with guest(lambda line: line.sendall(b"reboot: Power down\r\n")) as line:
        console = Console("pve1", line)
        with pytest.raises(
            ConsoleClosed, match=r"the machine went off before the `login`\n.*\n  reboot: Power down"
        ):
            console.expect("login", within(20))
        console.close()


def test_much_output_that_nobody_waits_for_holds_nothing_up() -> None:
    done: list[int] = []

    def talk(line: socket.socket) -> None:
        for number in range(40_000):
            line.sendall(b"line %d\r\n" % number)
            done.append(number)

    lines: list[str] = []
    with guest(talk) as line:
        console = Console("pve1", line, lines.append)
        console.expect("line 39999", within(50))
        console.close()
    assert len(done) == 40_000
    assert lines[0] == "line 0"
    assert len(lines) == 40_000


def test_transcripts_are_shown_without_control_characters() -> None:
    with guest(lambda line: line.sendall("\x1b[2J\x1b[01;31mröt\x07\x00\xff\r\n".encode())) as line:
        console = Console("pve1", line)
        console.expect("\r\n", within(20))
        assert console.last_lines() == "the console of pve1 said last:\n  rötÿ"
        console.close()
