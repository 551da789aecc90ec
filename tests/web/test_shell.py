"""The three page shells."""

import hashlib
import re
from base64 import b64encode

import pytest
from flask import render_template_string

from web import headers, shell


def test_inline_styles_are_allowed_by_their_hashes_only(client):
    response = client.get("/s/nowhere/at/all/404")
    style = re.search(r"<style>(.*?)</style>", response.text, re.DOTALL)[1]
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'self' 'sha256-{digest}'" in response.headers["Content-Security-Policy"]


def test_several_inline_styles_add_up(app):
    with app.test_request_context("/"):
        for name in ("respondent.css", "public.css", "respondent.css"):
            shell.inline_style(name)
        from flask import g

        assert len(g.policy["style_hashes"]) == 2
        headers.allow(frame_ancestors="*")
        assert len(g.policy["style_hashes"]) == 2


def test_the_respondent_shell_is_small(client):
    assert len(client.get("/s/nowhere/at/all/404").data) < 4000


@pytest.mark.parametrize(("tag", "side"), [("de", "ltr"), ("ar", "rtl")])
def test_language_links(app, tag, side):
    with app.test_request_context(f"/here?page=2&lang={tag}"):
        links = dict(shell.default_language_links())
        assert links["de"] == "/here?page=2&lang=de"
        page = render_template_string("{% extends 'public.html' %}")
        assert f'<html lang="{tag}" dir="{side}">' in page
        assert f'lang="{tag}" dir="{side}" hreflang="{tag}" aria-current="true"' in page


def test_languages_are_listed_german_and_english_first():
    assert shell.in_order({"ar", "en", "uk", "de", "de-simple"}) == ["de", "de-simple", "en", "ar", "uk"]


def test_respondent_pages_list_the_languages_they_are_given(app):
    with app.test_request_context("/s/x?lang=ar"):
        source = "{% extends 'respondent.html' %}"
        without = render_template_string(source)
        assert "languages" not in without.split("</style>")[1]
        with_links = render_template_string(source, language_links=[("de", "/s/x/de"), ("ar", "/s/x/ar")])
        assert '<a href="/s/x/de" lang="de" dir="ltr" hreflang="de">Deutsch</a>' in with_links
