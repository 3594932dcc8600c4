"""An installation of the emulator and its SDK, and what one does with it."""

import os
import pathlib
import subprocess

import harness

DEADLINE_S = 120

# /usr/bin first: an integration test of a scaffold takes the first python3, and Debian's has the module websocket.
PATH = "/usr/bin:/bin"

HANDLER = """#include <apigw/plugin.h>

static int echo(const struct apigw_event *event, struct apigw_context *context)
{
    return apigw_respond(context, 200, event->body);
}

APIGW_PLUGIN("mine", "1.0.0", APIGW_HANDLER("mine", echo));
"""


class Failed(AssertionError):
    pass


class Installation:
    """A folder with bin/, include/, lib/, share/ in it."""

    def __init__(self, prefix):
        self.prefix = pathlib.Path(prefix)
        self.program = self.prefix / "bin" / "apigw"

    def environment(self):
        """As after installing to a place that no tool knows by itself: only PATH tells where it is."""
        configs = ":".join(map(str, self.prefix.glob("lib/**/pkgconfig")))
        return {
            **{name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ},
            "PATH": f"{self.prefix}/bin:{PATH}",
            "PKG_CONFIG_PATH": configs,
        }

    def run(self, *command, cwd, status=0):
        result = subprocess.run(
            list(map(str, command)),
            cwd=cwd,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        if result.returncode != status:
            raise Failed(f"{command} ended with {result.returncode}:\n{result.stdout}")
        return result.stdout

    def shell(self, script, cwd):
        return self.run("sh", "-ec", script, cwd=cwd)

    def serve(self, start, folder, config):
        """The installed program, serving."""
        return start(config, folder=folder, program=self.program)

    def manual(self, page):
        """The text of a manual page."""
        (path,) = self.prefix.glob(f"share/man/man?/{page}.gz")
        return self.shell(f"zcat '{path}' | mandoc -T ascii | col -b", cwd=self.prefix)


def api_of(plugin, handler="mine"):
    return harness.api(
        routes={"$default": {"function": "mine", "routeResponse": True}},
        functions={"mine": {"plugin": plugin, "handler": handler}},
    )
