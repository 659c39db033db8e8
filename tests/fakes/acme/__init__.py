"""A small vendor whose limits are strict, whose tokens rotate, and which takes several writes in one request; and its provider.

The vendor is a process's thread behind real HTTP: it counts what arrives and refuses what it must. The provider stands under the name
of one that the database knows; `install` puts it there, in this process or in one that `python -m fakes.acme poll` starts.
"""

from fakes.acme.fake import AcmeFake
from fakes.acme.provider import ACME, install

__all__ = ["ACME", "AcmeFake", "install"]
