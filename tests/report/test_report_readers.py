"""From folders to what they say: every kind, and every way to be broken."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gtalign_env.core.policies import default_seat, play_on, random_assistant
from gtalign_env.envs.table import Table
from gtalign_env.envs.transcript import transcript_of, write_transcripts
from gtalign_env.errors import RunError
from gtalign_training.recipe import load_recipe
from gtalign_training.report import parts
from gtalign_training.report.parts import Data, Folder, Game, Phase, ShareRows, WelfareRows
from gtalign_training.report.readers import read_folders
from gtalign_training.report.written import written_parts
from gtalign_training.run_folder import write_json


def read(path: Path) -> Folder:
    (found,) = read_folders([path])
    return found


def titles(folder: Folder) -> list[str]:
    return [part.title for part in folder.parts]


def test_a_run_has_the_intervals_of_its_summary_and_all_its_sections(folders: Path) -> None:
    found = read(folders / "moves")
    assert (found.kind, found.problems) == ("run", ())
    summary = json.loads((folders / "moves" / "summary.json").read_text())
    assert {key: one._asdict() for key, one in found.headline.items()} == summary["welfare"]
    about = dict(found.about)
    assert about["scenario hash"] == summary["digest"]
    assert (about["seed"], about["conversations"], about["user"]) == ("0", "60", "default")
    assert titles(found) == [
        "Welfare",
        "The bill and where it went",
        "A mean conversation",
        "How conversations ended",
        "What the assistant did first",
        "All moves of the assistant",
        "All moves of the user",
        "The game under per_token",
    ]
    (game,) = [part for part in found.parts if isinstance(part, Game)]
    assert game.optimum is not None  # the default user's
    assert game.played[0][1] == found.headline


def test_shares_are_those_of_the_summary(folders: Path) -> None:
    found = read(folders / "moves")
    summary = json.loads((folders / "moves" / "summary.json").read_text())
    rows = {part.title: part.rows[0][2] for part in found.parts if isinstance(part, ShareRows)}
    for title, told in (
        ("How conversations ended", summary["endings"]),
        ("What the assistant did first", summary["first_moves"]["assistant"]),
        ("All moves of the user", summary["moves"]["user"]),
    ):
        assert rows[title] == {name: share for name, share in told.items() if share}


def test_a_run_in_words_has_its_talk_with_blocks_steering_and_latent_types(folders: Path) -> None:
    found = read(folders / "steered")
    (talks,) = found.talks
    assert set(talks.matrices) == {"per_token", "premium_per_token"}
    record = talks.records[0]
    turn = next(k for k, one in enumerate(record["turns"]) if one["seat"] == "assistant")
    assert record["turns"][turn]["steered"]["steered"] is True
    assert record["beside"][turn]["blocks"]["response"] == "It is Hue."
    assert len(record["beside"][turn]["usage"]) == 4
    assert record["latent"]["budget"][1] == "USD"
    assert record["budget"] == round(record["latent"]["budget"][0] * 1e12)
    assert "Messages and models" in titles(found)


def test_of_many_prices_the_first_games_are_shown_and_the_rest_is_told(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("games", "readers.run"):
        monkeypatch.setattr(f"gtalign_training.report.{module}.MOST_GAMES", 1)
    found = read(folders / "steered")
    assert "The games of the first 1 of 2 prices are shown." in found.problems
    assert titles(found)[-1] == "The game under per_token"


def test_a_damaged_run_says_what_is_damaged_and_shows_the_rest(folders: Path) -> None:
    found, whole = read(folders / "damaged"), read(folders / "words")
    said = "\n".join(found.problems)
    for part in (
        "events.jsonl: damaged in",
        "episodes.jsonl: damaged in",
        "the last line was cut off",
        "restored from events.jsonl",
        "Made by version 0.0.1",
    ):
        assert part in said, said
    assert len(found.talks[0].records) > 0.8 * len(whole.talks[0].records)
    assert "The game under per_token" in titles(found)
    intact = {one["episode"]: one for one in whole.talks[0].records}
    kept = [one for one in found.talks[0].records if one["turns"]]
    assert kept
    assert all(one["turns"] == intact[one["episode"]]["turns"] for one in kept)


def test_a_run_of_faults_alone_has_faults_and_no_welfare(folders: Path) -> None:
    found = read(folders / "faults")
    assert found.headline == {}
    assert found.outcomes == ()
    assert "Every conversation failed" in found.problems[0]
    assert "Faults" in titles(found)
    assert not any(isinstance(part, WelfareRows) for part in found.parts)
    assert {one["fault"]["kind"] for one in found.talks[0].records} == {"refused"}


def test_an_empty_run_says_so_and_still_shows_its_game(folders: Path) -> None:
    found = read(folders / "empty")
    assert "0 of 60 conversations are there" in found.problems[0]
    assert "There is no conversation yet." in found.problems
    assert titles(found) == ["The game under per_token"]


def test_a_run_without_its_description_shows_its_numbers(folders: Path, tmp_path: Path) -> None:
    shutil.copytree(folders / "moves", tmp_path / "lost")
    (tmp_path / "lost" / "run.json").unlink()
    found = read(tmp_path / "lost")
    assert "run.json is missing." in found.problems
    assert found.title == "a run whose scenario is lost"
    assert [one.mean for one in found.headline.values()] == [
        one.mean for one in read(folders / "moves").headline.values()
    ]


def test_a_scenario_that_cannot_be_read_is_told(folders: Path, tmp_path: Path) -> None:
    shutil.copytree(folders / "moves", tmp_path / "old")
    told = json.loads((tmp_path / "old" / "run.json").read_text())
    told["scenario"]["surprise"] = 1
    write_json(tmp_path / "old" / "run.json", told)
    found = read(tmp_path / "old")
    assert any("cannot be read by this version" in one for one in found.problems)
    assert found.headline


def test_another_seed_in_the_description_is_found_by_the_bill(
    folders: Path, tmp_path: Path
) -> None:
    shutil.copytree(folders / "steered", tmp_path / "forged")
    told = json.loads((tmp_path / "forged" / "run.json").read_text())
    told["scenario"]["task"]["tokens"]["reasoning"] = 77
    write_json(tmp_path / "forged" / "run.json", told)
    found = read(tmp_path / "forged")
    assert any("does not follow from scenario and seed" in one for one in found.problems)
    assert all("usage" not in side for one in found.talks[0].records for side in one["beside"])


def test_sections_that_nobody_knows_are_shown_as_they_stand(folders: Path, tmp_path: Path) -> None:
    shutil.copytree(folders / "moves", tmp_path / "more")
    summary = json.loads((tmp_path / "more" / "summary.json").read_text())
    summary["calibration"] = {"patience": {"asked": 0.9, "found": [0.8, 0.85]}}
    write_json(tmp_path / "more" / "summary.json", summary)
    (part,) = [part for part in read(tmp_path / "more").parts if isinstance(part, Data)]
    assert (part.title, part.data) == ("Calibration", summary["calibration"])


def test_a_training_run_has_curves_evaluation_and_conversations(folders: Path) -> None:
    found = read(folders / "training")
    assert found.kind == "training"
    assert "What the learnt policy is worth, exactly" in titles(found)
    assert "How it learnt (PPO)" in titles(found)
    assert "Loss (PPO)" in titles(found)
    assert "Entropy of the policy (PPO)" not in titles(found)  # NaN in every step
    assert "First moves by price, user and question" in titles(found)
    assert [some.name for some in found.talks] == ["training/before", "training/after"]
    assert len(found.outcomes) == 2


def test_changed_files_behind_a_training_run_are_told(folders: Path) -> None:
    found = read(folders / "training")  # its fixture names one hash of three
    assert any("game.json is not what was trained on" in one for one in found.problems)
    assert not any(isinstance(part, Game) for part in found.parts)


def test_changed_files_behind_an_older_training_run_are_told(folders: Path, tmp_path: Path) -> None:
    older = tmp_path / "older"  # before games were kept: names alone
    shutil.copytree(folders / "training", older)
    (older / "game.json").unlink()
    found = read(older)
    assert any("their hashes differ" in one for one in found.problems)
    assert not any(isinstance(part, Game) for part in found.parts)


def test_held_out_conversations_have_types_and_tokens_where_the_games_are_at_hand(
    folders: Path, tmp_path: Path
) -> None:
    shutil.copytree(folders / "training", tmp_path / "known")
    table = Table("help_desk", "subscription")
    table.seed(7)
    told = []
    for episode in range(5):
        talk = table.open(episode)
        play_on(talk, default_seat(0.5), random_assistant)
        told.append(transcript_of(talk, seed=7, episode=episode))
    write_transcripts(tmp_path / "known" / "transcripts-after.jsonl", told)
    recipe = load_recipe("strategic-ppo")
    specs = [spec for name in recipe.game.pricing for spec in Table("help_desk", name).specs]
    run = json.loads((tmp_path / "known" / "run.json").read_text())
    write_json(tmp_path / "known" / "run.json", run | {"digests": [one.digest for one in specs]})
    found = read(tmp_path / "known")
    assert found.problems == ()
    assert sum(isinstance(part, Game) for part in found.parts) == 3
    (after,) = [some for some in found.talks if some.name == "known/after"]
    for record in after.records:
        assert record["budget"] == table.open(record["episode"]).who.budget
        delivered = [side for side in record["beside"] if "usage" in side]
        answers = sum(one["seat"] == "assistant" for one in record["turns"])
        assert len(delivered) == answers - (record["ending"] == "broke")  # the last not delivered


def test_an_unfinished_training_run_shows_what_there_is(folders: Path, tmp_path: Path) -> None:
    shutil.copytree(folders / "training", tmp_path / "half")
    (tmp_path / "half" / "evaluation.json").unlink()
    with (tmp_path / "half" / "metrics.jsonl").open("a") as file:
        file.write('{"stage": "ppo", "st')
    found = read(tmp_path / "half")
    assert any("There is no evaluation yet" in one for one in found.problems)
    assert any("1 line damaged" in one for one in found.problems)
    assert "How it learnt (PPO)" in titles(found)


def test_a_sweep_has_its_diagrams_and_tables(folders: Path) -> None:
    found = read(folders / "sweep")
    assert found.problems == ()
    assert sum(isinstance(part, Phase) for part in found.parts) == 6
    assert titles(found)[-3:] == [
        "How often",
        "Range of each measure",
        "Where a property holds",
    ]
    assert dict(found.about)["points"] == "20 games"


def test_a_damaged_sweep_shows_its_summary(folders: Path, tmp_path: Path) -> None:
    shutil.copytree(folders / "sweep", tmp_path / "cut")
    data = (tmp_path / "cut" / "results.parquet").read_bytes()
    (tmp_path / "cut" / "results.parquet").write_bytes(data[: len(data) // 2])
    found = read(tmp_path / "cut")
    assert any("results.parquet is damaged" in one for one in found.problems)
    assert "How often" in titles(found)
    (tmp_path / "cut" / "summary.json").unlink()
    assert any("not finished" in one for one in read(tmp_path / "cut").problems)


def test_a_folder_of_another_kind_is_shown_as_it_stands(folders: Path, tmp_path: Path) -> None:
    write_json(tmp_path / "verdicts.json", {"judge": "rules", "scores": {"a": [1, 2]}})
    (tmp_path / "odd.json").write_text('{"x": NaN, "y": 1e999, "z": 2}')
    shutil.copy(folders / "words" / "transcripts.jsonl", tmp_path / "talks.jsonl")
    found = read(tmp_path)
    assert ("judge", "rules") in found.about
    assert ("z", "2") in found.about
    assert [part.title for part in found.parts] == ["verdicts.json"]
    assert len(found.talks[0].records) == 40


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.write_text("x"), "is a file"),
        (lambda path: path.mkdir(), "it holds nothing"),
    ],
)
def test_what_is_no_folder_of_results_is_refused(
    make: Callable[[Path], object], said: str, tmp_path: Path
) -> None:
    make(tmp_path / "x")
    with pytest.raises(RunError, match=said):
        read_folders([tmp_path / "x"])


def test_a_folder_of_results_names_one_of_them(folders: Path, tmp_path: Path) -> None:
    shutil.copytree(folders / "moves", tmp_path / "mine")
    with pytest.raises(RunError, match=r"such as gtalign report .*/mine"):
        read_folders([tmp_path])


def test_folders_of_one_name_are_told_apart(folders: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        shutil.copytree(folders / "moves", tmp_path / name / "run")
    found = read_folders([tmp_path / "a/run", tmp_path / "b/run", tmp_path / "a/../a/run"])
    assert [one.name for one in found] == ["a/run", "b/run"]


def test_written_matrices_are_tables_and_a_damaged_summary_is_no_crash(folders: Path) -> None:
    found = read(folders / "steered")
    first = next(p for p in found.parts if p.title == "Written matrices beside the exact ones")
    assert isinstance(first, parts.Table)
    told = json.loads((folders / "steered" / "summary.json").read_text())["matrices"]
    error = told["calibration"]["user"]["error"]
    assert str(first.rows[2][1]).startswith(f"{error['mean']:.3f} (")
    assert f"distinct {told['distinct']}" in first.note
    broken: tuple[dict[str, object], ...] = (
        {},
        {"matrices": 3},
        {"matrices": {"calibration": [], "choice": None, "x": "y"}},
    )
    for damaged in broken:
        assert len(written_parts(damaged)) <= 1
