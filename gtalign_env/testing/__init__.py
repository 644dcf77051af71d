"""Things to test with: a model server that fails on demand."""

from gtalign_env.testing.fault_server import FAULTS, FaultServer

__all__ = ["FAULTS", "FaultServer"]
