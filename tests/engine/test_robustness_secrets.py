"""Secrets in the clear: in no event and in no file of the state, whoever quotes them."""

import json
from pathlib import Path

import pytest

from engine.events import encode
from engine.redaction import Redactor
from engine.values import Secret
from tests.engine.robustness import CLOUD, Project, make_project

# Distinct words, so that it can be told which one leaked.
CONFIGURED, INPUT, OUTPUT, LISTED = "configured-Xq7'\"pw", "input-Zt9pw", "output-Kd3pw", "listed-Wm5pw"
SECRETS = (CONFIGURED, INPUT, OUTPUT, LISTED)

PROGRAM = """
import sys

class Careless(Findable):
    serialize_as_secret_always = True

    def create(self, props):
        if props["fails"]:
            print("provider says", props["password"], props["list"][0], flush=True)
            raise ValueError(f"login with {props['password']} and {props['list']!r} refused")
        return CreateResult("it", {**props, "token": "out" + "put-Kd3pw"})

class Vault(Resource):
    token: pulumi.Output[str]

    def __init__(self, name, fails):
        config = pulumi.Config()
        props = {
            "password": config.require_secret("password"),
            "other": pulumi.Output.secret("inp" + "ut-Zt9pw"),
            "list": ["plain", pulumi.Output.secret("lis" + "ted-Wm5pw")],
            "fails": fails,
            "token": None,
        }
        super().__init__(Careless(), name, props, pulumi.ResourceOptions(additional_secret_outputs=["token"]))

settings = json.loads(Path("settings.json").read_text())
vault = Vault("vault", False)
pulumi.export("token", vault.token)
pulumi.Config().require_secret("password").apply(lambda password: print("program says", password, flush=True))
pulumi.Config().require_secret("password").apply(lambda password: pulumi.log.warn("log says " + password))
if settings["fails"] == "provider":
    Vault("bad", True)
if settings["fails"] == "program":
    def refuse(password):
        raise ValueError("the program refuses " + password)
    pulumi.Config().require_secret("password").apply(refuse)
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    from engine.passphrase import PassphraseCrypter
    from tests.engine import robustness

    assert robustness.PASSPHRASE is not None
    crypter = PassphraseCrypter.with_new_salt(robustness.PASSPHRASE)
    encrypted = crypter.encrypt(CONFIGURED)
    stack_file = f"encryptionsalt: {crypter.salt_state}\nconfig:\n  sturdy:password:\n    secure: {encrypted}\n"
    project = make_project(tmp_path / "project", "", stack_file=stack_file, quick_keys=False)
    project.write(CLOUD + PROGRAM)
    return project


@pytest.mark.parametrize("fails", ["nobody", "provider", "program"])
@pytest.mark.parametrize("debug", [False, True])
def test_secrets_appear_in_no_event_and_no_file(project: Project, fails: str, debug: bool) -> None:
    project.set(fails=fails)
    outcome = project.run(debug=debug)
    assert outcome.finished.outcome == ("succeeded" if fails == "nobody" else "failed"), outcome.errors
    previewed = project.preview(debug=debug, every_state=True)
    shown = "\n".join(encode(event) for event in [*outcome.events, *previewed.events])
    kept = "\n".join(path.read_text() for path in (project.folder / ".pulumi").rglob("*") if path.is_file())
    for secret in SECRETS:
        within_json = json.dumps(secret)[1:-1]
        for spelling in (secret, repr(secret)[1:-1], within_json, json.dumps(within_json)[1:-1]):
            assert spelling not in shown, [line for line in shown.splitlines() if spelling in line][:3]
            assert spelling not in kept
    assert "program says [secret]" in outcome.messages()
    assert "log says [secret]" in outcome.messages()
    if fails == "provider":
        # The SDK makes a list secret as a whole where one of its elements is.
        assert "login with [secret] and ['[secret]', '[secret]'] refused" in outcome.errors
        assert "provider says [secret] [secret]" in outcome.messages()
    if fails == "program":
        assert "ValueError: the program refuses [secret]" in outcome.errors


def test_what_is_redacted_and_what_is_left() -> None:
    redactor = Redactor()
    redactor.learn({"a": Secret("hunter-2"), "b": "plain", "d": Secret("no")})
    redactor.learn({"c": [Secret({"key": "deep-er", "n": 12345})]})
    redactor.learn({"e": Secret("first line\nsecond line"), "f": Secret(True), "g": Secret("true")})
    redactor.learn_text('{"inner": "with \\"quotes\\""}')
    texts = {
        "it was hunter-2.": "it was [secret].",
        "plain and no": "plain and no",
        "deep-er 12345": "[secret] [secret]",
        "> second line": "> [secret]",
        "a 'first line\\nsecond line'": "a '[secret]'",
        "true": "true",
        'with "quotes"': "[secret]",
        '{"x": "with \\"quotes\\""}': '{"x": "[secret]"}',
    }
    assert {text: redactor.redact(text) for text in texts} == texts


def test_the_longest_secret_is_replaced_first() -> None:
    redactor = Redactor()
    redactor.learn_text("pass")
    redactor.learn_text("password")
    assert redactor.redact("password pass") == "[secret] [secret]"
