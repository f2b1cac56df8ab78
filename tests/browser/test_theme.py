"""Both themes keep text readable: 4.5:1 for words, 3:1 for marks (WCAG 2.2, 1.4.3 and 1.4.11)."""

import pytest
from django.urls import reverse
from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SURFACES = ("page", "surface", "raised", "sunken", "hover", "selected")
WORDS = ("text", "text-soft", "text-faint", "accent", "critical", "high", "medium", "low", "good", "notice")
ON_THEIR_OWN = ("critical", "high", "medium", "low", "good", "notice")
MARKS = (
    "critical-mark",
    "high-mark",
    "medium-mark",
    "low-mark",
    "series-1",
    "series-2",
    "focus",
    "border-control",
)

CONTRAST = """(pairs) => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const probe = document.body.appendChild(document.createElement("span"));
  const luminance = (token) => {
    probe.style.color = `var(--${token})`;
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = getComputedStyle(probe).color;
    pen.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3).map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  return pairs.map(([one, other]) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return [one, other, (high + 0.05) / (low + 0.05)];
  });
}"""


def weak(page: Page, pairs: list[tuple[str, str]], least: float) -> list[tuple[str, str, float]]:
    return [(a, b, round(ratio, 2)) for a, b, ratio in page.evaluate(CONTRAST, pairs) if ratio < least]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_and_marks_stand_out(page: Page, theme: str) -> None:
    page.emulate_media(color_scheme=theme)
    page.goto(reverse("sign_in"))
    words = [(word, surface) for word in WORDS for surface in SURFACES]
    words += [(tone, f"{tone}-soft") for tone in ON_THEIR_OWN] + [("text-on-accent", "accent")]
    assert weak(page, words, 4.5) == []
    assert weak(page, [(mark, "page") for mark in MARKS], 3.0) == []
