"""How CSV files may be spelled: headers, names, lines to skip, comments, encodings, compression, many files."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris.connectors.filesystem.encodings import codec_of
from osiris.errors import ConfigError, DataError, NotFound
from tests.connectors.filesystem.steps import csv, read_csv, visible

ROWS = [{"a": "1", "b": "x"}, {"a": "2", "b": "y"}]
SPELLINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("a,b\n1,x\n2,y\n", {}),
    "no line end at the end": ("a,b\n1,x\n2,y", {}),
    "windows": ("a,b\r\n1,x\r\n2,y\r\n", {}),
    "old mac": ("a,b\r1,x\r2,y\r", {}),
    "old mac, cut": ("a,b\r1,x\r2,y", {}),
    "semicolons": ("a;b\n1;x\n2;y\n", {"delimiter": ";"}),
    "single quotes": ("'a','b'\n'1','x'\n'2','y'\n", {"quotechar": "'"}),
    "escapes": ("a,b\n1,\\x\n2,y\n", {"escapechar": "\\"}),
    "no header": ("1,x\n2,y\n", {"header": False, "names": ["a", "b"]}),
    "other names": ("p,q\n1,x\n2,y\n", {"names": ["a", "b"]}),
    "lines to skip": ('a "title\n\na,b\n1,x\n2,y\n', {"skip_rows": 1}),
    "header behind lines": ("title\nsubtitle\na,b\n1,x\n2,y\n", {"header": 2}),
    "comments": ('# it"s\na,b\n#1,2\n1,x\n# end\n2,y\n#', {"comment": "#"}),
    "blank lines": ("\na,b\n\n1,x\n\n\n2,y\n\n", {}),
    "a mark": ("\ufeffa,b\n1,x\n2,y\n", {}),
    "columns in another order": ("b,c,a\nx,0,1\ny,0,2\n", {"columns": ["a", "b"]}),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_file_is_read_however_it_is_spelled(tmp_path: Path, spelling: str) -> None:
    text, given = SPELLINGS[spelling]
    csv(tmp_path, text)
    assert read_csv(tmp_path, infer="none", **given).rows == ROWS


@pytest.mark.parametrize(
    ("name", "delimiter"),
    [("a.tsv", "\t"), ("A.TSV", "\t"), ("a.psv", "|"), ("a.txt", ","), ("a.psv.csv", ","), ("a.tsv/b.csv", ",")],
)
def test_the_suffix_gives_the_delimiter(tmp_path: Path, name: str, delimiter: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    csv(tmp_path, f"a{delimiter}b\n1{delimiter}x\n", name)
    assert read_csv(tmp_path, name).rows == [{"a": 1, "b": "x"}]


def test_columns_without_a_header_are_numbered(tmp_path: Path) -> None:
    csv(tmp_path, "1,x\n")
    assert read_csv(tmp_path, header=False).rows == [{"column_1": 1, "column_2": "x"}]


def test_columns_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    """LESSONS 10."""
    csv(tmp_path, "zebra,apple,mango\n1,2,3\n")
    assert read_csv(tmp_path).schema.names == ["zebra", "apple", "mango"]


def test_in_one_column_an_empty_line_is_a_row(tmp_path: Path) -> None:
    csv(tmp_path, "a\n\nx\n\n")
    assert read_csv(tmp_path).table.column("a").to_pylist() == [None, "x", None]
    assert read_csv(tmp_path, skip_blank_lines=True).table.column("a").to_pylist() == ["x"]
    csv(tmp_path, "\nx\n")
    assert read_csv(tmp_path, header=False, names=["a"]).table.column("a").to_pylist() == [None, "x"]


def test_an_empty_line_can_be_a_row_of_nulls(tmp_path: Path) -> None:
    csv(tmp_path, "a,b\n1,2\n\n3,4\n")
    assert read_csv(tmp_path).table.num_rows == 2
    assert read_csv(tmp_path, skip_blank_lines=False).rows[1] == {"a": None, "b": None}


TEXT = "a,b\nžluť,€\n"
ENCODED: dict[str, bytes] = {
    "utf-8": TEXT.encode(),
    "UTF8": TEXT.encode("utf-8-sig"),
    "utf-8-sig": TEXT.encode("utf-8-sig"),
    "utf-16": TEXT.encode("utf-16"),
    "unicode": TEXT.encode("utf-16-le"),
    "utf-16le": codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
    "utf-16be": TEXT.encode("utf-16-be"),
    "windows-1250": TEXT.encode("cp1250"),
    "x-cp1250": TEXT.encode("cp1250"),
}


@pytest.mark.parametrize("encoding", ENCODED)
def test_a_file_is_read_in_its_encoding(tmp_path: Path, encoding: str) -> None:
    csv(tmp_path, ENCODED[encoding])
    assert read_csv(tmp_path, encoding=encoding).rows == [{"a": "žluť", "b": "€"}]


def test_a_utf_16_file_of_many_blocks_is_read(tmp_path: Path) -> None:
    csv(tmp_path, ("a,b\n" + "1,ž\n" * 400_000).encode("utf-16"))
    read = read_csv(tmp_path, encoding="utf-16")
    assert read.table.num_rows == 400_000
    assert set(read.table.column("b").to_pylist()) == {"ž"}


@pytest.mark.parametrize(
    "label", ["latin1", "latin-1", "ISO-8859-1", "iso_8859-1:1987", "windows-1252", "cp1252", "l1"]
)
def test_latin1_is_windows_1252_and_its_gaps_are_control_characters(tmp_path: Path, label: str) -> None:
    """As the WHATWG has it: no byte is an error, and 0x80 is the euro sign that was meant."""
    csv(tmp_path, b"a,b\n\x80,\x81\n")
    assert read_csv(tmp_path, encoding=label).rows == [{"a": "€", "b": "\x81"}]


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("sjis", "cp932"),
        ("gb2312", "gb18030"),
        ("big5", "big5hkscs"),
        ("euc-kr", "cp949"),
        ("iso88592", "iso8859-2"),
        ("latin5", "cp1254"),
        ("tis-620", "cp874"),
        ("koi8-ru", "koi8-u"),
        ("macintosh", "mac-roman"),
        ("logical", "iso8859-8"),
        ("ascii", "ascii"),
    ],
)
def test_an_encoding_has_the_names_of_the_web(label: str, codec: str) -> None:
    assert codec_of(label) == codec


@pytest.mark.parametrize("label", ["utf8x", "rot13", "base64", "hex"])
def test_an_unknown_encoding_is_refused(tmp_path: Path, label: str) -> None:
    csv(tmp_path, "a\n1\n")
    with pytest.raises(ConfigError, match="is not a known encoding"):
        read_csv(tmp_path, encoding=label)


def pack(path: Path, data: bytes) -> None:
    """Two streams one behind the other, where the format allows it."""
    half = len(data) // 2
    packers: dict[str, Any] = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
    if path.suffix in packers:
        path.write_bytes(packers[path.suffix](data[:half]) + packers[path.suffix](data[half:]))
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("folder/", b"")
            archive.writestr("folder/inner.csv", data)
    else:
        with pa.CompressedOutputStream(str(path), "zstd") as stream:
            stream.write(data)


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zip", ".zst"])
def test_compressed_files_are_read_by_suffix_or_by_option(tmp_path: Path, suffix: str) -> None:
    pack(tmp_path / f"a.csv{suffix}", b"a,b\n" + b"1,x\n" * 300_000)
    assert read_csv(tmp_path, f"a.csv{suffix}").table.num_rows == 300_000
    (tmp_path / f"a.csv{suffix}").rename(tmp_path / "b.csv")
    codec = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zip": "zip", ".zst": "zstd"}[suffix]
    assert read_csv(tmp_path, "b.csv", compression=codec, limit=5).table.num_rows == 5


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zip", ".zst"])
@pytest.mark.parametrize("cut", [0, 0.5, 0.999])
def test_a_cut_off_archive_is_an_error(tmp_path: Path, suffix: str, cut: float) -> None:
    path = tmp_path / f"a.csv{suffix}"
    pack(path, b"a,b\n" + b"".join(b"%d,%d\n" % (n, n * n) for n in range(50_000)))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * cut)])
    with pytest.raises(DataError) as caught:
        read_csv(tmp_path, path.name)
    assert caught.value.file == path.name
    assert "broken or cut off" in caught.value.message


def test_a_zip_of_two_files_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.csv", "a\n1\n")
        archive.writestr("b.csv", "a\n1\n")
    with pytest.raises(DataError, match="holds 2 files"):
        read_csv(tmp_path, "a.zip")


def many(folder: Path) -> None:
    for name, text in {
        "2.csv": "a,b\n3,y\n",
        "1.csv": "a,b\n1,x\n2,x\n",
        "10.csv": "b,a\nz,4\n",
        ".hidden.csv": "q\n1\n",
    }.items():
        csv(folder, text, name)
    (folder / "sub").mkdir()
    csv(folder / "sub", "a,b\n9,s\n", "9.csv")
    csv(folder, "no csv", "notes.md")


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("*.csv", [1, 2, 4, 3]),
        (".", [1, 2, 4, 3]),
        ("**/*.csv", [1, 2, 4, 3, 9]),
        (["2.csv", "sub", "1*.csv", "*2.csv"], [3, 9, 1, 2, 4]),
        ("[12].csv", [1, 2, 3]),
    ],
)
def test_many_files_are_read_in_order_without_hidden_ones(tmp_path: Path, path: Any, wanted: list[int]) -> None:
    many(tmp_path)
    read = read_csv(tmp_path, path, filename_column="file")
    assert read.table.column("a").to_pylist() == wanted
    assert read.schema.names == ["a", "b", "file"]
    assert {"file": "10.csv", "a": 4, "b": "z"} in read.rows or "10.csv" not in str(path)


def test_a_file_may_have_a_glob_s_characters_in_its_name(tmp_path: Path) -> None:
    csv(tmp_path, "a\n1\n", "data[1].csv")
    assert read_csv(tmp_path, "data[1].csv").table.num_rows == 1


@pytest.mark.parametrize("path", ["*.tsv", "none", "x.csv", "sub/../nothing.csv"])
def test_a_path_that_means_no_file_is_an_error(tmp_path: Path, path: str) -> None:
    many(tmp_path)
    with pytest.raises(NotFound):
        read_csv(tmp_path, path)


def test_a_missing_file_comes_with_a_guess_at_what_was_meant(tmp_path: Path) -> None:
    csv(tmp_path, "a\n1\n", "customers.csv")
    with pytest.raises(NotFound) as caught:
        read_csv(tmp_path, "custmers.csv")
    assert caught.value.hint == 'did you mean "customers.csv"?'


@pytest.mark.parametrize("second", ["a,c\n1,2\n", "a\n1\n", "a,b,c\n1,2,3\n"])
def test_a_file_of_other_columns_is_an_error_that_names_it(tmp_path: Path, second: str) -> None:
    csv(tmp_path, "a,b\n1,2\n", "1.csv")
    csv(tmp_path, second, "2.csv")
    with pytest.raises(DataError) as caught:
        read_csv(tmp_path, "*.csv")
    assert caught.value.file == "2.csv"
    assert "differ from those of 1.csv" in caught.value.message
    assert read_csv(tmp_path, "*.csv", columns=["a"]).table.column("a").to_pylist() == [1, 1]


def test_limit_counts_over_files_and_says_so(tmp_path: Path) -> None:
    many(tmp_path)
    read = read_csv(tmp_path, "*.csv", limit=3)
    assert (read.table.num_rows, read.end.stop_reason, read.plan.why_one_split) == (
        3,
        "limit",
        "limit counts over all files",
    )
    assert read_csv(tmp_path, "*.csv", limit=9).end.stop_reason == "exhausted"
    assert read_csv(tmp_path, "*.csv", limit=0).table.num_rows == 0


def test_a_limit_ends_before_a_later_bad_row(tmp_path: Path) -> None:
    csv(tmp_path, "a,b\n1,2\n3\n")
    assert read_csv(tmp_path, limit=1).table.num_rows == 1


def test_a_limit_leaves_the_rest_of_a_large_file_unread(tmp_path: Path) -> None:
    csv(tmp_path, "a,b\n" + "1,2\n" * 2_000_000)
    for _ in range(5):
        assert read_csv(tmp_path, limit=10).table.num_rows == 10


def test_batches_are_as_small_as_asked(tmp_path: Path) -> None:
    csv(tmp_path, "a\n" + "1\n" * 25)
    assert [batch.num_rows for batch in read_csv(tmp_path, batch_rows=10).batches] == [10, 10, 5]


def test_former_names_of_options_are_folded(tmp_path: Path) -> None:
    from tests.connectors.filesystem.steps import CATALOG

    spec = CATALOG.get("filesystem.csv_extractor")
    config, folded = spec.fold_aliases({"path": "a.csv", "dtype": {"a": "object"}, "na_values": ["-"], "chunk_size": 5})
    assert config == {"path": "a.csv", "dtypes": {"a": "object"}, "null_values": ["-"], "batch_rows": 5}
    assert len(folded) == 3
    csv(tmp_path, "a\n1\n-\n")
    assert read_csv(tmp_path, **{k: v for k, v in config.items() if k != "path"}).rows == [{"a": "1"}, {"a": None}]
    assert visible(tmp_path) == ["a.csv"]


def test_several_files_split_into_runs_that_stay_in_order(tmp_path: Path) -> None:
    from tests.connectors.filesystem.steps import Read, client

    for n in range(7):
        csv(tmp_path, "a\n" + f"{n}\n" * 100, f"{n}.csv")
    owner = client(tmp_path)
    read = Read("filesystem.csv_extractor", owner, {"path": "*.csv"}, wanted=3)
    owner.close()
    assert len(read.plan.splits) == 3
    assert read.plan.ordered
    assert read.table.column("a").to_pylist() == [n for n in range(7) for _ in range(100)]


@pytest.mark.parametrize("given", [{}, {"comment": "#"}])
def test_a_byte_order_mark_inside_a_file_is_text(tmp_path: Path, given: dict[str, Any]) -> None:
    """pyarrow drops one wherever a block of text begins with it."""
    csv(tmp_path, "\ufeffa,b\n\ufeffx,\ufeff\n")
    assert read_csv(tmp_path, **given).rows == [{"a": "\ufeffx", "b": "\ufeff"}]
