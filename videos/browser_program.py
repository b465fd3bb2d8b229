"""Drives chromium: one order of JSON a line comes in, one answer goes out.

Runs in an environment of its own (``videos/requirements.txt``), which nothing else of this project needs.
"""

from __future__ import annotations

import json
import shutil
import sys
from typing import Any


class Pages:
    """The open pages by name."""

    def __init__(self, browser: Any) -> None:
        self._browser = browser
        self._pages: dict[str, Any] = {}

    def open(self, name: str, url: str, size: dict[str, int], scheme: str = "light", scale: float = 1.0) -> None:
        """Open an address, or go there with a page that is open."""
        if name not in self._pages:
            self._pages[name] = self._browser.new_page(
                viewport=size, color_scheme=scheme, locale="en-GB", device_scale_factor=scale
            )
            self._pages[name].set_default_timeout(60_000)
        self._pages[name].goto(url, wait_until="load")

    def script(self, name: str, path: str) -> None:
        """Load a script or a style sheet of this machine."""
        if path.endswith(".css"):
            self._pages[name].add_style_tag(path=path)
        else:
            self._pages[name].add_script_tag(path=path)

    def run(self, name: str, script: str, value: Any = None) -> Any:
        """Run a function of JavaScript in a page; its value is the answer."""
        return self._pages[name].evaluate(script, value)

    def shoot(self, name: str, path: str, *, whole: bool = False) -> None:
        """Take a picture of what is seen, or of the whole page."""
        self._pages[name].screenshot(path=path, full_page=whole, animations="disabled", caret="initial")

    def wait(self, name: str, selector: str) -> None:
        """Wait until something is seen."""
        self._pages[name].locator(selector).first.wait_for(state="visible")

    def click(self, name: str, selector: str, *, double: bool = False) -> None:
        """Click something."""
        found = self._pages[name].locator(selector).first
        if double:
            found.dblclick()
        else:
            found.click()

    def press(self, name: str, key: str) -> None:
        """Press a key, or several with blanks between them."""
        for one in key.split(" "):
            self._pages[name].keyboard.press(one)

    def write(self, name: str, text: str) -> None:
        """Type a text."""
        self._pages[name].keyboard.type(text)

    def rest(self, name: str, seconds: float) -> None:
        """Let a page settle."""
        self._pages[name].wait_for_timeout(seconds * 1000)

    def close(self, name: str) -> None:
        """Close a page."""
        self._pages.pop(name).close()


def main() -> int:
    """Serve orders until the input ends."""
    from playwright.sync_api import sync_playwright  # type: ignore[import-not-found,unused-ignore] # noqa: PLC0415

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        print(json.dumps({"error": "chromium is missing"}), flush=True)
        return 1
    flags = ["--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--font-render-hinting=none"]
    with sync_playwright() as playwright:
        pages = Pages(playwright.chromium.launch(executable_path=chromium, args=flags))
        for line in sys.stdin:
            order = json.loads(line)
            try:
                answer = {"value": getattr(pages, order.pop("do"))(**order)}
            except Exception as error:  # noqa: BLE001 - whatever a page does is told to the one who ordered
                answer = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps(answer), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
