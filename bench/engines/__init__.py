"""One module an engine, all with the same small interface."""

from __future__ import annotations

from pgsluice.bench.engines.base import Engine
from pgsluice.bench.engines.floor import Floor
from pgsluice.bench.engines.nats import Nats
from pgsluice.bench.engines.pgmq import Pgmq
from pgsluice.bench.engines.pgqueuer import Pgqueuer
from pgsluice.bench.engines.sluice import Sluice

ENGINES: dict[str, Engine] = {engine.name: engine for engine in (Sluice(), Pgmq(), Floor(), Pgqueuer(), Nats())}
