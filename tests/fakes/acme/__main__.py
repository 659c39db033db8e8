"""`pgsluice` with Acme for a provider."""

from fakes.acme.provider import install
from pgsluice.cli import main

install()
main()
