"""A connector in a package of its own: tables are Arrow files in a folder, behind a password."""
