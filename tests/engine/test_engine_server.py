"""The Engine service, as a helper process calls it."""

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from engine.engine_server import EngineServer
from engine.events import Diagnostic


def test_helpers_can_log_and_ask_for_the_root_resource() -> None:
    heard: list[Diagnostic] = []
    server = EngineServer(heard.append)
    server.root_urn = "urn:pulumi:dev::p::pulumi:pulumi:Stack::p-dev"
    try:
        with grpc.insecure_channel(server.address, [("grpc.enable_http_proxy", 0)]) as channel:
            engine = engine_pb2_grpc.EngineStub(channel)
            engine.Log(engine_pb2.LogRequest(severity=2, message="careful", urn="urn:x", streamId=4, ephemeral=True))
            assert engine.GetRootResource(engine_pb2.GetRootResourceRequest()).urn == server.root_urn
            engine.SetRootResource(engine_pb2.SetRootResourceRequest(urn="urn:y"))
    finally:
        server.close()
        server.close()
    assert heard == [Diagnostic("warning", "careful", "urn:x", ephemeral=True, stream=4)]
    assert server.root_urn == "urn:y"


def test_a_server_that_nobody_asked_for_never_starts() -> None:
    EngineServer([].append).close()
