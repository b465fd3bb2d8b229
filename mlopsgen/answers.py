"""The one schema of all questions.

The wizard, the flags, the answers file, the JSON Schema and the question block of ``copier.yml`` are made from
:data:`QUESTIONS`. Standard library only, because flags are made from it at start-up.
"""

from __future__ import annotations

from collections.abc import Collection

from mlopsgen import naming
from mlopsgen.constants import BRANCHES
from mlopsgen.question_set import QuestionSet
from mlopsgen.questions import Cases, Question, SlugOf, metric

ANSWERS_VERSION = 1
SAMPLE = "data/sample/diabetes.csv"
"""The sample that every repository brings along, so that it trains before anything is configured."""

SECTIONS = {
    "project": "Project: name, description, owner, licence",
    "data": "Data: where it lies, target column, task",
    **{branch: f"{branch.capitalize()}: engine, tracking, runner" for branch in BRANCHES},
    "quality": "Quality: metrics that decide about a new model",
    "automation": "Automation: container registry, watching the data, template updates",
    "notification": "Notification: who hears of a training",
    "review": "Review: who approves production",
    "python": "Python version",
}
"""The sections of the wizard, in order, each with its line in the list."""

_PROJECT = (
    Question(
        key="project_name", section="project", title="Project name", flag="--name", default="my-model", required=True,
        help="How people call it, in any language; folder and models are named after the slug.",
        check=naming.check_project_name,
    ),
    Question(
        key="slug", section="project", title="Slug", flag="--slug", default=SlugOf("project_name"), required=True,
        help="Folder, repository, experiments and models are named so: lower-case letters, digits, dashes.",
        check=naming.check_slug, pattern=naming.SLUG_PATTERN,
    ),
    Question(
        key="description", section="project", title="Description", flag="--description",
        default="A model that is trained by git push.",
        help="One line for the README and the repository's page.", check=naming.check_line,
    ),
    Question(
        key="owner", section="project", title="Owner", flag="--owner",
        help="The person or organisation that the repository and its licence belong to; may stay empty.",
        check=naming.check_line,
    ),
    Question(
        key="license", section="project", kind="choice", title="Licence", flag="--license", default="none",
        choices=("none", "apache-2.0", "mit", "bsd-3-clause", "proprietary"),
        help="What others may do with the code; 'none' leaves the file for you to fill in and explains the options.",
    ),
    Question(
        key="visibility", section="project", kind="choice", title="Visibility", flag="--visibility",
        default="private", choices=("private", "internal", "public"),
        help="Who can see the repository once it is on GitHub.",
    ),
)  # fmt: skip

_DATA = (
    Question(
        key="data_address", section="data", title="Data", flag="--data", default=SAMPLE, required=True,
        help="A CSV or Parquet file: path, http(s), s3:// or git+https://; or postgresql://host/db#table.",
        check=naming.check_data_address,
    ),
    Question(
        key="data_format", section="data", kind="choice", title="Format", flag="--data-format", default="auto",
        choices=("auto", "csv", "parquet"), help="'auto' finds it out; separator and encoding are found out as well.",
    ),
    Question(
        key="target", section="data", title="Target column", flag="--target", required=True,
        default=Cases((({"data_address": SAMPLE}, "progression"),), ""),
        help="The column that the model learns to predict.", check=naming.check_line,
    ),
    Question(
        key="task", section="data", kind="choice", title="Task", flag="--task", default="regression",
        choices=("regression", "binary", "multiclass"),
        help="A number (regression), one of two classes (binary), one of several classes (multiclass).",
    ),
)  # fmt: skip


def _branch(branch: str) -> tuple[Question, ...]:
    kubeflow = (f"{branch}_engine", "kubeflow")
    return (
        Question(
            key=f"{branch}_engine", section=branch, kind="choice", title="Engine", default="local",
            choices=("local", "kubeflow"),
            help=f"Where {branch} trains: on the machine that runs the pipeline, or on a Kubeflow cluster.",
        ),
        Question(
            key=f"{branch}_endpoint", section=branch, title="Kubeflow address", when=kubeflow, required=True,
            help="Address of the Kubeflow Pipelines API, for example https://kubeflow.example.org/pipeline.",
            check=naming.check_endpoint, pattern="^https?://",
        ),
        Question(
            key=f"{branch}_namespace", section=branch, title="Namespace", when=kubeflow, required=True,
            default="kubeflow-user-example-com", help="The Kubernetes namespace (profile) that runs belong to.",
            check=naming.check_namespace, pattern=naming.NAMESPACE_PATTERN,
        ),
        Question(
            key=f"{branch}_login", section=branch, kind="choice", title="Login", when=kubeflow, default="token",
            choices=("none", "token", "service-account", "cookie", "dex"),
            help="How runs log in to Kubeflow; the secret itself is never asked here.",
        ),
        Question(
            key=f"{branch}_access", section=branch, kind="choice", title="Access", when=kubeflow, default="direct",
            choices=("direct", "ssh"),
            help="How Kubeflow and its MLflow server are reached: directly, or through an ssh server in front of them.",
        ),
        Question(
            key=f"{branch}_ssh", section=branch, title="ssh server", when=(f"{branch}_access", "ssh"), required=True,
            help="The login there, as tunnel@bastion.example.org or tunnel@bastion.example.org:2222.",
            check=naming.check_ssh, pattern=naming.SSH_PATTERN,
        ),
        Question(
            key=f"{branch}_ssh_host_key", section=branch, title="Its host key", when=(f"{branch}_access", "ssh"),
            required=True, help="The server's public key, one line as ssh-keyscan prints it: ssh-ed25519 AAAA...",
            check=naming.check_ssh_host_key, pattern=naming.SSH_HOST_KEY_PATTERN,
        ),
        Question(
            key=f"{branch}_wait", section=branch, kind="choice", title="Wait", when=kubeflow, default="poll",
            choices=("poll", "callback", "none"),
            help="The workflow looks until the run ends (poll), the run calls back (callback), or nobody waits (none).",
        ),
        Question(
            key=f"{branch}_tracking_uri", section=branch, title="MLflow address", check=naming.check_tracking,
            help="Address of an MLflow server; empty: MLFLOW_TRACKING_URI of the environment, else a file.",
        ),
        Question(
            key=f"{branch}_runner", section=branch, title="Runner", default="ubuntu-24.04", required=True,
            help="Label of the CI runner that trains; several are separated by commas.", check=naming.check_runner,
        ),
    )  # fmt: skip


_CLASSES = [metric("balanced_accuracy", higher=True), metric("f1_macro", higher=True, tolerance=0.02)]

_OTHER = (
    Question(
        key="metrics", section="quality", kind="metrics", title="Metrics", required=True,
        default=Cases(
            (
                ({"task": "regression", "data_address": SAMPLE}, [metric("rmse", higher=False, threshold=80.0)]),
                ({"task": "regression"}, [metric("rmse", higher=False)]),
            ),
            _CLASSES,
        ),
        help="What a new model must reach, as 'rmse lower threshold=80 tolerance=1; r2 higher gain=0.01'.",
    ),
    Question(
        key="registry", section="automation", title="Container registry", check=naming.check_registry,
        help="For Kubeflow: where images go, as ghcr.io/acme/model; empty: no image, the code travels in the package.",
    ),
    Question(
        key="data_watch", section="automation", kind="choice", title="Watch the data",
        default=Cases((({"data_address": SAMPLE}, "off"),), "daily"), choices=("off", "hourly", "daily", "weekly"),
        help="How often GitHub looks whether the data changed since the last training; a change starts a training.",
    ),
    Question(
        key="template_update", section="automation", kind="choice", title="Template updates", default="off",
        choices=("off", "weekly", "monthly"),
        help="How often GitHub looks for a newer template and opens a pull request; docs/updates.md names its secret.",
    ),
    Question(
        key="notify_how", section="notification", kind="choice", title="Notify by", default="none",
        choices=("none", "email"), help="How people hear of a training; the mail server is set up later, as a secret.",
    ),
    Question(
        key="notify_emails", section="notification", kind="words", title="Notify", default=[], required=True,
        when=("notify_how", "email"), help="E-mail addresses, separated by commas.", check=naming.check_email,
    ),
    Question(
        key="notify_when", section="notification", kind="words", title="Notify after", default=["failed", "regressed"],
        when=("notify_how", "email"), required=True,
        choices=("improved", "regressed", "failed", "succeeded", "data_changed", "always"),
        help="After which trainings, by commas: improved, regressed, failed, succeeded, data_changed, always.",
    ),
    Question(
        key="reviewers", section="review", kind="words", title="Reviewers", default=[],
        help="GitHub users or teams (organisation/team) that approve production, separated by commas; at most six.",
        check=naming.check_reviewer, bounds=(0, 6),
    ),
    Question(
        key="review_wait_minutes", section="review", kind="integer", title="Wait (minutes)", default=0,
        bounds=(0, 43200), help="How long a production training waits after the approval; 0 to 43200 (30 days).",
    ),
    Question(
        key="python_version", section="python", kind="choice", title="Python", flag="--python", default="3.12",
        choices=("3.11", "3.12", "3.13"), help="The Python that the repository trains with.",
    ),
)  # fmt: skip

QUESTIONS: tuple[Question, ...] = (*_PROJECT, *_DATA, *(q for b in BRANCHES for q in _branch(b)), *_OTHER)
"""Every question, in the order in which answers may depend on each other."""

BUILT_IN = QuestionSet(questions=QUESTIONS, sections=SECTIONS, ours=True)
"""The questions of the newest version of the built-in template."""

_MARKS = ("data_address", "development_engine", "metrics", "notify_how", "review_wait_minutes")
# Together they are the mark of our questions: a template derived from ours has them, nobody else's does.


def is_ours(keys: Collection[str]) -> bool:
    """Whether questions or answers with these keys are those of our template, or of one derived from it."""
    return all(key in keys for key in _MARKS)


BY_KEY = BUILT_IN.by_key
of_section = BUILT_IN.of_section
unknown_key = BUILT_IN.unknown_key
resolve = BUILT_IN.resolve
