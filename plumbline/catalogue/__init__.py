"""The library as a site of Markdown: pages for people who decide by it, not for those who run it."""

from plumbline.catalogue.sites import Catalogue, Staleness, compare, pages, write

__all__ = ["Catalogue", "Staleness", "compare", "pages", "write"]
