"""One file a verb; its `command` is what `osiris <file name>` runs. None imports more than click before it runs."""
