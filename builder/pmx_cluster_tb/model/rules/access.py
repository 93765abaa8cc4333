"""Who may log in."""

from pmx_cluster_tb.model.credentials import HASH_HINT
from pmx_cluster_tb.model.lines import KeyPath
from pmx_cluster_tb.model.report import Report
from pmx_cluster_tb.model.shape import Shape
from pmx_cluster_tb.model.ssh_keys import is_certificate
from pmx_cluster_tb.model.tables import AccessTable, FileTable, UserTable

_USER: KeyPath = ("access", "user")

_HASH_FILE_HINT = (
    '`(umask 077; pmx-cluster-tb hash-password > root.hash)`, then `root-password-hash-file = "root.hash"`'
)


def _one_hash(table: KeyPath, shape: type[Shape], name: str, report: Report) -> bool:
    """Whether the table at `table` gives a hash, by itself or in a file, or tries to; both are an error."""
    given = [key for key in (name, f"{name}-file") if report.has((*table, key))]
    if len(given) == 2:
        report.error((*table, given[1]), f"only one of `{given[0]}` and `{given[1]}` may be given")
    return bool(given) or any(report.has((*table, mistaken)) for mistaken in shape.MISTAKEN)


def _root_hash(file: FileTable, report: Report) -> None:
    if file.access and not _one_hash(("access",), AccessTable, "root-password-hash", report):
        report.error(
            ("access", "root-password-hash"),
            "is required, or else `root-password-hash-file`",
            _HASH_FILE_HINT,
        )


def _root_keys(file: FileTable, report: Report) -> None:
    path: KeyPath = ("access", "root-ssh-keys")
    if file.access and not file.access.root_ssh_keys and not _has_elements(path, report):
        report.warning(
            path,
            "there is no key for root, so the password is the only way in over the network",
            '`root-ssh-keys = ["..."]` with a line of `~/.ssh/id_ed25519.pub`, which '
            "`ssh-keygen -t ed25519` makes",
        )


def _certificates(file: FileTable, report: Report) -> None:
    access = file.access
    user = access and access.user
    lists = [
        (("access", "root-ssh-keys"), access and access.root_ssh_keys),
        ((*_USER, "ssh-keys"), user and user.ssh_keys),
    ]
    for path, keys in lists:
        if any(map(is_certificate, keys or ())):
            report.warning(
                path,
                "a certificate lets nobody in by itself: sshd looks for the key that signed it",
                "the public key of that authority, behind the option `cert-authority`",
            )


def _user_can_log_in(file: FileTable, report: Report) -> None:
    user = file.access and file.access.user
    if not user:
        return
    has_hash = _one_hash(_USER, UserTable, "password-hash", report)
    if not has_hash and not user.ssh_keys and not _has_elements((*_USER, "ssh-keys"), report):
        report.error(
            _USER,
            "must have `password-hash`, `password-hash-file` or `ssh-keys`: nobody can log in",
            HASH_HINT,
        )


def _has_elements(path: KeyPath, report: Report) -> bool:
    """Whether the list is not empty, or is no list at all, as is reported elsewhere."""
    return report.has((*path, 0)) or report.is_wrong(path)


def _desktop_user(file: FileTable, report: Report) -> None:
    if not (file.extras and file.extras.desktop and file.access):
        return
    path = ("extras", "desktop")
    if not report.has(_USER):
        report.error(
            path, "needs `access.user`: a desktop is not for root", '`[access.user]` with `name = "..."`'
        )
    elif not any(report.has((*_USER, key)) for key in ("password-hash", "password-hash-file")):
        report.warning(
            path, "`access.user` has no password, without which the desktop lets nobody in", HASH_HINT
        )


RULES = (_root_hash, _root_keys, _certificates, _user_can_log_in, _desktop_user)
