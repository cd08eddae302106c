"""In the meeting: what the two sides tell each other to find each other, and who is kept out."""

from typing import Final

from entrypoints.cli.demo.stage import SYSTEM, Stage
from telemed_core.application.visiting import Joined
from telemed_core.domain.meetings import Provider
from telemed_core.domain.signals import Seat, Signal, SignalKind, Welcome

_OFFER: Final = '{"type":"offer","sdp":"v=0"}'
_ANSWER: Final = '{"type":"answer","sdp":"v=0"}'


def signalling(stage: Stage) -> None:
    """Each side says how it can be reached; sound and picture then go from one to the other."""
    bia, ana, rui = (stage.ways[one.id] for one in (stage.bia, stage.ana, stage.rui))
    if bia.room.provider is Provider.CHIME:
        _on_chime(stage, bia, ana, rui)
        return
    if bia.room.provider is not Provider.WEBRTC:
        nobody = stage.refused("unauthenticated", lambda: _enter(stage, bia, bia))
        stage.tell(SYSTEM, "has rooms in memory, which carry neither sound nor picture", nobody)
        return
    first, alone = _enter(stage, bia, bia)
    stage.check(not alone.present, "a meeting with one side in it")
    signals = stage.container.signals()
    signals.append(first, number=1, kind=SignalKind.OFFER, data=_OFFER)
    stage.tell(stage.bia.name, "connects to the meeting with her token, and offers", "nobody is there yet: it is kept")
    second, met = _enter(stage, ana, ana)
    found = [(one.kind, one.data) for one in met.waiting]
    stage.check(met.present and found == [(SignalKind.OFFER, _OFFER)], "the offer to have waited")
    stage.tell(stage.ana.name, "connects", "finds the offer")
    signals.append(second, number=1, kind=SignalKind.ANSWER, data=_ANSWER)
    heard = [(one.kind, one.data) for one in _behind(stage, first, alone) if one.connection == second.connection]
    stage.check((SignalKind.ANSWER, _ANSWER) in heard, "the answer to arrive")
    stage.tell(stage.ana.name, "answers", "the answer arrives: both can be reached")
    foreign = stage.refused("not_found", lambda: _enter(stage, bia, rui))
    stage.tell(stage.rui.name, "tries the token of his own visit", foreign)
    newer, _ = _enter(stage, bia, bia)
    lost = stage.refused("seat_lost", lambda: signals.append(first, number=2, kind=SignalKind.CANDIDATE, data="null"))
    stage.check(newer.side is first.side, "the same side of the meeting")
    stage.tell(stage.bia.name, "connects anew from a second window; the first speaks on", lost)


def closed(stage: Stage) -> None:
    """What opened the meeting opens it no more."""
    bia = stage.ways[stage.bia.id]
    if bia.room.provider is Provider.WEBRTC:
        over = stage.refused("join_window_closed", lambda: _enter(stage, bia, bia))
        stage.tell(stage.bia.name, "connects with the token that she still has", over)


def _on_chime(stage: Stage, bia: Joined, ana: Joined, rui: Joined) -> None:
    """Each side has all that its client needs to meet at Amazon's; nothing of it passes us."""
    tokens = [way.attendee.details.get("JoinToken") for way in (bia, ana, rui)]
    stage.check(all(tokens) and len(set(tokens)) == len(tokens), "a token of Chime's for each of them")
    places = [way.room.details.get("MediaPlacement") for way in (bia, ana, rui)]
    stage.check(
        places[0] == places[1] != places[2] and all(places), "one place to meet for both, and another for others"
    )
    stage.tell(stage.bia.name, "has a token for Amazon Chime, and so has her doctor", "they meet in one place there")
    nobody = stage.refused("unauthenticated", lambda: _enter(stage, bia, bia))
    stage.tell(stage.bia.name, "connects to our own signalling with it", nobody)


def _enter(stage: Stage, room: Joined, way: Joined) -> tuple[Seat, Welcome]:
    """A connection to that room with that token, or with none where there are none."""
    token = way.attendee.details.get("token", "")
    return stage.container.enter_meeting()(meeting_id=room.room.id, token=token)


def _behind(stage: Stage, seat: Seat, welcome: Welcome) -> list[Signal]:
    return list(stage.container.signals().read({seat.meeting_id: welcome.seq}).get(seat.meeting_id, ()))
