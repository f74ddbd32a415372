"""Which day it is, for rules that count from today."""

import datetime
import os


def today() -> datetime.date:
    """The day from which ages are counted: today, or that of SOURCE_DATE_EPOCH.

    Source: reproducible-builds.org, "SOURCE_DATE_EPOCH specification".
    """
    told = os.environ.get("SOURCE_DATE_EPOCH", "")
    now = datetime.datetime.fromtimestamp(int(told), datetime.UTC) if told.isdecimal() else None
    return (now or datetime.datetime.now(datetime.UTC)).date()
