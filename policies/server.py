"""Serves the rules to pulumi or the embedded engine, over Pulumi's Analyzer protocol.

The policy SDK would serve them too. But it decodes a resource again for every policy, and every resource of the stack
for every policy of the stack, which took 3.5 ms a resource with as many policies as this pack has; and its import takes
longer than that of all else here. Here each resource is decoded once, and only rules that judge its type are asked.
"""

import gc
import os
import sys
from collections.abc import Callable, Sequence
from concurrent import futures
from contextlib import suppress
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc, plugin_pb2

from policies import configuration, decoding, messages, wording
from policies.dates import today
from policies.judging import Finding, judge_resource, judge_stack
from policies.rules import EVERY_TYPE, Rule

_GARBAGE_THRESHOLD = 100_000
_LARGEST_MESSAGE_BYTES = 400 * 1024 * 1024
_OWN_SERVICE = "trainyard.Analyzer"
"""What the embedded engine asks beside Pulumi's protocol; see engine/analyzer_calls.py."""


def serve(name: str, rules: Sequence[Rule], prepare: Callable[[], object]) -> None:
    """Serve until the engine ends this process. The port goes to standard output, as Pulumi expects.

    `prepare` loads what the rules will need; if it fails, so will the rule that needs it, which can say so.
    """
    servicer = Servicer(name, rules)
    # What is there by now stays; and to judge makes many objects, but no rings of them.
    gc.freeze()
    gc.set_threshold(_GARBAGE_THRESHOLD)
    gc.enable()
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=4),
        options=[
            ("grpc.max_receive_message_length", _LARGEST_MESSAGE_BYTES),
            ("grpc.max_send_message_length", _LARGEST_MESSAGE_BYTES),
        ],
    )
    analyzer_pb2_grpc.add_AnalyzerServicer_to_server(servicer, server)
    at_once = grpc.unary_unary_rpc_method_handler(
        servicer.AnalyzeAll,
        request_deserializer=analyzer_pb2.AnalyzeStackRequest.FromString,
        response_serializer=analyzer_pb2.AnalyzeResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(_OWN_SERVICE, {"AnalyzeAll": at_once})])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    with suppress(Exception):
        prepare()
    server.wait_for_termination()


class Servicer(analyzer_pb2_grpc.AnalyzerServicer):
    """Answers Pulumi's engine."""

    def __init__(self, name: str, rules: Sequence[Rule]) -> None:
        self._name = name
        self._rules = rules
        self._undecided: dict[Rule, list[Finding]] = {}
        self._inputs: dict[str, Any] = {}
        """By URN: with which properties the resources of this deployment were analyzed."""
        self._learn_stack(os.environ.get("PULUMI_STACK", ""), dry_run=os.environ.get("PULUMI_DRY_RUN") == "true")

    def _learn_stack(self, stack: str, *, dry_run: bool) -> None:
        self._stack = stack
        self._dry_run = dry_run
        self._file = configuration.stack_file(stack) if stack else None
        self._initial: dict[str, Any] = {}
        """The stack's own configuration file."""
        self._problem = ""
        """Why that file cannot be used."""
        try:
            self._initial = configuration.read(self._file) if self._file else {}
            settings = configuration.settings(self._initial, self._rules, today(), source=self._source)
        except configuration.ConfigurationError as error:
            # The engine is told when it configures the pack: what a pack says before that, it does not show.
            self._initial, self._problem = {}, str(error)
            settings = configuration.settings({}, self._rules, today())
        self._initial_settings = settings
        self._use(settings)

    @property
    def _source(self) -> str:
        return (
            f"policy configuration {self._file.parent.name}/{self._file.name}" if self._file else "policy configuration"
        )

    def _use(self, settings: dict[str, configuration.Setting]) -> None:
        self._settings = settings
        enabled = [rule for rule in self._rules if self._settings[rule.id].level != "disabled"]
        self._every_type = [rule for rule in enabled if rule.kind == "resource" and EVERY_TYPE in rule.types]
        self._rules_of: dict[str, list[Rule]] = {}
        """Rules of single resources, by the types that they name."""
        for rule in enabled:
            if rule.kind == "resource" and EVERY_TYPE not in rule.types:
                for type_ in rule.types:
                    self._rules_of.setdefault(type_, [*self._every_type]).append(rule)
        self._stack_rules = [rule for rule in enabled if rule.kind != "resource"]

    def GetAnalyzerInfo(self, _request: Any, _context: Any) -> Any:  # noqa: N802 - the protocol's name
        """What the pack is, which rules it has, and how the stack's own file configures them."""
        return messages.analyzer_info(self._name, self._rules, self._initial, self._initial_settings)

    def GetPluginInfo(self, _request: Any, _context: Any) -> Any:  # noqa: N802 - the protocol's name
        """The version of the server."""
        return plugin_pb2.PluginInfo(version=messages.VERSION)

    def ConfigureStack(self, request: Any, _context: Any) -> Any:  # noqa: N802 - the protocol's name
        """Tells of the stack, of which the environment may have told already."""
        self._learn_stack(request.stack, dry_run=request.dry_run)
        return analyzer_pb2.AnalyzerStackConfigureResponse()

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        """Refuses a configuration that is wrong, with every mistake."""
        if self._problem:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, self._problem)
        content = {
            name: {
                "enforcementLevel": analyzer_pb2.EnforcementLevel.Name(each.enforcementLevel).lower(),
                **decoding.plain(each.properties),
            }
            for name, each in request.policyConfig.items()
        }
        try:
            self._use(configuration.settings(content, self._rules, today()))
        except configuration.ConfigurationError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        return empty_pb2.Empty()

    def Remediate(self, _request: Any, _context: Any) -> Any:  # noqa: N802 - the protocol's name
        """Nothing: no rule changes a resource."""
        return analyzer_pb2.RemediateResponse()

    def Analyze(self, request: Any, _context: Any) -> Any:  # noqa: N802 - the protocol's name
        """What the rules of single resources object to in one."""
        response = analyzer_pb2.AnalyzeResponse()
        self._analyze(request, response)
        return response

    def AnalyzeAll(self, request: Any, _context: Any) -> Any:  # noqa: N802 - as the protocol would name it
        """What the rules of single resources object to in each of many."""
        response = analyzer_pb2.AnalyzeResponse()
        for each in request.resources:
            self._analyze(each, response)
        return response

    def _analyze(self, message: Any, response: Any) -> None:
        self._inputs[message.urn] = message.properties
        rules = self._rules_of.get(message.type, self._every_type)
        if rules:
            resource = decoding.resource(message)
            for rule in rules:
                self._tell(response, judge_resource(rule, resource, self._settings[rule.id].parameters))

    def AnalyzeStack(self, request: Any, _context: Any) -> Any:  # noqa: N802 - the protocol's name
        """What the rules of the stack object to, and which rules could not decide in a preview."""
        response = analyzer_pb2.AnalyzeResponse()
        stack = decoding.stack(request, self._stack, self._inputs, dry_run=self._dry_run)
        for rule in self._stack_rules:
            self._tell(response, judge_stack(rule, stack, self._settings[rule.id].parameters))
        for rule, findings in self._undecided.items():
            text = wording.undecided([_place(finding) for finding in findings])
            response.diagnostics.append(messages.diagnostic(self._name, rule, text, None, "advisory"))
        self._undecided.clear()
        self._inputs.clear()
        return response

    def _tell(self, response: Any, findings: Sequence[Finding]) -> None:
        for finding in findings:
            rule, resource = finding.rule, finding.resource
            if not finding.decided and self._dry_run:
                self._undecided.setdefault(rule, []).append(finding)
                continue
            # An update knows everything; if it does not, the rule is not kept.
            objection = finding.objection or f"It cannot be decided: {finding.unknown} is not known."
            setting = self._settings[rule.id]
            name, urn = (resource.name, resource.urn) if resource else ("", "")
            exemption = next((each for each in setting.exemptions if each.covers(name, urn)), None)
            if exemption:
                text = wording.exempt(exemption.expires, exemption.reason, objection)
                response.diagnostics.append(messages.diagnostic(self._name, rule, text, resource, "advisory"))
            else:
                text = rule.message(objection)
                response.diagnostics.append(messages.diagnostic(self._name, rule, text, resource, setting.level))


def _place(finding: Finding) -> str:
    return f"{finding.unknown} of {finding.resource.name}" if finding.resource else finding.unknown
