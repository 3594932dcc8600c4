"""A real terminal (tmux) with a program in it: keys go in, what a person would see comes out."""

import os
import pathlib
import shlex
import subprocess
import tempfile

import harness


class Terminal:
    def __init__(self, command, env=None, width=80, height=24):
        self.folder = tempfile.TemporaryDirectory(prefix="tty", dir="/tmp")  # a socket's path is short
        self.width = width
        self.status_path = pathlib.Path(self.folder.name) / "status"
        variables = {"PATH": os.environ["PATH"], "HOME": self.folder.name, "LC_ALL": "C.UTF-8", **(env or {})}
        words = ["env", "-i", *(f"{name}={value}" for name, value in variables.items()), "TERM=screen", *map(str, command)]
        script = f"trap : INT; {shlex.join(words)}; echo $? > {self.status_path}.new; mv {self.status_path}.new {self.status_path}; exec cat"
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height), "sh", "-c", script)

    def _tmux(self, *arguments):
        done = subprocess.run(
            ["tmux", "-u", "-S", f"{self.folder.name}/socket", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env=harness.environment({"TMUX": None}),
        )
        return done.stdout

    def type(self, text):
        self._tmux("send-keys", "-l", text)

    def paste(self, text):
        """As from a clipboard: all at once."""
        path = pathlib.Path(self.folder.name) / "clipboard"
        path.write_text(text)
        self._tmux("load-buffer", str(path))
        self._tmux("paste-buffer")

    def press(self, *keys):
        """Keys by tmux's names: Enter, Up, C-c, …"""
        self._tmux("send-keys", *keys)

    def line(self, text):
        self.type(text)
        self.press("Enter")

    def screen(self, colours=False):
        """The lines that are seen, without empty ones at the end."""
        return self._tmux("capture-pane", "-p", *(["-e"] if colours else [])).rstrip("\n").split("\n")

    def history(self):
        """The same with those that have scrolled away, wrapped ones joined."""
        return self._tmux("capture-pane", "-p", "-J", "-S", "-").rstrip("\n")

    def wait(self, condition, what):
        """Until `condition(screen)` is true of the lines; returns them."""
        try:
            return harness.until(lambda: (lines := self.screen()) and condition(lines) and lines, what)
        except AssertionError as failure:
            raise AssertionError(f"{failure}; the terminal shows:\n" + "\n".join(self.screen())) from None

    def wait_text(self, text):
        return self.wait(lambda lines: text in "\n".join(lines), f"'{text}' in the terminal")

    def resize(self, width, height=24):
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def status(self):
        """The program's exit status, once it has ended."""
        return int(harness.until(lambda: self.status_path.exists() and self.status_path.read_text(), "it has ended"))

    def pid(self):
        return int(self._tmux("display-message", "-p", "#{pane_pid}"))

    def close(self):
        try:
            self._tmux("kill-server")
        except subprocess.CalledProcessError:
            pass  # it has ended by itself
        self.folder.cleanup()
