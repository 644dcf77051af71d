"""Evaluations, ablations and self-play in the report: their numbers, and every way to be broken."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from gtalign_training.report.parts import (
    Curves,
    Data,
    Folder,
    Intervals,
    Part,
    Runs,
    ShareRows,
    Table,
    WelfareRows,
)
from gtalign_training.report.readers import read_folders
from gtalign_training.report.sections import build
from gtalign_training.report.sections.runs import placed
from gtalign_training.run_folder import write_json


def read(path: Path) -> Folder:
    (found,) = read_folders([path])
    return found


def part(folder: Folder, title: str) -> Any:
    (found,) = [one for one in folder.parts if one.title == title]
    return found


def titles(folder: Folder) -> list[str]:
    return [one.title for one in folder.parts]


def copied(folders: Path, name: str, tmp_path: Path) -> Path:
    out = tmp_path / name
    shutil.copytree(folders / name, out)
    return out


def result_of(path: Path, name: str = "evaluation.json") -> dict[str, Any]:
    data: dict[str, Any] = json.loads((path / name).read_text(encoding="utf-8"))
    return data


# ---- gtalign evaluate -----------------------------------------------------------------------------


def test_an_evaluation_says_what_it_is_of_first(folders: Path) -> None:
    found = read(folders / "evaluation")
    assert (found.kind, found.problems) == ("evaluation", ())
    about = dict(found.about)
    assert about["assistants"].startswith("CQ, oracle, openai:")
    assert (about["scenarios"], about["prices"]) == ("quick_question", "per_token, subscription")
    assert (about["personas"], about["users"]) == ("busy_engineer", "default, impatient")
    assert (about["conversations"], about["seed"]) == ("6 a cell and assistant", "5")
    assert len(about["scenario hash"]) == 64
    assert about["gtalign-env"] == result_of(folders / "evaluation")["gtalign-env"]
    assert titles(found)[:6] == [
        "Welfare of both sides",
        "Share of the exact optimum",
        "Differences to CQ on the same episodes",
        "Welfare by regime",
        "Welfare by user",
        "Worst case beside the mean",
    ]
    assert "First moves beside the exact optimum’s" in titles(found)
    assert not any(isinstance(one, Data) for one in found.parts)  # nothing is left as it stands


def test_the_numbers_of_an_evaluation_are_those_of_its_result(folders: Path) -> None:
    found, data = read(folders / "evaluation"), result_of(folders / "evaluation")
    rows = [row for row in data["welfare"] if row["by"] == "all"]
    welfare: WelfareRows = part(found, "Welfare of both sides")
    shown = [
        [list(interval) for interval in (w["user"], w["assistant"], w["joint"])]
        for _, _, w in welfare.rows
    ]
    assert shown == [[row["user"], row["assistant"], row["welfare"]] for row in rows]
    assert welfare.optimum == rows[0]["optimum"]
    assert welfare.numbers is not None
    assert welfare.numbers.rows[1][5] == f"{100 * rows[1]['share'][0]:.1f}\u202f%"
    shares: Intervals = part(found, "Share of the exact optimum")
    assert [list(row["joint"]) for _, row in shares.rows[:3]] == [row["share"] for row in rows]
    gaps: Intervals = part(found, "Differences to CQ on the same episodes")
    told = {
        (row["contender"], row["measure"]): row["difference"]
        for row in data["differences"]
        if row["by"] == "all"
    }
    assert list(dict(gaps.rows)["oracle"]["user"]) == told["oracle", "U"]
    worst: Intervals = part(found, "Worst case beside the mean")
    assert [row["p2"].mean for _, row in worst.rows] == [row["welfare"][0] for row in data["worst"]]
    moves: ShareRows = part(found, "First moves beside the exact optimum’s")
    assert [row[2] for row in moves.rows[:2]] == [data["moves"][0]["optimum"], {"CQ": 1.0}]


def test_written_matrices_are_calibrated_and_a_collapse_is_named(folders: Path) -> None:
    found, data = read(folders / "evaluation"), result_of(folders / "evaluation")
    ranks: Intervals = part(found, "Written matrices beside the exact ones")
    assert len(ranks.rows) == len(data["matrices"]) == 4
    assert list(ranks.rows[0][1]["user"]) == data["matrices"][0]["user_spearman"]
    assert ranks.note.startswith("Collapsed to one matrix, whatever the conversation is: openai:")


def test_every_conversation_of_an_evaluation_can_be_read_and_its_runs_are_linked(
    folders: Path, tmp_path: Path
) -> None:
    found = read(folders / "evaluation")
    assert len(found.talks) == 12
    assert "evaluation: oracle · subscription · impatient" in [some.name for some in found.talks]
    assert {len(some.records) for some in found.talks} == {6}
    # a cell draws by the hash of the scenario's file: with another, tokens would not give the bill
    own = [some for some in found.talks if "openai" not in some.name]
    assert all(
        any("usage" in beside for beside in one["beside"]) for some in own for one in some.records
    )
    spoken = next(some for some in found.talks if "openai" in some.name)
    assert spoken.matrices  # stand beside what the model wrote
    runs: Runs = part(found, "The runs")
    assert len(runs.rows) == 12
    (moved,) = placed([found], tmp_path)
    markup = build(part(moved, "The runs"))
    assert 'href="./' in markup
    assert "javascript:" not in markup


def test_links_to_folders_with_hostile_names_stay_links_to_folders(tmp_path: Path) -> None:
    named = tmp_path / "javascript:alert(1)" / 'x" onclick="y'
    named.mkdir(parents=True)
    markup = build(Runs("runs", ("run",), ((named, "it", ()),), tmp_path))
    assert 'href="./javascript%3Aalert%281%29/x%22%20onclick%3D%22y"' in markup


def test_an_evaluation_without_its_result_shows_what_its_cells_hold(
    folders: Path, tmp_path: Path
) -> None:
    path = copied(folders, "evaluation", tmp_path)
    (path / "evaluation.json").unlink()
    found = read(path)
    assert "There is no result yet" in found.problems[0]
    welfare: WelfareRows = part(found, "Welfare in each cell")
    assert len(welfare.rows) == 12
    assert dict(found.about)["assistants"].count(",") == 2
    (path / "evaluation.json").write_text('{"schema": "gtalign/eval')
    found = read(path)
    assert "evaluation.json is damaged" in found.problems[0]
    assert titles(found) == ["Welfare in each cell", "The runs"]


def test_a_damaged_part_of_an_evaluation_is_told_and_the_rest_shown(
    folders: Path, tmp_path: Path
) -> None:
    path = copied(folders, "evaluation", tmp_path)
    data = result_of(path)
    data["dominance"] = [{"contender": "oracle"}]
    data["worst"] = "lost"
    data["moves"][0]["moves"] = 7
    data["more"] = {"of": ["it"]}
    write_json(path / "evaluation.json", data)
    found = read(path)
    assert sum("cannot be read and is left out" in one for one in found.problems) == 3
    assert {"Welfare of both sides", "Welfare by regime", "The runs", "More"} <= set(titles(found))
    assert not any("Dominates" in title for title in titles(found))


@pytest.mark.parametrize("whole", [7, "x", [], [[1]], {"a": 1}, [{"by": "all"}], None])
def test_no_shape_of_a_part_is_a_crash(whole: Any, folders: Path, tmp_path: Path) -> None:
    path = copied(folders, "evaluation", tmp_path)
    shutil.rmtree(path / "cells")
    data = result_of(path)
    for key in set(data) - {"schema"}:
        write_json(path / "evaluation.json", data | {key: whole})
        for one in read(path).parts:
            build(one)


def test_damaged_cells_and_strangers_among_them_are_told(folders: Path, tmp_path: Path) -> None:
    path = copied(folders, "evaluation", tmp_path)
    first, second, third, *_ = sorted((path / "cells").iterdir())
    (path / "cells" / "notes").mkdir()
    (first / "run.json").unlink()
    log = second / "episodes.jsonl"
    log.write_bytes(log.read_bytes()[:-40])
    for name in ("episodes.jsonl", "events.jsonl"):
        (third / name).write_bytes(b"")
    found = read(path)
    said = "\n".join(found.problems)
    assert "notes is no run and is left out." in said
    assert f"{first.name}: run.json is missing." in said
    assert f"{second.name}: " in said
    assert f"{third.name}: 0 of 6 conversations are there." in said
    assert "Welfare of both sides" in titles(found)
    assert len(found.talks) == 11


def test_failed_conversations_and_another_version_are_told(folders: Path, tmp_path: Path) -> None:
    path = copied(folders, "evaluation", tmp_path)
    data = result_of(path)
    write_json(
        path / "evaluation.json", data | {"faults": {"CQ": 0, "oracle": 2}, "gtalign-env": "0.0.1"}
    )
    found = read(path)
    assert any(one.startswith("2 conversations of oracle failed") for one in found.problems)
    assert any("Made by version 0.0.1" in one for one in found.problems)


def test_a_comparison_that_was_kept_is_read_without_cells(folders: Path, tmp_path: Path) -> None:
    shutil.copy(folders / "evaluation" / "evaluation.json", tmp_path)
    found = read(tmp_path)
    assert (found.kind, found.problems, found.talks) == ("evaluation", (), ())
    assert "The runs" not in titles(found)


# ---- gtalign data evaluate ------------------------------------------------------------------------


def test_answers_to_rows_have_their_numbers_by_price_and_source(folders: Path) -> None:
    found, data = read(folders / "answers"), result_of(folders / "answers", "summary.json")
    assert (found.kind, found.problems) == ("data", ())
    assert dict(found.about)["prices"] == "subscription, per_token"
    game: Intervals = part(found, "Welfare of the game with busy_engineer")
    for (name, row), told in zip(game.rows, data["conditions"], strict=True):
        assert name == told["regime"]
        assert row["joint"].mean == told["economic_joint"]["mean"]
    quality: Intervals = part(found, "Quality, as judged")
    assert quality.numbers is not None
    assert quality.numbers.rows[0][2:5] == ("0.500 to 1.000", "4", "4")  # half could not be judged
    sources: Intervals = part(found, "By source and price")
    assert sources.numbers is not None
    assert [row[0] for row in sources.numbers.rows] == [
        f"{price}: {source}"
        for price in ("subscription", "per_token")
        for source in ("math", "ambiguity")
    ]
    gaps: Intervals = part(found, "per_token less subscription, on the same rows")
    told = data["differences"][0]["economic_joint"]
    assert gaps.rows[0][1]["joint"].mean == told["mean"]
    assert not any(isinstance(one, Data) for one in found.parts)


def test_every_answer_can_be_read_with_its_verdict_and_has_no_welfare_of_zero(
    folders: Path,
) -> None:
    found = read(folders / "answers")
    assert [some.name for some in found.talks] == ["answers: math", "answers: ambiguity"]
    record = found.talks[0].records[0]
    assert record["turns"][0]["text"] == "What is 0 + 1?"
    assert record["ending"] == "score 1"
    assert found.talks[1].records[0]["ending"] == "abstained"
    assert (record["welfare"], record["charged"]) == ([None, None, None], None)


def test_answers_without_their_summary_are_shown_as_far_as_they_go(
    folders: Path, tmp_path: Path
) -> None:
    path = copied(folders, "answers", tmp_path)
    (path / "summary.json").unlink()
    log = path / "answers.jsonl"
    log.write_bytes(log.read_bytes()[:-40])
    found = read(path)
    said = "\n".join(found.problems)
    assert "There is no summary yet: 15 answers" in said
    assert "the last line was cut off" in said
    assert sum(len(some.records) for some in found.talks) == 15
    assert found.parts == ()
    write_json(
        path / "summary.json", {"conditions": [{"regime": 3}], "differences": 4, "x": {"y": 1}}
    )
    found = read(path)
    assert any("cannot be read and is left out" in one for one in found.problems)
    assert titles(found) == ["X"]


# ---- gtalign ablation -----------------------------------------------------------------------------


def test_an_ablation_is_told_over_its_seeds_with_links_to_its_runs(folders: Path) -> None:
    found = read(folders / "ablation")
    assert (found.kind, found.problems) == ("ablation", ())
    assert found.title == "tiny-ablation on help_desk: 2 rewards × 2 seeds"
    welfare: WelfareRows = part(found, "Welfare by what was rewarded")
    rows = {name: (n, one["joint"]) for name, n, one in welfare.rows}
    n, scenario = rows["scenario"]
    assert n == 2
    assert scenario.mean == pytest.approx(1.05)
    # half of Student's interval of 1.0 and 1.1: 12.706 · 0.0707 / √2
    assert scenario.high - scenario.mean == pytest.approx(0.6353, abs=1e-3)
    assert rows["Bayes oracle"][1].mean == 2.0
    assert welfare.optimum == 2.0
    runs: Runs = part(found, "The runs")
    assert [path.name for path, _, _ in runs.rows] == [
        "random-seed0",
        "random-seed1",
        "scenario-seed0",
        "scenario-seed1",
    ]
    assert runs.rows[3][2] == ("done", "1.100", "1.100", "1.100", "55.0\u202f%")


def test_an_ablation_leaves_out_what_is_damaged_unfinished_or_strange_and_says_so(
    folders: Path, tmp_path: Path
) -> None:
    path = copied(folders, "ablation", tmp_path)
    (path / "random-seed0" / "evaluation.json").write_text("{")
    (path / "random-seed1" / "evaluation.json").unlink()
    write_json(path / "random-seed1" / "run.json", {"status": "running"})
    (path / "notes").mkdir()
    found = read(path)
    said = "\n".join(found.problems)
    assert "random-seed0: evaluation.json is damaged" in said
    assert "random-seed1: not finished (running), left out." in said
    assert "notes is no run of an ablation and is left out." in said
    welfare: WelfareRows = part(found, "Welfare by what was rewarded")
    assert [row[0] for row in welfare.rows] == ["scenario", "Bayes oracle"]
    for seed in (0, 1):
        write_json(path / f"scenario-seed{seed}" / "evaluation.json", {"rows": [{"name": "after"}]})
    found = read(path)
    assert any("No run is finished yet" in one for one in found.problems)
    assert titles(found) == ["The runs"]


def test_a_folder_of_other_trainings_is_no_ablation(folders: Path, tmp_path: Path) -> None:
    shutil.copytree(folders / "training", tmp_path / "strategic-ppo-seed0")
    with pytest.raises(Exception, match="such as gtalign report"):
        read(tmp_path)


# ---- self-play ------------------------------------------------------------------------------------


def test_self_play_has_its_distance_and_welfares_round_by_round(folders: Path) -> None:
    found = read(folders / "selfplay")
    data = result_of(folders / "selfplay")
    assert found.kind == "training"
    distance: Curves = part(found, "How far from an equilibrium")
    lines = (folders / "selfplay" / "metrics.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [one.name for one in distance.curves] == ["per_token", "subscription"]
    for curve in distance.curves:
        assert list(curve.y) == [row[f"nash_conv/{curve.name}"] for row in rows]
    rounds: Curves = part(found, "Welfare round by round under subscription")
    assert rounds.curves[2].y[-1] == data["by_regime"]["subscription"]["welfare"]
    end: WelfareRows = part(found, "What the pair is worth at the end, exactly")
    assert end.rows[0][2]["user"].mean == data["by_regime"]["per_token"]["user"]
    assert not any(isinstance(one, Data) for one in found.parts)
    assert dict(found.about)["NashConv"].endswith("points, mean over prices")


def test_self_play_that_is_not_finished_shows_its_rounds(folders: Path, tmp_path: Path) -> None:
    path = copied(folders, "selfplay", tmp_path)
    (path / "evaluation.json").unlink()
    with (path / "metrics.jsonl").open("a") as file:
        file.write('{"stage": "selfp')
    found = read(path)
    assert any("There is no evaluation yet" in one for one in found.problems)
    assert "How far from an equilibrium" in titles(found)


def test_results_of_every_kind_fit_one_page(folders: Path) -> None:
    names = ("evaluation", "answers", "ablation", "selfplay", "moves")
    found = read_folders([folders / name for name in names])
    kinds = [one.kind for one in found]
    assert kinds == ["evaluation", "data", "ablation", "training", "run"]
    shown: list[Part] = [one for folder in found for one in folder.parts]
    assert all("nan" not in build(one).lower().split() for one in shown)
    assert any(isinstance(one, Table) for one in shown)
