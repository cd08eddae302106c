"""The use cases of a doctor's time: the agenda, its blocks, and what is free."""

from dependency_injector.providers import ThreadSafeSingleton as Once

from entrypoints.container.ground import Ground
from telemed_core.application.agendas import BlockTime, CancelBlocked, ListBlocks, RemoveBlock, ReplaceAgenda
from telemed_core.application.reading import ListSlots, RecallBlock, ShowAgenda


class AgendaParts(Ground):
    """What reads and changes agendas."""

    cancel_blocked = Once(CancelBlocked, Ground.schedules, Ground.appointments, Ground.committing)
    replace_agenda = Once(ReplaceAgenda, Ground.schedules, Ground.commands)
    block_time = Once(BlockTime, Ground.schedules, Ground.commands, cancel_blocked, Ground.ids)
    remove_block = Once(RemoveBlock, Ground.schedules, Ground.commands)
    list_blocks = Once(ListBlocks, Ground.schedules, Ground.clock)
    list_slots = Once(ListSlots, Ground.schedules, Ground.appointments, Ground.clock)
    show_agenda = Once(ShowAgenda, Ground.schedules)
    recall_block = Once(RecallBlock, Ground.schedules)
