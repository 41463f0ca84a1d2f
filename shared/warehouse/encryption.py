"""EDGE: the warehouse's files under a key: Parquet modular encryption for tables, sealed bytes for manifests.

A table's file is encrypted as a whole, footer included (AES-GCM, a fresh data key of 256 bits for each file), by the
Parquet format's own means, so that other programs can read it who have the key. The data keys stand in the files,
sealed with the warehouse's key. Plain files of before stay readable beside them.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe

from shared.errors import DataError
from shared.seal_file import fresh_nonce
from shared.sealing import SealKey, is_sealed

_MASTER: Final = "at-rest"
_WRAPPED: Final = "a table's data key"
_ENCRYPTED: Final = b"PARE"
"""How a Parquet file with an encrypted footer begins; a plain one begins with PAR1."""
_CONNECTION: Final = pe.KmsConnectionConfig()
_HOW: Final = pe.EncryptionConfiguration(
    footer_key=_MASTER,
    uniform_encryption=True,
    encryption_algorithm="AES_GCM_V1",
    double_wrapping=False,
    data_key_length_bits=256,
)


class _Kms(pe.KmsClient):  # type: ignore[misc]  # pyarrow has no types
    """The key service that Parquet asks for: ours is the key itself."""

    def __init__(self, key: SealKey) -> None:
        super().__init__()
        self._key = key

    def wrap_key(self, key_bytes: bytes, _master: str) -> str:
        """The data key, sealed."""
        return base64.b64encode(self._key.seal(_WRAPPED, key_bytes, fresh_nonce())).decode()

    def unwrap_key(self, wrapped_key: bytes, _master: str) -> bytes:
        """The data key; DataError for a wrong key of ours."""
        return self._key.unseal(_WRAPPED, base64.b64decode(wrapped_key))


class Encryption:
    """What reads and writes a warehouse's files; without a key it reads and writes plain ones only."""

    def __init__(self, key: SealKey | None = None) -> None:
        self._manifests = None if key is None else key.derive("warehouse manifest")
        self._factory: Any = None
        if key is not None:
            kms = _Kms(key.derive("warehouse table"))
            self._factory = pe.CryptoFactory(lambda _: kms)

    @property
    def is_on(self) -> bool:
        """Is what is written from here on encrypted?"""
        return self._factory is not None

    def writer_options(self) -> dict[str, Any]:
        """What a ParquetWriter needs besides; a fresh data key each time."""
        if self._factory is None:
            return {}
        return {"encryption_properties": self._factory.file_encryption_properties(_CONNECTION, _HOW)}

    def parquet(self, path: Path) -> Any:
        """The file, open for reading, pages checked. DataError if it is encrypted and we have no key, or another."""
        options: dict[str, Any] = {"page_checksum_verification": True}
        if is_encrypted(path):
            options["decryption_properties"] = self._need(path).file_decryption_properties(_CONNECTION)
        try:
            return pq.ParquetFile(path, **options)
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{path} is not as it was published: {error}") from error

    def dataset(self, paths: list[Path], schema: Any) -> Any:
        """Encrypted files of one table as an Arrow dataset, for whoever reads those."""
        how = ds.ParquetDecryptionConfig(self._need(paths[0]), _CONNECTION, pe.DecryptionConfiguration())
        options = ds.ParquetFragmentScanOptions(decryption_config=how)
        by_date = ds.partitioning(pa.schema([("date", pa.date32())]), flavor="hive")
        whole = schema.append(pa.field("date", pa.date32()))
        form = ds.ParquetFileFormat(default_fragment_scan_options=options)
        return ds.dataset([str(path) for path in paths], whole, format=form, partitioning=by_date)

    def seal(self, name: str, data: bytes) -> bytes:
        """A manifest as it is written to the file `name`."""
        return data if self._manifests is None else self._manifests.seal(name, data, fresh_nonce())

    def unseal(self, name: str, data: bytes) -> bytes:
        """A manifest from the file `name`. DataError if it is sealed and we have no key, another, or a bit changed."""
        if not is_sealed(data):
            return data
        if self._manifests is None:
            raise DataError(f"{name} is sealed: set at_rest.mode, and have its key")
        return self._manifests.unseal(name, data)

    def _need(self, path: Path) -> Any:
        if self._factory is None:
            raise DataError(f"{path} is encrypted: set at_rest.mode, and have its key")
        return self._factory


def is_encrypted(path: Path) -> bool:
    """Does the file begin as an encrypted Parquet file does? DataError if it can't be read."""
    try:
        with path.open("rb") as file:
            return file.read(len(_ENCRYPTED)) == _ENCRYPTED
    except OSError as error:
        raise DataError(f"{path} is not as it was published: {error.strerror or error}") from error
