"""Examples for the help of each command: what a person wants, and the line that does it."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "init": (
        ("Answer a few questions in the terminal", "mlopsgen init"),
        ("Ask nothing, keep every default", "mlopsgen init heart --defaults"),
        ("Your own data", "mlopsgen init wine --data wine.csv --target quality --task regression"),
        ("The answers from a file", "mlopsgen init --answers answers.yaml"),
        ("Your organisation's template", "mlopsgen init --template gh:acme/mlops-config"),
    ),
    "push": (
        ("A forge beside the repository; no account is needed", "mlopsgen push --local"),
        ("Look at the plan for GitHub, do nothing", "mlopsgen push --org acme --dry-run"),
        ("Make it in an organisation", "mlopsgen push --org acme"),
        ("Make it in your own account, for everybody to see", "mlopsgen push --user --visibility public"),
    ),
    "adopt": (
        ("Look at what would change", "mlopsgen adopt --dry-run"),
        ("The repository of this folder", "mlopsgen adopt"),
        ("Another one, with an answer", "mlopsgen adopt ../heart --set target=disease"),
    ),
    "status": (
        ("The repository of this folder", "mlopsgen status"),
        ("Wait for the training that runs", "mlopsgen status --follow"),
        ("Which repositories are behind their template", "mlopsgen status --all --org acme"),
    ),
    "run": (
        ("The branch that is checked out", "mlopsgen run"),
        ("Another one, without waiting", "mlopsgen run --branch staging --detach"),
    ),
    "watch": (
        ("Look every ten minutes until Ctrl-C", "mlopsgen watch"),
        ("Look once, from a timer of your own", "mlopsgen watch --once --branch production"),
    ),
    "sync": (
        ("Is there an update? Exit code 8 says yes", "mlopsgen sync --check"),
        ("Look at what would change", "mlopsgen sync --dry-run"),
        ("Update this repository", "mlopsgen sync"),
        ("After you resolved conflicts", "mlopsgen sync --continue"),
        ("Every repository of an organisation", "mlopsgen sync --all --org acme"),
    ),
    "config-repo create": (
        ("On this machine", "mlopsgen config-repo create --name Acme"),
        ("On GitHub as well", "mlopsgen config-repo create --name Acme --org acme"),
    ),
    "config-repo update": (("Merge the newest version of mlopsgen's template", "mlopsgen config-repo update"),),
    "config-repo check": (
        ("Render it over all pairs of answers", "mlopsgen config-repo check"),
        ("Install, lint and test a repository as well", "mlopsgen config-repo check --full"),
    ),
    "config-repo release": (("Tag the version and bring the tag to GitHub", "mlopsgen config-repo release --push"),),
    "secrets list": (("What is needed, and what is there", "mlopsgen secrets list"),),
    "secrets set": (
        ("Type all that are missing at a hidden prompt", "mlopsgen secrets set"),
        ("One, for one environment", "mlopsgen secrets set SMTP_PASSWORD --branch production"),
        ("From a variable, without a prompt", "mlopsgen secrets set SMTP_PASSWORD --from-env MY_PASSWORD"),
        ("On this machine's forge", "mlopsgen secrets set --local"),
    ),
    "secrets rotate": (
        ("A new value for one that is there", "mlopsgen secrets rotate SMTP_PASSWORD"),
        ("From a file of NAME=value lines", "mlopsgen secrets rotate --from-file new.env"),
    ),
    "secrets check": (("Fail where one is missing, for CI", "mlopsgen secrets check"),),
    "secrets manifest": (
        ("Hand them to the cluster", "mlopsgen secrets manifest --branch production | kubectl apply -f -"),
    ),
    "runner add": (
        ("This machine takes the trainings of development", "mlopsgen runner add"),
        ("A machine with a GPU", "mlopsgen runner add --branch production --labels gpu"),
    ),
    "runner list": (("The runners, and who waits for one", "mlopsgen runner list"),),
    "runner remove": (("By its name", "mlopsgen runner remove gpu-1"),),
    "destroy": (
        ("Look at what would go", "mlopsgen destroy --dry-run"),
        ("Make it read-only instead", "mlopsgen destroy --archive"),
    ),
    "doctor": (("This machine, this repository, its forge", "mlopsgen doctor"),),
    "completion": (
        ("For the shell that you use now", "mlopsgen completion --install"),
        ("Look at what would be installed", "mlopsgen completion zsh"),
    ),
    "cache": (
        ("Where it is, and how large", "mlopsgen cache"),
        ("Remove it", "mlopsgen cache --clear"),
    ),
    "schema": (
        ("What there is", "mlopsgen schema"),
        ("The questions, for an answers file", "mlopsgen schema answers"),
    ),
}
"""By command, without the program's name."""
