//! The few messages of Perfetto's trace format that a timeline needs, with the field numbers that Perfetto publishes.
//!
//! They stand for `protos/perfetto/trace` of Perfetto: `trace_packet.proto`, and of `track_event` the files
//! `track_descriptor.proto`, `counter_descriptor.proto` and `track_event.proto`. A trace is
//! a message with packets in field 1.

use prost::Message;

/// The tag in front of each packet of a trace: field 1, with a length.
pub(crate) const PACKET: u8 = 1 << 3 | 2;

/// `TracePacket::sequence_flags`: nothing before this packet has to be known.
pub(crate) const INCREMENTAL_STATE_CLEARED: u32 = 1;

/// `TrackDescriptor::child_ordering`: by rank.
pub(crate) const EXPLICIT: i32 = 3;

/// `CounterDescriptor::unit`: bytes.
pub(crate) const SIZE_BYTES: i32 = 3;

/// `TrackEvent::type`.
pub(crate) const SLICE_BEGIN: i32 = 1;
/// `TrackEvent::type`.
pub(crate) const SLICE_END: i32 = 2;
/// `TrackEvent::type`.
pub(crate) const INSTANT: i32 = 3;
/// `TrackEvent::type`.
pub(crate) const COUNTER: i32 = 4;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct TracePacket {
    /// In nanoseconds.
    #[prost(uint64, optional, tag = "8")]
    pub(crate) timestamp: Option<u64>,
    #[prost(uint32, optional, tag = "10")]
    pub(crate) trusted_packet_sequence_id: Option<u32>,
    #[prost(message, optional, tag = "11")]
    pub(crate) track_event: Option<TrackEvent>,
    #[prost(uint32, optional, tag = "13")]
    pub(crate) sequence_flags: Option<u32>,
    #[prost(message, optional, tag = "60")]
    pub(crate) track_descriptor: Option<TrackDescriptor>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct TrackDescriptor {
    #[prost(uint64, optional, tag = "1")]
    pub(crate) uuid: Option<u64>,
    #[prost(string, optional, tag = "2")]
    pub(crate) name: Option<String>,
    #[prost(uint64, optional, tag = "5")]
    pub(crate) parent_uuid: Option<u64>,
    #[prost(message, optional, tag = "8")]
    pub(crate) counter: Option<CounterDescriptor>,
    #[prost(int32, optional, tag = "11")]
    pub(crate) child_ordering: Option<i32>,
    #[prost(int32, optional, tag = "12")]
    pub(crate) sibling_order_rank: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct CounterDescriptor {
    #[prost(int32, optional, tag = "3")]
    pub(crate) unit: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct TrackEvent {
    #[prost(int32, optional, tag = "9")]
    pub(crate) r#type: Option<i32>,
    #[prost(uint64, optional, tag = "11")]
    pub(crate) track_uuid: Option<u64>,
    #[prost(string, repeated, tag = "22")]
    pub(crate) categories: Vec<String>,
    #[prost(string, optional, tag = "23")]
    pub(crate) name: Option<String>,
    #[prost(int64, optional, tag = "30")]
    pub(crate) counter_value: Option<i64>,
    /// Flows that begin here or pass through.
    #[prost(fixed64, repeated, packed = "false", tag = "47")]
    pub(crate) flow_ids: Vec<u64>,
    /// Flows that end here.
    #[prost(fixed64, repeated, packed = "false", tag = "48")]
    pub(crate) terminating_flow_ids: Vec<u64>,
}
