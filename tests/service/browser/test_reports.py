"""*Reports*: the evaluator's pages, inside this one."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from tests.service.browser.conftest import Running

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def test_a_report_is_read_here(page: Page, service: Running) -> None:
    page.goto(f"{service.url}/#/reports")
    page.get_by_role("button", name="Read sface on lfw-dev").click()
    report = page.get_by_role("region", name="sface on lfw-dev")
    expect(report.get_by_role("heading", name="sface on lfw-dev")).to_be_visible()
    report.get_by_role("link", name="Probability").click()
    expect(report.get_by_role("heading", name="Probability").first).to_be_in_viewport()
    assert page.evaluate("location.hash") == "#/reports"
    page.get_by_role("button", name="All reports").click()
    expect(page.get_by_role("list", name="Reports")).to_be_visible()


def test_a_report_that_is_gone_is_told(page: Page, service: Running) -> None:
    page.route("**/v1/reports/lfw-dev", lambda route: route.fulfill(status=404, json={"status": 404, "detail": "gone"}))
    page.goto(f"{service.url}/#/reports")
    page.get_by_role("button", name="Read sface on lfw-dev").click()
    expect(page.get_by_role("main").get_by_text("That is not there")).to_be_visible()


def test_a_folder_is_named_where_its_title_does_not_tell_it(page: Page, service: Running) -> None:
    titles = {"cfp-ff": "sface on cfp-ff", "mine": "sface on people", "one": "two on one", "on": "two on one"}
    items = [{"name": name, "title": title, "url": f"/v1/reports/{name}"} for name, title in titles.items()]
    page.route("**/v1/reports", lambda route: route.fulfill(json={"items": items}))
    page.goto(f"{service.url}/#/reports")
    reports = page.get_by_role("list", name="Reports")
    expect(reports.locator(".name")).to_have_text(list(titles.values()))
    expect(reports.locator(".hint")).to_have_text(["mine", "one", "on"])
