"""As for every test of the studio: a home of its own, and nothing is collected in a worker's thread."""

from tests.studio.conftest import no_stray_collection, own_home  # noqa: F401 (fixtures for every test)
