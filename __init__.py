"""pgsluice: SaaS APIs as streams that live in your own Postgres.

The database is the product (`sql/`); this package moves bytes between vendors and its functions. Start reading at `sql/install.sql`.
"""

__version__ = "0.1.0"
