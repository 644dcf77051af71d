"""The folder of a study: what was asked, the chunks solved so far, the results.

```
study.json        the study and its scenario, complete
chunks/           one file of solved points each, while the sweep runs
results.parquet   one row a point, in the order of the points
summary.json      counts, ranges and means of the results
```
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from gtalign_env.errors import MissingExtraError, RunError
from gtalign_env.scenario.fields import authored
from gtalign_env.scenario.loader import parse_scenario
from gtalign_env.scenario.problems import check
from gtalign_env.scenario.sweep import Study, resolve_study
from gtalign_env.scenario.sweep_schema import StudyFile
from gtalign_env.scenario.yaml_reader import Problem, problems_error, read_text
from gtalign_training.run_folder import whole_file, write_json
from gtalign_training.studies.solved import Columns

FORMAT = 1
"""Raised when chunks of an earlier version no longer fit."""

CHUNK = 1024
"""Points of a chunk, whatever the number of workers."""

ROW_GROUP = 2**16
"""Rows that the results keep together."""

WIDTH = 6  # digits of a chunk's file name


class StudyFolder:
    """One study's folder.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def open(cls, path: Path, study: Study, *, resume: bool, chunk: int = CHUNK) -> StudyFolder:
        """Return a new study's folder, or an interrupted one's to go on with.

        Args:
            path: The folder.
            study: What is solved.
            resume: Whether to go on with a sweep that is there.
            chunk: Points of a chunk; of an interrupted sweep, those it began with.

        Raises:
            RunError: There is a sweep and ``resume`` is False; or it is of something else; or there
                is none to resume.
        """
        folder = cls(path)
        if (path / "study.json").exists():
            if not resume:
                raise RunError(
                    f"{path} holds a sweep already; add --resume to go on with it, or choose "
                    "another folder with --out"
                )
            known = folder.read("study.json")
            if (known.get("digest"), known.get("format")) != (study.digest, FORMAT):
                raise RunError(
                    f"{path} was swept from another study or scenario (their hashes differ); "
                    "restore them, or use another folder"
                )
            return folder
        if resume:
            raise RunError(f"there is no sweep in {path} to resume; leave out --resume")
        (path / "chunks").mkdir(parents=True, exist_ok=True)
        write_json(
            path / "study.json",
            {
                "format": FORMAT,
                "digest": study.digest,
                "points": study.size,
                "chunk": chunk,
                "study": authored(study.file),
                "scenario": study.base.to_data(),
            },
        )
        return folder

    def read(self, name: str) -> Any:
        """Return a JSON file's content.

        Raises:
            RunError: It is missing or damaged.
        """
        try:
            return json.loads((self.path / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RunError(
                f"{self.path} has no {name}; it must be the folder of a finished sweep, such as "
                "gtalign sweep STUDY --out DIR leaves behind"
            ) from None
        except ValueError as error:
            raise RunError(f"{self.path / name} is damaged: {error}") from error

    def study(self) -> Study:
        """Return the study as it was swept, whatever became of its files.

        Raises:
            RunError: The folder has none.
        """
        known = self.read("study.json")
        document = read_text(
            json.dumps(known["study"], indent=2, ensure_ascii=False), str(self.path / "study.json")
        )
        problems: list[Problem] = []
        file = check(StudyFile, document, problems)
        if file is None:
            raise problems_error(document.source, problems)
        base = parse_scenario(known["scenario"], source=str(self.path / "study.json"))
        return resolve_study(file, base, document)

    def chunk(self, index: int) -> Path:
        """Return the file of a chunk."""
        return self.path / "chunks" / f"{index:0{WIDTH}d}.arrow"

    @cached_property
    def chunks(self) -> tuple[range, ...]:
        """The points of every chunk."""
        known = self.read("study.json")
        points, size = known["points"], known["chunk"]
        return tuple(range(k, min(k + size, points)) for k in range(0, points, size))

    @property
    def is_finished(self) -> bool:
        """Whether results and summary are there."""
        return (self.path / "results.parquet").exists() and (self.path / "summary.json").exists()

    def results(self, columns: list[str] | None = None) -> Any:
        """Return the results as an Arrow table.

        Args:
            columns: Which; by default all.

        Raises:
            RunError: The sweep is not finished.
            MissingExtraError: PyArrow is not installed.
        """
        parquet = _parquet()
        if not (self.path / "results.parquet").exists():
            raise RunError(f"the sweep in {self.path} is not finished; go on with it by --resume")
        return parquet.read_table(self.path / "results.parquet", columns=columns)

    def columns(self) -> list[str]:
        """Return the names of the columns of the results."""
        names: list[str] = _parquet().read_schema(self.path / "results.parquet").names
        return names

    def write_chunk(self, index: int, columns: Columns) -> None:
        """Write the solved points of a chunk, whole or not at all.

        Args:
            index: Of the chunk.
            columns: Each of shape ``(points,)``.
        """
        import pyarrow as pa

        table = pa.table({name: pa.array(values) for name, values in columns.items()})
        with (
            whole_file(self.chunk(index)) as file,
            pa.ipc.new_file(file, table.schema) as writer,
        ):
            writer.write_table(table)

    def merge(self) -> None:
        """Write the results from all chunks, in order."""
        import pyarrow as pa

        parquet = _parquet()
        target = self.path / "results.parquet"
        temporary = target.with_name(f"{target.name}.{os.getpid()}.tmp")
        writer: Any = None
        for tables in self._groups():
            table = pa.concat_tables(tables)
            writer = writer or parquet.ParquetWriter(temporary, table.schema, compression="zstd")
            writer.write_table(table, row_group_size=ROW_GROUP)
        writer.close()
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(target)

    def _groups(self) -> Iterator[list[Any]]:
        """Yield the tables of the chunks, as many at a time as fill a row group."""
        import pyarrow as pa

        held: list[Any] = []
        rows = 0
        for index, points in enumerate(self.chunks):
            try:
                with pa.OSFile(str(self.chunk(index)), "rb") as file:
                    held.append(pa.ipc.open_file(file).read_all())
            except (OSError, pa.ArrowInvalid) as error:
                raise RunError(
                    f"{self.chunk(index)} is damaged ({error}); delete it and --resume"
                ) from error
            rows += len(points)
            if rows >= ROW_GROUP or index == len(self.chunks) - 1:
                yield held
                held, rows = [], 0

    def drop_chunks(self) -> None:
        """Remove the chunks; the results hold them."""
        for file in (self.path / "chunks").iterdir():
            file.unlink()
        (self.path / "chunks").rmdir()


def _parquet() -> Any:
    try:
        from pyarrow import parquet
    except ImportError:
        raise MissingExtraError("sweep", "studies") from None
    return parquet


require_arrow = _parquet
