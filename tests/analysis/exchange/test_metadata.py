import io

from lxml import etree

from analysis.exchange.codebook import chunks_of
from analysis.exchange.metadata import DDI, ddi, triple_s, triple_s_data

LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def test_ddi_has_every_language_and_every_reason(book):
    root = etree.fromstring(ddi(book, cases=700, file_name="data.csv", design="register sample"))
    space = {"d": DDI}
    labels = root.findall(".//d:var[@name='sex']/d:labl", space)
    assert [label.get(LANG) for label in labels] == ["en", "ar"]
    missing = root.findall(".//d:var[@name='sex']/d:catgry[@missing='Y']/d:catValu", space)
    assert [value.text for value in missing] == ["-1", "-2", "-3", "-4", "-5"]
    group = root.find(".//d:varGrp", space)
    assert group is not None
    assert group.get("var") == "V_help_work V_help_home"
    assert root.findtext(".//d:caseQnty", namespaces=space) == "700"


def test_triple_s_definition_and_data_fit(columns, book):
    root = etree.fromstring(triple_s(book, date="2026-11-02"))
    kinds = [v.get("type") for v in root.findall(".//variable")]
    assert kinds == ["single", "multiple", "quantity"]
    file = io.BytesIO()
    assert triple_s_data(file, book, chunks_of(columns, 300)) == 700
    lines = file.getvalue().decode().splitlines()
    assert lines[0] == '"sex","help","age"'
    assert len(lines) == 701
    codes = {value.get("code") for value in root.findall(".//variable[@ident='1']/values/value")}
    used = {line.split(",")[0] for line in lines[1:]} - {""}
    assert used <= codes
    assert all(len(line.split(",")[1]) == 2 for line in lines[1:])


def test_control_characters_do_not_break_xml(book):
    from dataclasses import replace

    broken = replace(book, title={"en": "Bell\x07 and \x00zero"})
    assert etree.fromstring(ddi(broken, cases=0, file_name="x")) is not None
