"""How asking for, or after, a job ends without success."""


class JobError(Exception):
    """The message is whole on one line: which job, what was asked of which platform, and what would help."""


class JobRefusedError(JobError):
    """The platform does not take the job, or does not let this identity ask; nothing was created."""


class PlatformUnavailableError(JobError):
    """The platform did not answer, or not as it should."""
