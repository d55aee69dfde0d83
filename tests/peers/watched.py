"""One of the six calls beside one of the peers: `python watched.py PEER CALL`. What the peer says
of it goes to standard output, all of it.

What is in `with_PEER` is what a project has to add to its own code, or to its tests.
"""

import asyncio
import logging
import os
import sys
import traceback

PEER, CALL = sys.argv[1:]
os.environ["CALLS"] = CALL

import six_calls  # noqa: E402, it reads CALLS


def with_blockbuster():
    from blockbuster import BlockingError, blockbuster_ctx

    async def main():
        with blockbuster_ctx():
            await six_calls.handle(CALL)

    try:
        asyncio.run(main())
    except BlockingError:
        traceback.print_exc(file=sys.stdout)


def with_pyleak():
    from pyleak import EventLoopBlockError, no_event_loop_blocking

    async def main():
        async with no_event_loop_blocking(action="raise", threshold=0.1):
            await six_calls.handle(CALL)
            # Its thread looks now and then, and has to have had a look after the call.
            await asyncio.sleep(0.3)

    try:
        asyncio.run(main())
    except EventLoopBlockError as error:
        print(error)


def with_aiocop():
    import aiocop

    def tell(event):
        if not event.exceeded_threshold:
            return
        print("slow task,", event.reason)
        for found in [*event.blocking_events, *event.cpu_stack_samples]:
            print(found.get("event", ""), found["trace"])

    async def main():
        aiocop.patch_audit_functions()
        aiocop.start_blocking_io_detection(trace_depth=20)
        aiocop.detect_slow_tasks(threshold_ms=100, on_slow_task=tell)
        aiocop.activate()
        # A task of its own, as each request is to a server.
        await asyncio.create_task(six_calls.handle(CALL))
        await asyncio.sleep(0.1)

    asyncio.run(main())


def with_asyncio_debug():
    logging.basicConfig(stream=sys.stdout)

    async def main():
        asyncio.get_running_loop().slow_callback_duration = 0.1
        await asyncio.create_task(six_calls.handle(CALL))

    asyncio.run(main(), debug=True)


globals()["with_" + PEER]()
