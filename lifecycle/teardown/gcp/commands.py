"""Command lines of gcloud, as they can be copied into a shell. Pure."""

import shlex


def command(project: str, words: str, **values: str) -> str:
    """`gcloud WORDS --project=PROJECT --quiet`, each `{name}` in the words replaced by a value, quoted.

    Raises ValueError for a value with characters that no name on Google Cloud has, such as a line break, because what
    would be copied is then not what is run; and for one that gcloud would take for an option.
    """
    for name, value in {**values, "project": project}.items():
        if not value or not value.isprintable() or value.startswith("-"):
            raise ValueError(f"{name} {value!r} cannot stand in a command line")
    line = [word.format(**values) for word in words.split()]
    return shlex.join(["gcloud", *line, f"--project={project}", "--quiet"])


def place(link: str) -> str:
    """Where a resource of Compute Engine is, as gcloud's options have it: `--zone=Z`, `--region=R` or `--global`.

    :param link: The resource's own link.
    """
    parts = link.split("/")
    for option, part in (("zone", "zones"), ("region", "regions")):
        if part in parts:
            return f"--{option}={parts[parts.index(part) + 1]}"
    return "--global"
