"""The mapping's page in a browser, by keyboard."""

import os
from pathlib import Path

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import staleness_of, visibility_of_element_located
from selenium.webdriver.support.wait import WebDriverWait

from migration_pipeline_tests.chromium import chromium
from migration_pipeline_tests.pages.served import Person


@pytest.mark.browser
@pytest.mark.behaviour("B20", "S27")
def test_an_agent_is_matched_and_a_field_skipped_by_keyboard_alone(person: Person, tmp_path: Path) -> None:
    with chromium(tmp_path / "chromium") as browser:
        browser.get(person.address)
        press(browser, until="look", key=Keys.SPACE)  # only what needs a look
        assert [shown(browser, title) for title in ("Bob", "Ann", "Notes")] == [True, False, True]
        bob = control(browser, "Bob", "target")
        press(browser, until=bob)
        ActionChains(browser).send_keys("Robert <rob@target.example> (102)").perform()
        notes = browser.find_element(By.XPATH, f"{line('Notes')}//input[@value='attribute']")
        while browser.switch_to.active_element != notes:
            ActionChains(browser).send_keys(Keys.TAB).perform()
        ActionChains(browser).send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT).perform()
        assert shown(browser, "Reason")  # which the workspace requires
        press(browser, until=control(browser, "Reason", "target"), key="Bug")
        page = browser.find_element(By.TAG_NAME, "html")
        ActionChains(browser).send_keys(Keys.ENTER).perform()
        WebDriverWait(browser, 20).until(staleness_of(page))
        WebDriverWait(browser, 20).until(visibility_of_element_located((By.CSS_SELECTOR, ".notice[role=status]")))
        assert "Saved: 3 entries." in browser.find_element(By.CSS_SELECTOR, ".notice[role=status]").text
        assert [shown(browser, title) for title in ("Bob", "Ann", "Notes", "Reason")] == [False, False, True, False]
        assert not browser.get_log("browser")  # type: ignore[no-untyped-call]  # the page's policy had to stop nothing
        keep = os.environ.get("MIGRATION_SCREENSHOTS")
        assert browser.save_screenshot(str((Path(keep) if keep else tmp_path) / "mapping-page.png"))
    now = person.mapping
    assert (now.agents["a2"].target, now.agents["a2"].matched_by) == ("102", "hand")
    assert (now.fields["12"].target, now.fields["12"].matched_by) == (None, "hand")
    assert now.fields["13"].matched_by == "near"
    assert now.defaults == {"Reason": "Bug"}


def line(title: str) -> str:
    return f"//article[.//h3[contains(., '{title}')]]"


def shown(browser: Chrome, title: str) -> bool:
    return browser.find_element(By.XPATH, line(title)).is_displayed()


def control(browser: Chrome, title: str, name: str) -> str:
    found = browser.find_element(By.XPATH, f"{line(title)}//*[contains(@name, '.{name}')]")
    return str(found.get_attribute("id"))


def press(browser: Chrome, until: str, key: str = "") -> None:
    """Go on by Tab to the control of this id, and press a key there."""
    for _ in range(200):
        if browser.switch_to.active_element.get_attribute("id") == until:
            ActionChains(browser).send_keys(key).perform()
            return
        ActionChains(browser).send_keys(Keys.TAB).perform()
    pytest.fail(f"{until} cannot be reached by Tab")
