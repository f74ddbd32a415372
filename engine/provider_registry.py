"""Who manages which resource: explicit providers, default providers, and what stands behind each package.

Provider resources are recorded like any other; a resource names its provider by reference, ``URN::ID``. In the embedded
engine only Python dynamic resources and Pulumi's own built-in types have something real behind them.
"""

import threading
import uuid
from collections.abc import Callable

from engine import urn as urns
from engine import values
from engine.builtin_provider import BuiltinProvider
from engine.errors import EngineError, Unsupported
from engine.goal import Goal
from engine.offline_provider import OfflineProvider
from engine.plugin_provider import DYNAMIC_PACKAGE
from engine.providers import Checked, Instance, Provider
from engine.resource_state import ResourceState

BUILTIN_PACKAGE = "pulumi"


class _ProviderResources(OfflineProvider):
    """Manages provider resources themselves: nothing exists but their record."""

    def create(self, urn: str, inputs: values.Properties, timeout_seconds: float) -> Instance:
        """Gives the provider an identity of its own."""
        return Instance(str(uuid.uuid4()), _without_internal(inputs))

    def update(
        self,
        urn: str,
        identifier: str,
        old_inputs: values.Properties,
        old_outputs: values.Properties,
        news: values.Properties,
        timeout_seconds: float,
    ) -> values.Properties:
        """The configuration is the provider."""
        return _without_internal(news)

    def check(self, urn: str, olds: values.Properties, news: values.Properties) -> Checked:
        """Any configuration will do: only the plugin knows better."""
        return Checked(news)


def _without_internal(inputs: values.Properties) -> values.Properties:
    """The outputs of a provider resource, which leave out what Pulumi keeps for itself among the inputs."""
    return {key: value for key, value in inputs.items() if key != "__internal"}


class ProviderRegistry:
    """Finds the provider of a goal or of a recorded state, registering default providers as they are needed."""

    def __init__(
        self,
        *,
        dry_run: bool,
        config: dict[str, values.Value],
        dynamic: Provider,
        builtin: BuiltinProvider,
    ) -> None:
        """`config` is the stack's, by full key, secrets marked; `dynamic` serves Python dynamic resources."""
        self._dry_run = dry_run
        self._config = config
        self._dynamic = dynamic
        self._builtin = builtin
        self._register: Callable[[Goal], ResourceState] | None = None
        self._defaults: dict[tuple[str, str, str], str] = {}
        self._lock = threading.RLock()

    def bind(self, register: Callable[[Goal], ResourceState]) -> None:
        """`register` registers a default provider's goal, as if the program had."""
        self._register = register

    def of(self, goal: Goal) -> tuple[str, Provider]:
        """The provider reference to record for a custom resource (empty for a provider itself), and who serves it.

        Raises Unsupported where the package's plugin would be needed to deploy.
        """
        if urns.is_provider(goal.type):
            return "", _ProviderResources(urns.package_of(goal.type))
        package = urns.package_of(goal.type)
        if package == BUILTIN_PACKAGE:
            return self._default(package, goal), self._builtin
        reference = goal.provider or self._default(package, goal)
        return reference, self._serving(package, f"{goal.type} {goal.name!r}")

    def recorded(self, state: ResourceState) -> Provider:
        """Who serves a resource of the last deployment."""
        if urns.is_provider(state.type):
            return _ProviderResources(urns.package_of(state.type))
        package = urns.package_of(state.type)
        return self._builtin if package == BUILTIN_PACKAGE else self._serving(package, state.urn)

    def close(self) -> None:
        """Ends whatever the providers run."""
        self._dynamic.close()

    def _serving(self, package: str, who: str) -> Provider:
        if package == DYNAMIC_PACKAGE:
            return self._dynamic
        if self._dry_run:
            return OfflineProvider(package)
        raise Unsupported(
            f"{who} needs the {package} plugin, which the embedded engine does not run; use the pulumi command"
        )

    def _default(self, package: str, goal: Goal) -> str:
        key = (package, goal.version, goal.plugin_download_url)
        with self._lock:
            if key not in self._defaults:
                if self._register is None:
                    raise EngineError("no deployment is bound to the provider registry")
                state = self._register(self._default_goal(package, goal))
                self._defaults[key] = f"{state.urn}::{state.id or values.UNKNOWN_SENTINEL}"
            return self._defaults[key]

    def _default_goal(self, package: str, goal: Goal) -> Goal:
        inputs: values.Properties = {}
        for key, value in self._config.items():
            namespace, _, name = key.partition(":")
            # Dynamic providers are given the whole configuration, under full keys, as Pulumi does.
            if package == DYNAMIC_PACKAGE:
                inputs[key] = value
            elif namespace == package:
                inputs[name] = value
        suffix = "_" + goal.version.replace(".", "_").replace("-", "_").replace("+", "_") if goal.version else ""
        return Goal(
            type=f"{urns.PROVIDER_TYPE_PREFIX}{package}",
            name=f"default{suffix}",
            custom=True,
            inputs=inputs,
            version=goal.version,
            plugin_download_url=goal.plugin_download_url,
        )
