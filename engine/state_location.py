"""Where the state is kept: from PULUMI_BACKEND_URL, from Pulumi.yaml, or else in the project folder itself."""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from engine.errors import Unsupported
from engine.project import Project

BACKEND_VARIABLE = "PULUMI_BACKEND_URL"


def find_state_folder(project: Project, url: str = "", environment: Mapping[str, str] = os.environ) -> Path:
    """The folder that holds `.pulumi` for the project's stacks: `url` if given, else what the environment says,
    else Pulumi.yaml, else the project folder.

    A file URL is read as the pulumi command reads it: `file://~` is the home folder, a relative path starts at the
    current folder. Raises Unsupported, naming it, for a backend that is not a folder.
    """
    sources = (
        (url, "the state's URL"),
        (environment.get(BACKEND_VARIABLE, ""), BACKEND_VARIABLE),
        (project.backend_url, f"{project.file}: 'url' of 'backend'"),
    )
    for location, source in sources:
        if location:
            return _folder(location, source)
    return project.folder


def _folder(location: str, source: str) -> Path:
    scheme, separator, rest = location.partition("://")
    if not separator or scheme != "file":
        # The rest of the URL can hold a credential.
        shown = f"{scheme}://…" if separator and urlsplit(location).scheme else "not a URL"
        raise Unsupported(
            f"{source} is {shown}; the embedded engine keeps state in folders only, as file:///FOLDER: "
            "use the pulumi command for other backends"
        )
    path = unquote(rest.partition("?")[0])
    if path == "~" or path.startswith("~/"):
        return Path.home() / path[2:]
    return Path(path).absolute()
