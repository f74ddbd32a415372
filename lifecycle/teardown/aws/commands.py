"""Command lines of the AWS command line interface, as they can be copied into a shell. Pure."""

import shlex


def command(region: str, words: str, **values: str) -> str:
    """`aws WORDS --region REGION`, with each `{name}` in the words replaced by a value, quoted for a shell.

    Works with versions 1 and 2 of the interface. Raises ValueError for a value with characters that no name on AWS has,
    such as a line break, because what would be copied is then not what is run.
    """
    for name, value in {**values, "region": region}.items():
        if not value or not value.isprintable():
            raise ValueError(f"{name} {value!r} cannot stand in a command line")
    line = ["aws"]
    for word in words.split():
        filled = word.format(**values)
        if filled.startswith("-") and not word.startswith("-"):
            # Else it would be taken for an option.
            line[-1] = f"{line[-1]}={filled}"
        else:
            line.append(filled)
    return shlex.join([*line, "--region", region])


def empty_bucket(region: str, bucket: str) -> str:
    """A loop that deletes every object of a bucket in every version, which `aws s3 rm` does not.

    A hundred at a time, because an argument may have 128 KiB on Linux and a key 1 KiB. It ends where one is refused.
    """
    versions = "{Objects: [Versions, DeleteMarkers][][].{Key: Key, VersionId: VersionId}, Quiet: `true`}"
    some = command(
        region,
        "s3api list-object-versions --bucket {bucket} --no-paginate --max-keys 100 --output json --query {query}",
        bucket=bucket,
        query=versions,
    )
    remove = command(region, "s3api delete-objects --bucket {bucket} --output json", bucket=bucket)
    refused = """case $e in *Errors*) echo "$e" >&2; break ;; esac"""
    some_left = f"v=$({some}) && case $v in *VersionId*) ;; *) false ;; esac"
    return f'while {some_left}; do e=$({remove} --delete "$v") || break; {refused}; done'
