"""Fixes applied to the text of manifests: what a fix does not touch stays as it is, byte for byte.

`nodes` tells where things are, `places` finds the one that a patch means, `layouts` and `renderings` say how new values
are written here, `splices` turns one operation into replacements of text, `documents` applies patches to a document and
proves the result, `fixing` goes on until nothing is left to fix.
"""

from plumbline.edits.fixing import Fixed, Remaining, fix_text

__all__ = ["Fixed", "Remaining", "fix_text"]
