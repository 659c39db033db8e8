"""HTTP: a thin door onto the functions of the database."""
