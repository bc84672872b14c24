"""A message that fails harms nobody else."""

from stage import Stage


async def test_every_message_has_its_effect_once_and_in_order(stage: Stage) -> None:
    async with stage.relaying(), stage.hearing():
        for start in range(0, 100, 10):
            await stage.say(*range(start, start + 10))
        await stage.caught_up()
    assert await stage.effects() == stage.said
