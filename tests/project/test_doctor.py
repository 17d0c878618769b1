"""Doctor: each connection inside its deadline, the JSON of the design, exit codes that say what happened."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from osiris.diagnosis import Diagnosis, Level
from osiris.errors import ConfigError
from osiris.project import DoctorReport, Project
from tests.packages import SPEC, write_package
from tests.project.conftest import Make
from tests.toybox import installed

MANY = """\
version: 1
connections:
  toybox:
    good: {folder: box, password: '${BOX_PASSWORD}', default: true}
    unset: {folder: box, password: '${GONE_PASSWORD}'}
    wrong: {folder: box, password: '${WRONG_PASSWORD}'}
    typo: {folder: box, pasword: x}
    both: {foldr: box, password: '${GONE_PASSWORD}'}
    silent: {folder: box, password: '${BOX_PASSWORD}', behaviour: silent}
    old: {folder: box, password: '${BOX_PASSWORD}', behaviour: old}
    exits: {folder: box, password: '${BOX_PASSWORD}', behaviour: exits}
    no_checks: {folder: box, behaviour: no checks}
    vault: {folder: box, password: '${toyvault:broken}'}
    slow_vault: {folder: box, password: '${toyvault:slow}'}
"""


def diagnose(make: Make, *aliases: str, level: Level = "quick", timeout_s: float = 5.0) -> Any:
    """The JSON of one or more connections of MANY, by alias."""
    project = make(MANY, WRONG_PASSWORD="canary-wrong-password")
    report = project.doctor([f"@toybox.{alias}" for alias in aliases], level=level, timeout_s=timeout_s)
    found = report.to_json()["results"]["toybox"]
    return found[aliases[0]] if len(aliases) == 1 else found


def statuses(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(check["id"], check["status"]) for check in found["checks"]]


def test_a_good_connection_passes_every_check(make: Make) -> None:
    found = diagnose(make, "good")
    assert (found["status"], found["ok"], found["category"], found["hint"]) == ("success", True, "ok", None)
    assert statuses(found) == [
        ("config.schema", "ok"),
        ("secrets.resolved", "ok"),
        ("net.tcp", "ok"),
        ("auth.login", "ok"),
        ("server.version", "ok"),
    ]
    assert all(set(check) >= {"id", "status", "ms", "message"} for check in found["checks"])


def test_an_unset_variable_is_a_failed_check_of_the_config(make: Make) -> None:
    """LESSONS 18: an unset variable was "unknown"."""
    found = diagnose(make, "unset")
    assert (found["status"], found["category"]) == ("failure", "config")
    assert found["message"] == "the variable GONE_PASSWORD is not set"
    assert statuses(found) == [("config.schema", "ok"), ("secrets.resolved", "failure")]


def test_a_wrong_field_is_one_too(make: Make) -> None:
    found = diagnose(make, "typo")
    assert (found["category"], found["hint"]) == ("config", 'did you mean "password"?')
    assert statuses(found) == [("config.schema", "failure"), ("secrets.resolved", "ok")]
    assert statuses(diagnose(make, "both")) == [("config.schema", "failure"), ("secrets.resolved", "failure")]


def test_a_wrong_password_is_an_auth_failure_with_the_place_to_look_at(make: Make) -> None:
    """LESSONS 18: doctor passed with a wrong Supabase key."""
    found = diagnose(make, "wrong")
    assert (found["status"], found["category"]) == ("failure", "auth")
    assert found["hint"] == "check password: ${WRONG_PASSWORD}"
    assert found["message"] == "'***' does not open the box"
    assert statuses(found)[-1] == ("auth.login", "failure")


def test_a_warning_is_well_enough(make: Make) -> None:
    found = diagnose(make, "old")
    assert (found["status"], found["ok"], found["category"], found["hint"]) == ("warning", True, "ok", "oil it")


def test_a_library_that_exits_is_a_failure(make: Make) -> None:
    assert diagnose(make, "exits")["status"] == "failure"


def test_a_connector_that_cannot_say_its_checks_is_a_failure(make: Make) -> None:
    found = diagnose(make, "no_checks")
    assert (found["status"], "ZeroDivisionError" in found["message"]) == ("failure", True)


def test_a_secret_that_cannot_be_fetched_is_a_failed_check(make: Make) -> None:
    found = diagnose(make, "vault")
    assert (found["category"], statuses(found)[-1]) == ("config", ("secrets.resolved", "failure"))
    assert "hvs.sealed" not in json.dumps(found)


@pytest.mark.parametrize("alias", ["silent", "slow_vault"])
def test_what_never_answers_is_a_timeout(make: Make, alias: str) -> None:
    """LESSONS 18: doctor took 6 s with a limit of 2 s."""
    started = time.monotonic()
    found = diagnose(make, alias, timeout_s=0.3)
    assert time.monotonic() - started < 5
    assert (found["status"], found["category"]) == ("failure", "timeout")


def test_all_are_tested_at_the_same_time(make: Make) -> None:
    project = make(MANY)
    met: list[str] = []
    meet = threading.Barrier(3, timeout=20)

    def on_result(reference: str, diagnosis: Diagnosis) -> None:
        meet.wait()
        met.append(f"{reference} {diagnosis.status}")

    project.doctor(["@toybox.good", "@toybox.old", "@toybox.unset"], jobs=3, on_result=on_result)
    assert sorted(met) == ["@toybox.good success", "@toybox.old warning", "@toybox.unset failure"]


def test_the_report_has_the_order_of_the_file_and_counts(make: Make) -> None:
    shown: list[str] = []
    report = make(MANY).doctor(
        timeout_s=0.4, on_result=lambda reference, diagnosis: shown.append(f"{reference} {diagnosis.status}")
    )
    document = report.to_json()
    order = [line.split(":")[0].strip() for line in MANY.splitlines()[3:]]
    assert list(document["results"]["toybox"]) == order
    assert document["summary"] == {"ok": 1, "warn": 1, "fail": 9, "untestable": 0}
    assert (document["ok"], report.exit_code) == (False, 1)
    assert sorted(shown) == sorted(f"@toybox.{a} {r['status']}" for a, r in document["results"]["toybox"].items())
    assert "canary" not in json.dumps(document)


def test_a_deeper_level_looks_at_more(make: Make) -> None:
    assert statuses(diagnose(make, "good", level="full"))[-1] == ("perm.read", "ok")


def test_short_secrets_are_warned_of(make: Make) -> None:
    found = make("version: 1\nconnections: {toybox: {a: {folder: box, password: abc}}}").doctor()
    (diagnosis,) = found.results.values()
    warned = [check for check in diagnosis.checks if check.status == "warning"]
    assert [check.id for check in warned] == ["secrets.resolved"]
    assert "under 4 characters" in warned[0].message


def report(*kinds: str) -> DoctorReport:
    status: dict[str, Any] = {
        "ok": Diagnosis("success", "ok", 1, "", None, ()),
        "warn": Diagnosis("warning", "ok", 1, "", None, ()),
        "fail": Diagnosis("failure", "auth", 1, "", None, ()),
        "untestable": Diagnosis("untestable", "config", 1, "", None, ()),
    }
    return DoctorReport({f"@f.{place}": status[kind] for place, kind in enumerate(kinds)})


@pytest.mark.parametrize(
    ("kinds", "exit_code"),
    [
        (("ok", "warn"), 0),
        (("ok", "fail"), 1),
        (("untestable",), 3),
        (("ok", "untestable"), 3),
        (("fail", "untestable"), 1),
    ],
)
def test_exit_codes(kinds: tuple[str, ...], exit_code: int) -> None:
    """LESSONS 18: doctor exited 0 on failure."""
    assert report(*kinds).exit_code == exit_code
    assert report(*kinds).to_json()["ok"] is (exit_code == 0)


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        ({"references": ["@toybox.god"]}, "there is no connection @toybox.god", 'did you mean "@toybox.good"?'),
        ({"references": ["toybox.good"]}, "is not a reference", 'did you mean "@toybox.good"?'),
        ({"family": "toybx"}, 'there is no connector family "toybx"', 'did you mean "toybox"?'),
        ({"family": "filesystem"}, "no connection of filesystem is configured", "osiris_connections.yaml"),
        ({"references": ["@toybox.good"], "family": "filesystem"}, "no connection of filesystem", None),
        ({"pipeline": "gone.yaml"}, "there is no file", None),
    ],
)
def test_a_wrong_call_is_an_error_of_usage(
    make: Make, arguments: dict[str, Any], message: str, hint: str | None
) -> None:
    """LESSONS 18: doctor exited 0 on an unknown family."""
    with pytest.raises(ConfigError) as caught:
        make().doctor(**arguments)
    assert message in str(caught.value)
    assert (hint or "") in str(caught.value.hint)
    assert caught.value.exit_code == 2


def test_nothing_configured_is_an_error_of_usage(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no connection is configured"):
        Project(tmp_path, environ={}).doctor()


def test_a_family_in_the_file_that_nobody_knows_is_a_failure(make: Make) -> None:
    found = make("version: 1\nconnections: {toybx: {a: {}}}").doctor().to_json()["results"]["toybx"]["a"]
    assert (found["status"], found["category"], found["hint"]) == ("failure", "config", 'did you mean "toybox"?')


def test_a_family_whose_library_is_missing_is_untestable_with_the_command(make: Make, tmp_path: Path) -> None:
    """LESSONS 18: third-party families could not be tested at all."""
    needs = SPEC.format(family="stork") + "x-runtime: {requirements: [no-such-lib-xy]}\n"
    packages = tmp_path / "packages"
    write_package(packages, "stork", files={"osiris_stork/components/stork.extractor/spec.yaml": needs})
    write_package(packages, "crane", files={"osiris_crane/client.py": "import no_such_lib_xy"})
    write_package(packages, "ibis", files={"osiris_ibis/components/ibis.extractor/spec.yaml": "nonsense: 1"})
    with installed(packages):
        made = make("version: 1\nconnections: {stork: {a: {}}, crane: {a: {}}, ibis: {a: {}}}").doctor()
        found = made.to_json()["results"]
    assert {family: rows["a"]["status"] for family, rows in found.items()} == dict.fromkeys(found, "untestable")
    assert "pip install no-such-lib-xy" in found["stork"]["a"]["hint"]
    assert "pip install no-such-lib-xy" in found["crane"]["a"]["hint"]
    assert "nonsense" in found["ibis"]["a"]["message"]
    assert made.exit_code == 3


PIPELINE = """\
oml_version: "0.1.0"
name: copy
steps:
  - {id: read, component: toybox.extractor, mode: read, config: {connection: "@toybox.good", table: TABLE}}
  - {id: write, component: toybox.writer, mode: write, config: {connection: "@toybox.other", table: t}}
"""


def test_a_pipelines_connections_are_tested_with_what_it_reads(make: Make, tmp_path: Path) -> None:
    project = make(MANY + "    other: {folder: other, password: '${BOX_PASSWORD}'}\n")
    (tmp_path / "p.yaml").write_text(PIPELINE.replace("TABLE", "bears"))
    assert list(project.doctor(pipeline="p.yaml").results) == ["@toybox.good", "@toybox.other"]
    assert project.doctor(pipeline="p.yaml", level="full").exit_code == 0
    (tmp_path / "p.yaml").write_text(PIPELINE.replace("TABLE", "wolves"))
    found = project.doctor(pipeline="p.yaml", level="full").results["@toybox.good"]
    assert (found.category, found.message) == ("not_found", "there is no table wolves")
    assert list(project.doctor(["@toybox.other"], pipeline="p.yaml").results) == ["@toybox.other"]


def test_a_pipeline_with_faults_is_an_error_of_usage(make: Make, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(PIPELINE.replace("@toybox.other", "@toybox.othr"))
    with pytest.raises(ConfigError, match=r"@toybox\.othr"):
        make().doctor(pipeline="p.yaml")
