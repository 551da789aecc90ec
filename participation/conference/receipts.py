"""Receipts: six words, drawn at random on the phone, kept inside the ballot as six indices.

They are shown in the reader's language, or as numbers where there is no list. Where the list of ballots is
not published, the receipt alone opens a ballot, so nobody may come upon one by asking: six of 256 words are
48 bits. A receipt proves nothing about a person and changes nothing; whoever sends a ballot may choose one
that another ballot has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from participation.conference.ballotform import RECEIPT, WORDS

_DE = """
Abend Acker Adler Ahorn Alge Allee Ameise Amsel Anker Apfel April Arena Asche Atlas Auge August Aula
Bach Balkon Ball Balsam Bambus Band Bank Basar Baum Beere Beet Berg Besen Biber Biene Bild Birke Birne
Blatt Blau Blitz Blume Bogen Bohne Boot Brief Brille Brot Brunnen Buche Bucht Bühne Bus Busch Butter
Dach Dachs Dattel Deich Delfin Dill Dorf Drachen Düne Ecke Efeu Eiche Eimer Eis Elch Ente Erbse Erde
Esche Esel Eule Fabel Faden Fahne Farbe Farn Feder Feige Feld Fenster Ferne Feuer Film Finger Fink Fisch
Flagge Flöte Fluss Foto Frosch Fuchs Gabel Gans Garten Gasse Gelb Gipfel Giraffe Glas Glocke Gold Grün
Gurke Hafen Hafer Halle Hammer Harfe Hase Haus Hecht Hecke Heft Helm Herbst Herz Himmel Hirsch Hof Holz
Honig Hose Hügel Hund Hut Igel Insel Jacke Januar Juli Juni Käfer Kahn Kamel Kamin Kanne Karte Käse
Kerze Kette Kiefer Kirsche Kissen Klang Klee Knopf Koffer Komet Korb Korn Kran Kranz Kreis Krone Küche
Kugel Kuh Kürbis Küste Lachs Lager Lampe Laub Laterne Leiter Lerche Licht Liebe Lied Linde Linse Löffel
Löwe Luft Mai Malve Mandel Mantel Markt Mast Mauer Maus Meer Mehl Melone Milch Minze Mohn Mond Morgen
Möwe Mühle Münze Mütze Nacht Nebel Nest Netz Nuss Ofen Olive Onkel Orgel Otter Palme Papier Park Pfad
Pfeil Pferd Pilz Pinsel Platz Post Quark Quelle Rabe Rad Rahmen Regal Regen Reis Ring Rose Rot Rübe
Ruder Salz Samt Sand Schaf Schiff Schnee Schuh Schwan See Segel Seide Sichel Silber Sofa Sommer Sonne
Spatz Spiegel Stein Stern Stuhl Tanne Tasse Tisch Turm Wald
"""
_EN = """
acorn air alley almond anchor angle ant apple April apron arch arrow atlas August autumn badge bag baker
ball bamboo band bank barley barn basil basket bay bead beam bean bear beaver bed bee bell bench berry
bike birch bird blanket blue boat bone book boot bottle bowl box branch bread brick bridge brook broom
brush bucket bus bush butter button cabin cake camel camera candle cap card carpet carrot cart castle
cat cellar chain chair chalk cheese cherry chest circle city clay cliff clock cloud clover coast coat
coin comb comet copper coral cork corn cotton cow crane cream cup curtain daisy dance dawn deer desert
desk dish dog dolphin door dove drum duck dune eagle ear earth east egg elbow elm engine fabric falcon
farm feather fence fern field fig film finch finger fire fish flag flax flour flower flute fog forest
fork fountain fox frame frog fruit garden garlic gate ginger glass globe glove goat gold goose grape
grass green guitar hall hammer harbour harp hat hay hazel heart hedge hill honey hook horn horse hotel
house ice ink iron island ivy jacket jar jasmine July June kettle key king kite kitchen ladder lake lamp
lane lantern lark leaf lemon lentil letter lily linen lion lute map maple market mast meadow melon milk
mill mint mirror moon morning moss mountain mouse music needle nest net night north nut oak oats ocean
olive onion orange orchard otter oven owl paint palm paper park path peach pear pebble pen pepper piano
pine pipe planet plate
"""

#: Lists by language tag; a language without one shows numbers.
LISTS: dict[str, tuple[str, ...]] = {"de": tuple(_DE.split()), "en": tuple(_EN.split())}


def words(tag: str) -> tuple[str, ...]:
    """The list of a language (also of its variants), or nothing."""
    return LISTS.get(tag) or LISTS.get(tag.split("-", maxsplit=1)[0], ())


def draw(below: Callable[[int], int]) -> list[int]:
    """The indices of a new receipt; ``below(n)`` draws a whole number under n."""
    return [below(WORDS) for _word in range(RECEIPT)]


def parse(text: str) -> list[int]:
    """``12-200-0-7-31-255`` as indices; empty for anything else."""
    parts = text.split("-")
    if len(parts) != RECEIPT or not all(part.isdecimal() and int(part) < WORDS for part in parts):
        return []
    return [int(part) for part in parts]


def shown(receipt: Sequence[int], tag: str) -> list[str]:
    """The words of a receipt as people read them; numbers begin at 1."""
    known = words(tag)
    return [known[n] if known else str(n + 1) for n in receipt]


def find(text: str) -> list[list[int]]:
    """What a typed receipt can mean, in words of any list or in numbers; empty if it is none.

    A few words stand in two lists at different places, so there may be more than one meaning.
    """
    parts = [part.casefold() for part in re.split(r"[\s,;.-]+", text.strip())]
    if len(parts) != RECEIPT:
        return []
    if all(part.isdecimal() and 1 <= int(part) <= WORDS for part in parts):
        return [[int(part) - 1 for part in parts]]
    found = []
    for known in LISTS.values():
        index = {word.casefold(): n for n, word in enumerate(known)}
        if all(part in index for part in parts):
            found.append([index[part] for part in parts])
    return found
