"""Data files: GTAlign's schema as published, duplicates, leaks, and splits that keep families whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from gtalign_env.errors import ScenarioError
from gtalign_training.cli import main
from gtalign_training.data.files import read_questions
from gtalign_training.data.leaks import leaks_between, report_on, split_by_group
from gtalign_training.data.rows import Question, from_gtalign, references_of

RUN = CliRunner()


def published(data_set: str, truth: str, **changes: Any) -> dict[str, Any]:
    """Return a row as GTAlign's files have it."""
    chat = [
        {"role": "user", "content": "Help me."},
        {"role": "assistant", "content": "With what?"},
        {"role": "user", "content": "What is 6 x 57?"},
    ]
    return {
        "prompt": [{"role": "user", "content": "instructions and all"}],
        "data_source": data_set,
        "conv_id": 7,
        "turn_id": 1,
        "reward_model": {"ground_truth": truth, "style": "rule"},
        "extra_info": {"chat_history": chat, "single_turn_prompt": "What is 6 x 57?"},
    } | changes


def parquet_of(path: Path, rows: list[dict[str, Any]]) -> Path:
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path


def lines_of(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_the_published_schema_keeps_the_whole_history() -> None:
    row = from_gtalign(published("math-hard", "342"), "here")
    assert row.question == "What is 6 x 57?"
    assert [message.content for message in row.history] == ["Help me.", "With what?"]
    assert row.references == ("342",)
    assert (row.source, row.data_set, row.group) == ("math", "math-hard", "math-hard:7")


@pytest.mark.parametrize(
    ("data_set", "source", "truth", "references", "label"),
    [
        ("minerva_math", "math", "2", ("2",), None),
        ("medium", "writing", "An article.", ("An article.",), None),
        ("ambig_qa", "ambiguity", "singleAnswer###Morgan City", ("Morgan City",), None),
        ("abg_coqa", "ambiguity", "ambiguous", ("ambiguous",), None),
        ("wildguard", "safety", "unharmful", (), "unharmful"),
        ("advbench", "safety", "Sure, here is how", (), "harmful"),
    ],
)
def test_all_published_data_sets(
    data_set: str, source: str, truth: str, references: tuple[str, ...], label: str | None
) -> None:
    row = from_gtalign(published(data_set, truth), "here")
    assert (row.source, row.references, row.label) == (source, references, label)


def test_several_meanings_have_several_answers() -> None:
    truth = (
        "multipleQAs###There are multiple meanings of the question."
        "Meaning 0: Who drives it in NASCAR?; Answer 0: Cayden Lapcevich\n"
        "Meaning 1: Who drives it elsewhere?; Answer 1: Jimmy: Blewett\n"
    )
    assert references_of("ambig_qa", truth) == ("Cayden Lapcevich", "Jimmy: Blewett")
    with pytest.raises(ValueError, match="ground_truth must begin"):
        references_of("ambig_qa", "Paris")


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ({"data_source": "mmlu"}, "data_source"),
        ({"extra_info": {"single_turn_prompt": " "}}, "single_turn_prompt"),
        ({"reward_model": None}, "reward_model"),
        ({"extra_info": None}, "extra_info"),
    ],
)
def test_a_row_that_is_none_names_its_field(row: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        from_gtalign(published("math-hard", "1", **row), "here")


def test_parquet_lines_and_tables_say_the_same(tmp_path: Path) -> None:
    parquet = read_questions(parquet_of(tmp_path / "a.parquet", [published("math-hard", "342")]))
    plain = {"question": "What is 6 x 57?", "source": "math", "reference": "342"}
    lines = read_questions(lines_of(tmp_path / "a.jsonl", [plain]))
    (tmp_path / "a.csv").write_text('question,source,reference\n"What is 6 x 57?",math,342\n')
    table = read_questions(tmp_path / "a.csv")
    for (row,) in (parquet, lines, table):
        assert (row.question, row.source, row.references) == ("What is 6 x 57?", "math", ("342",))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_saved_data_set_is_read_in_either_schema(tmp_path: Path) -> None:
    import datasets

    plain = {"question": "What is 6 x 57?", "source": "math", "reference": "342"}
    for name, row in (("plain", plain), ("published", published("math-hard", "342"))):
        datasets.Dataset.from_list([row]).save_to_disk(str(tmp_path / name))
        (read,) = read_questions(tmp_path / name)
        assert (read.question, read.references) == ("What is 6 x 57?", ("342",))
    (same,) = read_questions(parquet_of(tmp_path / "plain.parquet", [plain]))
    assert same.references == ("342",)
    parts = datasets.DatasetDict({"train": datasets.Dataset.from_list([plain])})
    parts.save_to_disk(str(tmp_path / "parts"))
    with pytest.raises(ScenarioError, match=r"holds several parts; name one: .*train"):
        read_questions(tmp_path / "parts")
    assert len(read_questions(tmp_path / "parts" / "train")) == 1
    (tmp_path / "none").mkdir()
    with pytest.raises(ScenarioError, match="must be a data set saved by datasets"):
        read_questions(tmp_path / "none")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.jsonl", '{"question": "q", "source": "math"}\n{', "a.jsonl:2: Expecting"),
        (
            "a.jsonl",
            '{"question": "q", "sourse": "math"}',
            "a.jsonl:1: unknown field 'sourse'. Did",
        ),
        ("a.jsonl", '{"question": "", "source": "math"}', "question must be a text"),
        ("a.jsonl", '{"question": "q", "source": "maths"}', "source must be one of math"),
        ("a.jsonl", "[]", "a row must be an object"),
        ("a.csv", "question,source\n,math\n", "a.csv:2: question must be"),
        ("a.parquet", "no parquet", "must be a parquet file"),
        ("a.txt", "", "must end in .parquet, .jsonl or .csv"),
    ],
)
def test_what_is_no_data_is_said_with_its_place(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ScenarioError) as caught:
        read_questions(tmp_path / name)
    assert said in str(caught.value)


def rows(*pairs: tuple[str, str]) -> list[Question]:
    """Return rows from (question, group)."""
    return [Question(question, "math", "x", group=group) for question, group in pairs]


def test_duplicates_and_leaks_are_counted() -> None:
    first = rows(("a", "1"), ("a ", "1"), ("b", "2"), ("c", "3"))
    second = rows(("a", "9"), ("d", "4"))
    report = report_on(first)
    assert (report.rows, report.prompts, report.groups) == (4, 3, 3)
    (leak,) = leaks_between({"one": first, "two": second})
    assert (leak.questions, leak.rows_first, leak.rows_second) == (1, 2, 1)
    assert leaks_between({"one": rows(("a", "1")), "two": rows(("b", "2"))}) == []


@given(
    data=st.lists(
        st.tuples(st.sampled_from("abcdefghij"), st.sampled_from("12345678")), min_size=2
    ),
    seed=st.integers(0, 100),
)
def test_a_split_never_leaks_and_loses_nothing(data: list[tuple[str, str]], seed: int) -> None:
    given_rows = rows(*data)
    first, second = split_by_group(given_rows, 0.3, seed)
    assert len(first) + len(second) == len(given_rows)
    assert leaks_between({"first": first, "second": second}) == []
    assert not {row.group for row in first} & {row.group for row in second}
    assert split_by_group(given_rows, 0.3, seed) == (first, second)


@pytest.mark.parametrize("seed", range(8))
def test_a_split_meets_its_share_where_families_allow(seed: int) -> None:
    given_rows = rows(("a", "1"), ("b", "1"), ("c", "2"))
    _, second = split_by_group(given_rows, 0.3, seed)
    assert [row.question for row in second] == ["c"]
    even = rows(*((f"q{i}", str(i // 4)) for i in range(20)))
    assert len(split_by_group(even, 0.2, seed)[1]) == 4


def test_the_command_tells_and_splits(tmp_path: Path) -> None:
    plain = [
        {"question": f"q{i % 40}", "source": "math", "reference": "1", "group": str(i % 50)}
        for i in range(100)
    ]
    file = lines_of(tmp_path / "all.jsonl", plain)
    out = tmp_path / "parts"
    asked = ["data", "split", str(file), "--share", "0.2", "--out", str(out)]
    result = RUN.invoke(main, asked)
    assert result.exit_code == 0, result.output
    parts = [str(out / "first.jsonl"), str(out / "second.jsonl")]
    checked = RUN.invoke(main, ["data", "check", *parts, "--json"])
    assert checked.exit_code == 0, checked.output
    found = json.loads(checked.stdout)
    assert sum(report["rows"] for report in found["files"].values()) == 100
    assert found["leaks"] == []
    leaking = RUN.invoke(main, ["data", "check", parts[0], str(file)])
    assert leaking.exit_code == 3
    assert "stand in both" in leaking.output.replace("\n", " ")
    again = RUN.invoke(main, asked)
    assert again.exit_code == 2
    assert "there already" in again.stderr


def test_a_conversation_keeps_its_rows_together_where_there_is_one() -> None:
    one = {
        "extra_info": {
            "chat_history": [{"role": "user", "content": "Who?"}],
            "single_turn_prompt": "Who?",
        }
    }
    assert from_gtalign(published("ambig_qa", "singleAnswer###x", **one), "f:1").group == "f:1"
    assert from_gtalign(published("wildguard", "harmful", **one), "f:1").group == "f:1"
    # the first turn of a conversation of several stands with the others
    assert from_gtalign(published("math-hard", "1", **one), "f:1").group == "math-hard:7"
    assert from_gtalign(published("abg_coqa", "ambiguous"), "f:1").group == "abg_coqa:7"
