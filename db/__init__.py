"""The only Python that speaks SQL: connections, migrations, one thin method per public function, and a private PostgreSQL."""
