"""A CA of our own, and certificates that it signs, made with the openssl command."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA in `folder`; its certificate is `ca`."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Authority:
        folder.mkdir(parents=True)
        files = ("-keyout", folder / "ca.key", "-out", folder / "ca.pem")
        _openssl("req", "-x509", *EC, *files, "-days", "2", "-subj", "/CN=Osiris tests")
        return cls(folder)

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    def sign(self, name: str, *names: str, password: str | None = None) -> tuple[Path, Path]:
        """Certificate and key of `name`, valid for the alternative `names` (`DNS:localhost`, `IP:127.0.0.1`)."""
        cert, key, request = (self.folder / f"{name}.{end}" for end in ("pem", "key", "csr"))
        _openssl("req", "-new", *EC, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        extra = self.folder / f"{name}.ext"
        extra.write_text(f"subjectAltName={','.join(names)}\n" if names else "", encoding="utf-8")
        signer = ("-CA", self.ca, "-CAkey", self.folder / "ca.key", "-CAcreateserial")
        _openssl("x509", "-req", "-in", request, *signer, "-days", "2", "-extfile", extra, "-out", cert)
        if password is not None:
            plain = key.rename(key.with_suffix(".plain"))
            _openssl("pkey", "-in", plain, "-out", key, "-aes256", "-passout", f"pass:{password}")
        return cert, key


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, stdin=subprocess.DEVNULL)
