"""Writes src/text/clip/entities.ts from Python's table of HTML's entities: python3 scripts/html-entities.py"""

from html.entities import html5
from itertools import groupby
from pathlib import Path

HEADER = '''/**
 * @file HTML's named entities, written by scripts/html-entities.py: a name, "!" where it counts without a semicolon
 * too, and its code points.
 * @see https://html.spec.whatwg.org/multipage/named-characters.html
 */

/** By first letter, entries between commas. */
export const ENTITIES: readonly string[] = [
'''


def entry(name: str) -> str:
    codes = "+".join(f"{ord(one):x}" for one in html5[name + ";"])
    return f"{name}{'!' if name in html5 else ''} {codes}"


names = sorted(name[:-1] for name in html5 if name.endswith(";"))
assert all(name.endswith(";") or html5[name + ";"] == value for name, value in html5.items())
lines = [f'  "{",".join(map(entry, group))}",\n' for _, group in groupby(names, lambda name: name[0])]
target = Path(__file__).parent.parent / "src/text/clip/entities.ts"
target.write_text(HEADER + "".join(lines) + "];\n", encoding="utf-8")
