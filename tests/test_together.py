"""Work for all who ask at once."""

import asyncio

from image_service.telemetry.together import Together


async def test_those_who_come_meanwhile_share_it() -> None:
    done, may_end = 0, asyncio.Event()

    async def work() -> int:
        nonlocal done
        await may_end.wait()
        done += 1
        return done

    together = Together(work)
    asking = [asyncio.create_task(together()) for _ in range(100)]
    await asyncio.sleep(0)
    asking[0].cancel()  # it goes on for the others
    may_end.set()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert found[1:] == [1] * 99
    assert await together() == 2
