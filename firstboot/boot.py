"""One run of first boot: count it, do the steps, say how it ended."""

from dataclasses import dataclass
from pathlib import Path

from firstboot.archive import run_name, settings_digest
from firstboot.installed_hook import is_installed_hook, remove_installed_hook, remove_other_hook
from firstboot.record import AT_BOOT, BY_HAND, Event, Record, boots_tried, failed_steps, finished_at
from firstboot.sequence import RequiredStepFailed, do_step, do_steps
from firstboot.settings import Settings
from firstboot.steps import all_steps
from firstboot.system import System

_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_PROGRAM = "/usr/sbin/pmx-ring"


@dataclass(frozen=True, slots=True)
class Boot:
    """First boot on `system` by the file `archive`; `by_hand` if a person started it and not the boot."""

    system: System
    archive: Path
    settings: Settings
    by_hand: bool

    def finish(self) -> bool:
        """Does all that is not done; whether the node is finished now."""
        record = self._record()
        if (time := finished_at(record.events())) and not self.system.dry_run:
            self.system.say(f"finished already at {time}: nothing to do")
            remove_installed_hook(self.system, record.run)
            return True
        self.system.say(f"node `{self.settings.node}` of cluster `{self.settings.cluster}`")
        if self._has_given_up(record):
            return False
        record.add("start", boot=_boot_id(), how=BY_HAND if self.by_hand else AT_BOOT)
        try:
            steps = all_steps(self.archive, self.settings, record)
            failed = do_steps(self.system, steps, record, self.settings.retry)
        except RequiredStepFailed as error:
            return self._end_without_success(record, [str(error)])
        if failed:
            return self._end_without_success(record, failed)
        if self.by_hand and not self.system.live:
            self.system.say("that is all that can be done from outside; its own first boot does the rest")
        elif not self.system.dry_run:
            self._succeed(record)
        return True

    def do_one(self, name: str) -> bool:
        """Does the step `name`, even if it is done already; whether it succeeded."""
        record = self._record()
        (step,) = (one for one in all_steps(self.archive, self.settings, record) if one.name == name)
        return do_step(self.system, step, record, self.settings.retry, again=True)

    def _record(self) -> Record:
        return Record(self.system, run_name(self.archive))

    def _has_given_up(self, record: Record) -> bool:
        events, most = record.events(), self.settings.retry.boots
        if self.by_hand or self.system.dry_run or boots_tried(events) < most:
            return False
        self._say_why(most, events)
        self.system.say(f"hint: `{self.archive}` by hand tries again")
        if not any(event["event"] == "gave-up" for event in events):
            record.add("gave-up", boots=most)
        return True

    def _say_why(self, boots: int, events: list[Event]) -> None:
        if not (failed := failed_steps(events)):
            begun = [str(event["step"]) for event in events if event["event"] == "step-start"]
            last = f", in `{begun[-1]}` last" if begun else ""
            self.system.say(f"gave up after {boots} boots; none of them came to an end{last}")
            return
        self.system.say(f"gave up after {boots} boots; the last one failed so:")
        for step, event in failed.items():
            self.system.say(f"{step}: {event.get('message')}")
            self.system.say(f"hint: {event.get('remedy')}")

    def _end_without_success(self, record: Record, failed: list[str]) -> bool:
        if not self.system.dry_run:
            record.add("unfinished", failed=failed)
            left = self.settings.retry.boots - boots_tried(record.events())
            again = (
                f"the next boot tries again, {left} at most" if left > 0 else "no further boot tries again"
            )
            there = self.system.path(_PROGRAM).exists()
            command = "pmx-ring first-boot" if there else "journalctl -u 'proxmox-first-boot*'"
            self.system.say(
                f"not finished, because of {', '.join(failed)}: {again}; `{command}` tells all of it"
            )
        return False

    def _succeed(self, record: Record) -> None:
        digest = settings_digest(self.archive)
        # before the success is on record: a power cut between must not leave both
        remove_other_hook(self.system, record.run)
        record.add("finished", settings=digest)
        is_copy = not is_installed_hook(self.system, self.archive)
        remove_installed_hook(self.system, record.run)
        if is_copy and self.settings.user and self.settings.user.password_hash:
            self.system.say(f"`{self.archive}` holds a password's hash: remove it when you are done")
        # the last line, which nothing but a success can print
        self.system.say(f"finished: {digest}")


def _boot_id() -> str:
    return Path(_BOOT_ID).read_text().strip()
