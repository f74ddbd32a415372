"""A headless Chromium for tests: finding one, starting it in a home of its own, and leaving nothing of it behind.

The system's browser is taken where there is one. Elsewhere npm brings one: the package `@sparticuz/chromium` carries
the browser in its tarball, with the libraries it needs. It is held to its digest and unpacked once, 204 MB, into
`~/.cache/trainyard/chromium/VERSION`. `TRAINYARD_BROWSER=npm` takes that one in any case.
"""

import os
import platform
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.lifecycle.npm_package import CACHE, NotToBeHadError, Package, kept, member

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SYSTEM_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = Package(
    "@sparticuz/chromium",
    "153.0.0",
    "sha512-jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA==",
)
AXE = Package(
    "axe-core",
    "4.14.1",
    "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A screenshot is to be the same with any fonts' settings.
    "--font-render-hinting=none",
)
# Told by name: a violation would otherwise be a line in the console only, and that only in some browsers.
_WATCH = "addEventListener('securitypolicyviolation', (event) => console.error(`refused: ${event.violatedDirective}`));"


@dataclass(frozen=True, slots=True)
class Chromium:
    """A browser's program."""

    path: str
    environment: dict[str, str] = field(default_factory=dict)
    """What it needs beside the test's own."""
    flags: tuple[str, ...] = ()


def find_chromium() -> Chromium:
    """Return the system's browser, or npm's.

    Raises:
        NotToBeHadError: There is none.
    """
    if os.environ.get("TRAINYARD_BROWSER") != "npm":
        for name in SYSTEM_BROWSERS:
            if path := shutil.which(name):
                return Chromium(path)
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise NotToBeHadError(f"none of {', '.join(SYSTEM_BROWSERS)} on PATH, and {CHROMIUM} is for Linux on x86-64")
    folder = kept(CHROMIUM, CACHE / "chromium", unpack_chromium)
    libraries = [str(folder / "al2023" / "lib"), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
    environment = {"LD_LIBRARY_PATH": ":".join(libraries)}
    if not shutil.which("fc-match"):
        environment["FONTCONFIG_PATH"] = str(folder / "fonts")
    return Chromium(str(folder / "chromium"), environment, ("--no-zygote", "--disable-setuid-sandbox"))


def unpack_chromium(content: bytes, folder: Path) -> None:
    """Unpack the program, its libraries and fonts."""
    import brotli

    for name in ("al2023", "fonts"):
        with tarfile.open(fileobj=BytesIO(brotli.decompress(member(content, f"bin/{name}.tar.br")))) as tarball:
            tarball.extractall(folder / name, filter="data")
    program = folder / "chromium"
    program.write_bytes(brotli.decompress(member(content, "bin/chromium.br")))
    program.chmod(0o755)


def axe_script() -> str:
    """Return axe-core, which finds what keeps people from using a page.

    Raises:
        NotToBeHadError: npm does not bring it.
    """
    folder = kept(AXE, CACHE / "axe-core", partial(_unpack_file, "axe.min.js"))
    return (folder / "axe.min.js").read_text(encoding="utf-8")


def _unpack_file(name: str, content: bytes, folder: Path) -> None:
    (folder / name).write_bytes(member(content, name))


@contextmanager
def started(chromium: Chromium) -> Iterator["Browser"]:
    """Start the browser, and end it with all that it has written."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory(prefix="trainyard-browser-") as home, sync_playwright() as playwright:
        places = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "TMPDIR"), home)
        browser = playwright.chromium.launch(
            executable_path=chromium.path,
            args=[*FLAGS, *chromium.flags],
            env={**os.environ, **places, **chromium.environment},
            headless=True,
        )
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """A page, and what the browser has had to complain of. Nothing moves in it."""

    def __init__(self, browser: Any, path: Path, size: tuple[int, int], **given: Any) -> None:
        viewport = {"width": size[0], "height": size[1]}
        self.context = browser.new_context(viewport=viewport, reduced_motion="reduce", **given)
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.context.on("request", lambda request: self.requests.append(request.url))
        self.failed: dict[str, str] = {}
        self.context.on("requestfailed", lambda request: self.failed.update({request.url: request.failure}))
        self.page.add_init_script(_WATCH)
        self.page.goto(path.as_uri())

    def shown(self, selector: str) -> int:
        return int(self.page.locator(f"{selector}:visible").count())

    def evaluate(self, expression: str) -> Any:
        return self.page.evaluate(expression)
