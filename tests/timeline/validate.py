"""Reads traces with Perfetto's own schema, as published, and says what is not as Perfetto wants it.

`scripts/validate-timeline` runs this in an environment that has the schema. It shares no code with the writer.
"""

import sys

from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace, TrackEvent


def unknown_fields(message):
    """The fields in a message, and in those within it, that the schema does not have."""
    found = [f"{message.DESCRIPTOR.name} has no field {field.field_number}" for field in UnknownFieldSet(message)]
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for part in value if field.is_repeated else [value]:
                found += unknown_fields(part)
    return found


def mistakes(trace):
    """What is wrong with a trace."""
    tracks, flows, open_slices, last, counts = {}, {}, {}, {}, {"slices": 0, "instants": 0, "counters": 0}
    for number, packet in enumerate(trace.packet):
        for what in unknown_fields(packet):
            yield f"packet {number}: {what}"
        if packet.HasField("track_descriptor"):
            descriptor = packet.track_descriptor
            if descriptor.uuid in tracks:
                yield f"packet {number}: the track {descriptor.uuid} is described twice"
            if descriptor.HasField("parent_uuid") and descriptor.parent_uuid not in tracks:
                yield f"packet {number}: the track's parent is not known yet"
            tracks[descriptor.uuid] = descriptor
        if not packet.HasField("track_event"):
            continue
        event = packet.track_event
        track = event.track_uuid
        if track not in tracks:
            yield f"packet {number}: the track {track} is not described"
        if packet.timestamp < last.get(track, 0):
            yield f"packet {number}: time goes back on the track {track}"
        last[track] = packet.timestamp
        for flow in list(event.flow_ids) + list(event.terminating_flow_ids):
            flows[flow] = flows.get(flow, 0) + 1
        if event.type == TrackEvent.TYPE_SLICE_BEGIN:
            counts["slices"] += 1
            open_slices[track] = open_slices.get(track, 0) + 1
        elif event.type == TrackEvent.TYPE_SLICE_END:
            open_slices[track] = open_slices.get(track, 0) - 1
            if open_slices[track] < 0:
                yield f"packet {number}: a slice ends that has not begun"
        elif event.type == TrackEvent.TYPE_INSTANT:
            counts["instants"] += 1
        elif event.type == TrackEvent.TYPE_COUNTER:
            counts["counters"] += 1
            if not tracks[track].HasField("counter"):
                yield f"packet {number}: a counter on the track of something else"
        else:
            yield f"packet {number}: an event of no type"
    yield from (f"{count} slices of the track {track} have no end" for track, count in open_slices.items() if count)
    yield from (f"there are no {what}" for what, count in counts.items() if not count)
    # A request that waits at the end of the trace has an arrow that goes nowhere.
    waiting = sum(ends < 2 for ends in flows.values())
    if len(flows) <= waiting:
        yield "no arrow goes from somewhere to somewhere"
    print(f"  {len(trace.packet)} packets, {len(tracks)} tracks, {counts['slices']} slices, {len(flows)} arrows")


def main():
    wrong = 0
    for path in sys.argv[1:]:
        print(path)
        trace = Trace()
        try:
            with open(path, "rb") as file:
                trace.ParseFromString(file.read())
        except (OSError, DecodeError) as error:
            wrong += 1
            print(f"  it cannot be read as a trace: {error}")
            continue
        for what in mistakes(trace):
            wrong += 1
            print(f"  {what}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
