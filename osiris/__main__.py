"""The `osiris` command: answers `--version` by itself, and loads the rest only when something else is asked."""

import sys


def main() -> int:
    """Run the command line of this process and return its exit code."""
    if sys.argv[1:] == ["--version"]:
        from osiris import __version__

        sys.stdout.write(f"osiris {__version__}\n")
        return 0
    import signal

    from osiris.cli.main import main as run

    code = run(sys.argv[1:])
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a late Ctrl-C ends what Python winds up, without a traceback
    return code


if __name__ == "__main__":
    sys.exit(main())
