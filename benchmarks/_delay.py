"""A wire of a known length: whatever passes through arrives some milliseconds later, in both directions.

``python -m benchmarks._delay PORT TO MS`` listens on PORT of 127.0.0.1 and passes on to TO, each octet MS milliseconds
later. Opening the connection itself takes no longer than usual.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ._sink import await_port, free_port

_ROOT = Path(__file__).parent.parent
_CHUNK = 1 << 16


@contextmanager
def delayed(port: int, milliseconds: float) -> Iterator[int]:
    """A port of 127.0.0.1 that leads to ``port`` over a wire of ``milliseconds`` in each direction."""
    near = free_port()
    command = [sys.executable, "-m", "benchmarks._delay", str(near), str(port), str(milliseconds)]
    with subprocess.Popen(command, cwd=_ROOT) as process:
        try:
            await_port(near, process)
            yield near
        finally:
            process.terminate()


async def _serve(port: int, to: int, seconds: float) -> None:
    async def join(reader: StreamReader, writer: StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", to)
        await asyncio.gather(_pump(reader, far_writer, seconds), _pump(far_reader, writer, seconds))

    server = await asyncio.start_server(join, "127.0.0.1", port)
    await server.serve_forever()


async def _pump(reader: StreamReader, writer: StreamWriter, seconds: float) -> None:
    """Pass on what comes, each chunk ``seconds`` after it came, and the end of it likewise."""
    loop = asyncio.get_running_loop()
    while chunk := await reader.read(_CHUNK):
        loop.call_later(seconds, writer.write, chunk)
    loop.call_later(seconds, writer.close)


if __name__ == "__main__":
    near_port, far_port, wire = sys.argv[1:]
    asyncio.run(_serve(int(near_port), int(far_port), float(wire) / 1000))
