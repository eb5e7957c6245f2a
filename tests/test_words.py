"""Words that textbooks have better ones for stay out of the package, its options and its pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
# Replaced word, as a regular expression, and the word that stands for it now.
REPLACED = {
    r"learnt|taught|(un)?taught_\w*|teach(es)?|lessons?": "trained, trained on, training data, pseudo-labels",
    r"(to )?learns?(?!ed|ing|-)": "train, fit",
    r"(?<!of )course(?!s? of)": "self-training",
    r"refuted": "negatives",
    r"(by )?chance": "null, significance, false-alarm rate",
    r"trials": "injection test",
    r"outbursts?|gone wild": "bursts, burst mask",
    r"usual gain": "reference gain",
    r"likeness": "similarity",
    r"famil(y|ies)": "multiplets",
    r"parcels?": "patch groups",
    r"own terms": "nuisance terms, block terms",
    r"retrac(e|ed|ing)": "eikonal ray tracing",
    r"settling|settled?": "pick assignment, converged",
    r"witness(es)?": "checksums, corroborating data",
    r"accounting": "quality log",
    r"UnusableInput": "InputError",
    r"effort": "training fraction",
    r"anew": "again",
    r"likewise": "also",
    r"_?(most|fewest|least|longest|shortest|largest|smallest)_\w+": "max_, min_",
    r"_?(MOST|FEWEST|LEAST|LONGEST|SHORTEST|LARGEST|SMALLEST)(_[A-Z_]+)?": "MAX_, MIN_",
}
ALLOWED = re.compile(
    r"scikit-learn|\bsklearn\b|(machine|deep|representation)[- ]learn\w*|least[_ -]squares"
    r"|of course|corrected for chance|most_common|let networks learn"
)
PATTERN = re.compile(r"(?<![\w-])(?:" + "|".join(f"(?:{word})" for word in REPLACED) + r")(?![\w])")
PACKAGE_FILES = [
    path
    for path in (REPOSITORY / "src" / "selfseis").rglob("*")
    if path.suffix in {".py", ".html", ".js"} and path.is_file()
]
PAGES = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *(REPOSITORY / "docs").glob("*.md")]


def replaced_words(text: str) -> list[str]:
    """Return each line that holds a replaced word, with its number and the word."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        for match in PATTERN.finditer(ALLOWED.sub("", line)):
            found.append(f"{number}: {match.group()!r} in {line.strip()[:100]}")
    return found


@pytest.mark.parametrize("path", [*PACKAGE_FILES, *PAGES], ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_replaced_words_stay_out(path: Path) -> None:
    assert replaced_words(path.read_text(encoding="utf-8")) == []


def test_the_list_finds_what_it_names() -> None:
    assert (
        len(replaced_words("what was learnt\nby chance\nmost_steps\nFEWEST_DATA = 3\nwith little effort"))
        == 5
    )
    assert (
        replaced_words("scikit-learn, machine learning, least_squares, of course, max_steps, learning_rate")
        == []
    )
