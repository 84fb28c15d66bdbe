//! Writes packets: tracks, and what happens on them.

use std::io::{self, BufWriter, Write};

use prost::Message as _;

use crate::proto::{
    COUNTER, CounterDescriptor, EXPLICIT, INCREMENTAL_STATE_CLEARED, INSTANT, PACKET, SIZE_BYTES,
    SLICE_BEGIN, SLICE_END, TracePacket, TrackDescriptor, TrackEvent,
};

/// Numbers that each part of a trace has for itself: of its tracks, and of its flows.
const NUMBERS: u32 = 40;

/// The number before the first of a part's tracks, and of its flows: those of other parts are far away.
pub(crate) fn numbers(part: u32) -> u64 {
    u64::from(part) << NUMBERS
}

/// A track of the trace, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Track(u64);

/// The requests that lead from one slice or instant to others.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Flows {
    /// Those that begin here, or pass through.
    pub(crate) on: Vec<u64>,
    /// Those that end here.
    pub(crate) ended: Vec<u64>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Packets<W: Write> {
    writer: BufWriter<W>,
    packet: Vec<u8>,
    /// Which part of the trace this is.
    part: u32,
    tracks: u64,
    began: bool,
    /// The time of the next packets, in nanoseconds.
    now_ns: u64,
}

impl<W: Write> Packets<W> {
    pub(crate) fn new(writer: W, part: u32) -> Self {
        let (writer, packet) = (BufWriter::new(writer), Vec::new());
        Self { writer, packet, part, tracks: numbers(part), began: false, now_ns: 0 }
    }

    /// What is written from now on happens then, in microseconds. Time does not go back.
    pub(crate) fn at(&mut self, us: u64) {
        self.now_ns = self.now_ns.max(us.saturating_mul(1000));
    }

    /// A group of tracks. It is no process to Perfetto, since the tracks of those are shown in alphabetical order.
    pub(crate) fn group(&mut self, name: String) -> io::Result<Track> {
        self.track(TrackDescriptor {
            name: Some(name),
            child_ordering: Some(EXPLICIT),
            ..TrackDescriptor::default()
        })
    }

    /// A track for slices and instants. Those of lower ranks are shown above others.
    pub(crate) fn lane(&mut self, parent: Track, name: String, rank: i32) -> io::Result<Track> {
        self.track(TrackDescriptor {
            name: Some(name),
            parent_uuid: Some(parent.0),
            sibling_order_rank: Some(rank),
            ..TrackDescriptor::default()
        })
    }

    /// A track for a number of bytes.
    pub(crate) fn counter(&mut self, parent: Track, name: String, rank: i32) -> io::Result<Track> {
        self.track(TrackDescriptor {
            name: Some(name),
            parent_uuid: Some(parent.0),
            counter: Some(CounterDescriptor { unit: Some(SIZE_BYTES) }),
            sibling_order_rank: Some(rank),
            ..TrackDescriptor::default()
        })
    }

    fn track(&mut self, descriptor: TrackDescriptor) -> io::Result<Track> {
        self.tracks += 1;
        let uuid = Some(self.tracks);
        let track_descriptor = Some(TrackDescriptor { uuid, ..descriptor });
        self.write(TracePacket { track_descriptor, ..TracePacket::default() })?;
        Ok(Track(self.tracks))
    }

    pub(crate) fn begin(&mut self, track: Track, name: String, flows: Flows) -> io::Result<()> {
        self.event(TrackEvent { name: Some(name), ..with(flows) }, SLICE_BEGIN, track)
    }

    pub(crate) fn end(&mut self, track: Track) -> io::Result<()> {
        self.event(TrackEvent::default(), SLICE_END, track)
    }

    pub(crate) fn instant(
        &mut self,
        track: Track,
        category: &str,
        name: String,
        flows: Flows,
    ) -> io::Result<()> {
        let event = TrackEvent { name: Some(name), categories: vec![category.to_owned()], ..with(flows) };
        self.event(event, INSTANT, track)
    }

    pub(crate) fn count(&mut self, track: Track, value: i64) -> io::Result<()> {
        self.event(TrackEvent { counter_value: Some(value), ..TrackEvent::default() }, COUNTER, track)
    }

    fn event(&mut self, event: TrackEvent, r#type: i32, track: Track) -> io::Result<()> {
        let track_event = TrackEvent { r#type: Some(r#type), track_uuid: Some(track.0), ..event };
        self.write(TracePacket { track_event: Some(track_event), ..TracePacket::default() })
    }

    fn write(&mut self, packet: TracePacket) -> io::Result<()> {
        // The parts of a trace are sequences, each of which has its own order.
        let first = !std::mem::replace(&mut self.began, true);
        let packet = TracePacket {
            timestamp: Some(self.now_ns),
            trusted_packet_sequence_id: Some(self.part.saturating_add(1)),
            sequence_flags: first.then_some(INCREMENTAL_STATE_CLEARED),
            ..packet
        };
        self.packet.clear();
        self.packet.push(PACKET);
        packet.encode_length_delimited(&mut self.packet).map_err(io::Error::other)?;
        self.writer.write_all(&self.packet)
    }

    /// Writes what is still held back.
    pub(crate) fn finish(self) -> io::Result<W> {
        self.writer.into_inner().map_err(io::IntoInnerError::into_error)
    }
}

fn with(Flows { on, ended }: Flows) -> TrackEvent {
    TrackEvent { flow_ids: on, terminating_flow_ids: ended, ..TrackEvent::default() }
}
