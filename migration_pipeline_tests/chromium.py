"""A headless Chromium that reaches nothing but loopback, for tests of what a person sees and does."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium import webdriver

_CHROMIUM, _DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
_FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--window-size=1500,1100",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]  # fmt: skip


@contextmanager
def chromium(folder: Path) -> Iterator[webdriver.Chrome]:
    """A browser with its profile in `folder`; the test is skipped where there is none."""
    if not (_CHROMIUM and _DRIVER):
        if os.environ.get("MIGRATION_REQUIRE_BROWSER"):
            pytest.fail("chromium and chromedriver are not installed, and this machine must run the browser test")
        pytest.skip("the browser test needs chromium and chromedriver, which are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = _CHROMIUM
    for flag in [*_FLAGS, f"--user-data-dir={folder}"]:
        options.add_argument(flag)
    driver = webdriver.Chrome(options, webdriver.ChromeService(_DRIVER))
    try:
        yield driver
    finally:
        driver.quit()
