"""Tables, documents, logs and colours as they leave the process."""

from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path

import pytest

from osiris.cli.render import Output, log_more, logged
from osiris.secrets import redactor
from tests.cli.conftest import Osiris


def test_only_one_of_text_and_json_reaches_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    for as_json in (False, True):
        output = Output(json=as_json)
        output.document({"a": 1})
        output.line("text")
        output.table(("a",), [["b"]])
        output.note("beside")
        shown = capsys.readouterr()
        assert shown.err == "beside\n"
        if as_json:
            assert json.loads(shown.out) == {"a": 1}
        else:
            assert shown.out == "text\nA\nb\n"


def test_secrets_are_masked_on_every_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    """LESSONS 15, for what the command line prints."""
    redactor.add('pass"word/4711')
    output = Output(verbose=True)
    with warnings.catch_warnings(action="always"), logged(output):
        log_more()
        logging.getLogger("osiris.x").info("dsn %s", 'u:pass"word/4711@h')
        warnings.warn('pass"word/4711', stacklevel=1)
    output.line('pass"word/4711')
    output.note('pass"word/4711')
    output.table(("a",), [['pass"word/4711']])
    Output(json=True).document({"url": 'x?y=pass"word/4711'})
    shown = capsys.readouterr()
    assert "4711" not in shown.out + shown.err
    assert (shown.out + shown.err).count("***") == 7


def test_logs_of_osiris_show_only_when_verbose(capsys: pytest.CaptureFixture[str]) -> None:
    for verbose in (False, True):
        with logged(Output(verbose=verbose)):
            if verbose:
                log_more()
            logging.getLogger("osiris.x").debug("detail")
            logging.getLogger("osiris.x").warning("care")
        assert capsys.readouterr().err == ("debug: detail\nwarning: care\n" if verbose else "warning: care\n")


def test_quiet_keeps_results_and_drops_messages(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(quiet=True)
    output.line("result")
    output.done("done")
    output.note("message")
    assert capsys.readouterr() == ("result\n", "")


def test_a_poor_terminal_gets_escapes_instead_of_a_failure(osiris_process: Osiris, tmp_path: Path) -> None:
    assert osiris_process("init", "žluť", PYTHONIOENCODING="ascii").out.startswith("wrote \\u017elu\\u0165/")
    as_json = osiris_process("init", "kůň", "--json", PYTHONIOENCODING="ascii")
    assert as_json.document("init")["project"] == "kůň"
    assert (tmp_path / "kůň/osiris.yaml").is_file()


def test_text_that_no_encoding_holds_stays_json(capsys: pytest.CaptureFixture[str]) -> None:
    Output(json=True).document({"name": "caf\udce9"})
    assert json.loads(capsys.readouterr().out) == {"name": "caf\udce9"}
