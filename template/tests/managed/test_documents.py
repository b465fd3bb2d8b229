"""Every mistake in a document is told with its file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.config import BranchConfig, load_config, load_dotenv, tracking_uri
from helpers.documents import parse_document, read_document, validate
from helpers.errors import ConfigurationError, ExitCode

METRIC = "version: 1\ngate:\n  metrics:\n    rmse:\n"


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("", "c.yaml:1", "empty"),
        ("- 1\n", "c.yaml:1", "keys and values"),
        ("version: 1\na: [1\n", "c.yaml:3", "not valid YAML"),
        ("version: 1\n\tengine: local\n", "c.yaml:2", "not valid YAML"),
        ("version: 1\nengine: local\nversion: 1\n", "c.yaml:3", "stands twice"),
        ("version: 1\nengine: locl\n", "c.yaml:2", "'local' or 'kubeflow'"),
        ("version: 1\nengin: local\n", "c.yaml:2", "Unknown key 'engin'"),
        ("version: 2\n", "c.yaml:1", "'version' has to be 1 (it is 2)."),
        ("engine: local\n", "c.yaml:1", "'version' is missing"),
        (METRIC + "      higher_is_bettr: false\n", "c.yaml:5", "Unknown key 'higher_is_bettr'"),
        (METRIC + "      threshold: 1\n", "c.yaml:4", "'gate.metrics.rmse.higher_is_better' is missing"),
        (METRIC + "      higher_is_better: false\n      threshold: .nan\n", "c.yaml:3", "has to be a number"),
        (
            METRIC + "      higher_is_better: less\n",
            "c.yaml:5",
            "has to be true or false (it is 'less').",
        ),
        (METRIC + "      threshold: ten\n", "c.yaml:5", "threshold' has to be a number (it is 'ten')."),
        ("version: 1\ngate: rmse\n", "c.yaml:2", "'gate' has to be a group of keys and values (it is 'rmse')."),
        (METRIC + "      higher_is_better: false\n      minimum_gain: yes\n", "c.yaml:6", "a number, not true"),
        (METRIC + "      higher_is_better: false\n      tolerance: -1\n", "c.yaml:6", "greater than or equal to 0"),
        ("version: 1\nwhen: 2024-13-45\n", "c.yaml", "month"),
        ("a: &a {b: *a}\n", "c.yaml:1", "refers to itself"),
        ("version: 1\n? [a, b]\n: 1\n", "c.yaml:2", "plain text"),
        ("version: 1\n--- \nversion: 1\n", "c.yaml:2", "not valid YAML"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, where: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        validate(parse_document(text, "c.yaml"), BranchConfig)
    assert caught.value.where == where
    assert message in caught.value.message
    assert caught.value.exit_code == ExitCode.USAGE


def test_an_unknown_key_is_met_with_the_nearest_one_also_deep_inside() -> None:
    text = METRIC + "      higher_is_better: false\n      treshold: 3\n"
    with pytest.raises(ConfigurationError) as caught:
        validate(parse_document(text, "c.yaml"), BranchConfig)
    assert (caught.value.where, caught.value.hint) == ("c.yaml:6", "Did you mean 'threshold'?")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (METRIC + "      threshold: 80,5\n", "Decimals stand after a point: 80.5."),
        ("version: 1\nrunner: 24\n", "Put it in quotes."),
    ],
)
def test_a_value_in_another_form_is_met_with_the_right_one(text: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        validate(parse_document(text, "c.yaml"), BranchConfig)
    assert caught.value.hint == hint


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        validate(parse_document("version: 2\nengin: x\nrunnr: y\n", "c.yaml"), BranchConfig)
    assert "Also c.yaml:2" in caught.value.message
    assert "Also c.yaml:3" in caught.value.message


def test_aliases_that_multiply_are_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(ConfigurationError, match="more than"):
        parse_document("\n".join(lines), "c.yaml")


def test_a_file_that_is_missing_or_is_no_text_is_an_expected_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not exist"):
        read_document(tmp_path / "none.yaml", root=tmp_path)
    (tmp_path / "latin.yaml").write_bytes("name: é".encode("latin-1"))
    with pytest.raises(ConfigurationError, match=r"latin.yaml: The file is not UTF-8"):
        read_document(tmp_path / "latin.yaml", root=tmp_path)
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_document(tmp_path / "folder.yaml", root=tmp_path)


def test_a_branch_that_does_not_exist_is_met_with_the_nearest_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'development'"):
        load_config(tmp_path, "developement")


def test_dotenv_adds_what_is_not_set_and_never_shows_a_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "# a comment\nexport A=1\nB = 'two words' # why\nC=x=y\n\nD=mine\n", encoding="utf-8"
    )
    merged = load_dotenv(tmp_path, {"D": "given"})
    assert merged == {"A": "1", "B": "two words", "C": "x=y", "D": "given"}
    (tmp_path / ".env").write_text("A=1\nhunter2\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_dotenv(tmp_path, {})
    assert caught.value.where == ".env:2"
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("setting", "environ", "expected"),
    [
        ("", {}, "sqlite:///{root}/.mlflow/mlflow.db"),
        ("", {"MLFLOW_TRACKING_URI": "https://a.example"}, "https://a.example"),
        ("https://b.example", {"MLFLOW_TRACKING_URI": "https://a.example"}, "https://b.example"),
        ("sqlite:///store/m.db", {}, "sqlite:///{root}/store/m.db"),
        ("sqlite:////var/m.db", {}, "sqlite:////var/m.db"),
    ],
)
def test_the_store_is_the_branchs_else_the_environments_else_a_file(
    tmp_path: Path, setting: str, environ: dict[str, str], expected: str
) -> None:
    config = BranchConfig.model_validate({"version": 1, "tracking": {"uri": setting}})
    assert tracking_uri(tmp_path, config, environ) == expected.format(root=tmp_path)


@pytest.mark.parametrize("setting", ["file:./mlruns", "mlruns", "/tmp/mlruns"])
def test_a_folder_is_no_store(tmp_path: Path, setting: str) -> None:
    config = BranchConfig.model_validate({"version": 1, "tracking": {"uri": setting}})
    with pytest.raises(ConfigurationError, match="no runs in a folder"):
        tracking_uri(tmp_path, config, {})


def test_a_folder_as_store_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "src" / "pipelines" / "staging" / "config.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("version: 1\ntracking:\n  uri: ./mlruns\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="no runs in a folder") as caught:
        load_config(tmp_path, "staging")
    assert caught.value.where == "src/pipelines/staging/config.yaml:3"
