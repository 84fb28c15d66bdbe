//! Reads a trace by the field numbers that Perfetto publishes, and by nothing that the writer knows.

use std::collections::BTreeMap;

/// A field's value, as it is on the wire.
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// A track: of a group if it has a parent, a group itself otherwise.
#[derive(Debug, Clone, Default)]
pub(crate) struct Track {
    pub(crate) name: String,
    pub(crate) parent: Option<u64>,
    pub(crate) is_group: bool,
    /// Those of lower ranks are shown above others.
    pub(crate) rank: u64,
    pub(crate) is_counter: bool,
}

/// A slice, or an instant, which begins when it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slice {
    pub(crate) track: u64,
    pub(crate) name: String,
    pub(crate) category: String,
    pub(crate) begin_ns: u64,
    pub(crate) end_ns: u64,
    pub(crate) is_instant: bool,
    pub(crate) flows: Vec<u64>,
    pub(crate) ended_flows: Vec<u64>,
}

/// A whole trace, which is well formed.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) tracks: BTreeMap<u64, Track>,
    /// In the order in which they begin.
    pub(crate) slices: Vec<Slice>,
    /// Track, time in nanoseconds, value.
    pub(crate) counts: Vec<(u64, u64, i64)>,
    pub(crate) packets: usize,
}

impl Trace {
    /// Reads a trace.
    ///
    /// # Panics
    ///
    /// When it is not well formed: a packet is broken, has a field that the schema has not, goes back in time, or is
    /// about a track that is not there; or slices are not balanced and nested.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut trace = Self::default();
        let mut open: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        let mut last_ns = BTreeMap::new();
        for (field, value) in fields(bytes) {
            assert_eq!(field, 1, "a trace has nothing but packets");
            trace.packet(bytes_of(value), &mut last_ns, &mut open);
        }
        assert!(open.values().all(Vec::is_empty), "slices are open at the end: {open:?}");
        trace
    }

    fn packet(
        &mut self,
        bytes: &[u8],
        last_ns: &mut BTreeMap<u64, u64>,
        open: &mut BTreeMap<u64, Vec<usize>>,
    ) {
        self.packets += 1;
        let (mut at_ns, mut sequence, mut flags) = (None, None, 0);
        let (mut event, mut track) = (None, None);
        for (field, value) in fields(bytes) {
            match field {
                8 => at_ns = Some(number(value)),
                10 => sequence = Some(number(value)),
                11 => event = Some(bytes_of(value)),
                13 => flags = number(value),
                60 => track = Some(bytes_of(value)),
                other => panic!("TracePacket has no field {other} of ours"),
            }
        }
        let sequence = sequence.expect("a packet has a writer");
        let at_ns = at_ns.expect("a packet has a time");
        let before_ns = last_ns.insert(sequence, at_ns);
        assert_eq!(flags, u64::from(before_ns.is_none()), "each writer clears its state once, at first");
        assert!(
            before_ns.is_none_or(|before_ns| at_ns >= before_ns),
            "time goes back from {before_ns:?} to {at_ns}"
        );
        match (event, track) {
            (None, Some(track)) => self.track(track),
            (Some(event), None) => self.event(event, at_ns, open),
            _ => panic!("a packet says one thing"),
        }
    }

    fn track(&mut self, bytes: &[u8]) {
        let (mut uuid, mut track) = (0, Track::default());
        for (field, value) in fields(bytes) {
            match field {
                1 => uuid = number(value),
                2 => track.name = text(value),
                5 => track.parent = Some(number(value)),
                8 => {
                    track.is_counter = true;
                    let unit = fields(bytes_of(value)).map(|(field, value)| (field, number(value)));
                    assert_eq!(unit.collect::<Vec<_>>(), [(3, 3)], "bytes");
                }
                11 => {
                    assert_eq!(number(value), 3, "the tracks of a group are in the order of their ranks");
                    track.is_group = true;
                }
                12 => track.rank = number(value),
                other => panic!("TrackDescriptor has no field {other} of ours"),
            }
        }
        assert!(uuid != 0 && !track.name.is_empty(), "{track:?}");
        assert_ne!(track.parent.is_some(), track.is_group, "a group, or in one: {track:?}");
        if let Some(parent) = &track.parent {
            assert!(self.tracks.contains_key(parent), "{track:?} comes before its group");
        }
        assert!(self.tracks.insert(uuid, track).is_none(), "two tracks have the number {uuid}");
    }

    fn event(&mut self, bytes: &[u8], at_ns: u64, open: &mut BTreeMap<u64, Vec<usize>>) {
        let (mut kind, mut count) = (0, None);
        let mut slice = Slice {
            track: 0,
            name: String::new(),
            category: String::new(),
            begin_ns: at_ns,
            end_ns: at_ns,
            is_instant: false,
            flows: Vec::new(),
            ended_flows: Vec::new(),
        };
        for (field, value) in fields(bytes) {
            match field {
                9 => kind = number(value),
                11 => slice.track = number(value),
                22 => slice.category = text(value),
                23 => slice.name = text(value),
                30 => count = Some(number(value).cast_signed()),
                47 => slice.flows.push(number(value)),
                48 => slice.ended_flows.push(number(value)),
                other => panic!("TrackEvent has no field {other} of ours"),
            }
        }
        let track = self.tracks.get(&slice.track).unwrap_or_else(|| panic!("no track for {slice:?}"));
        assert_eq!(track.is_counter, kind == 4, "{slice:?} on {track:?}");
        let open = open.entry(slice.track).or_default();
        match kind {
            1 => {
                open.push(self.slices.len());
                self.slices.push(slice);
            }
            2 => {
                let begun = open.pop().expect("a slice ends that did not begin");
                self.slices[begun].end_ns = at_ns;
            }
            3 => self.slices.push(Slice { is_instant: true, ..slice }),
            4 => self.counts.push((slice.track, at_ns, count.expect("a counter has a value"))),
            other => panic!("TrackEvent has no type {other}"),
        }
    }

    /// The groups, in their order: one for each boot.
    pub(crate) fn groups(&self) -> Vec<u64> {
        self.tracks.iter().filter(|(_, track)| track.is_group).map(|(uuid, _)| *uuid).collect()
    }

    /// The track of a group whose name is this, or the only one whose name is this and a number.
    pub(crate) fn named(&self, group: u64, name: &str) -> u64 {
        let tracks = || self.tracks.iter().filter(|(_, track)| track.parent == Some(group));
        if let Some((uuid, _)) = tracks().find(|(_, track)| track.name == name) {
            return *uuid;
        }
        let number = |track: &Track| {
            let rest = track.name.strip_prefix(name).and_then(|rest| rest.strip_prefix(' '));
            rest.is_some_and(|number| number.parse::<u32>().is_ok())
        };
        let found: Vec<u64> = tracks().filter(|(_, track)| number(track)).map(|(uuid, _)| *uuid).collect();
        match *found {
            [track] => track,
            _ => panic!("{} tracks are named {name}: {:?}", found.len(), self.tracks),
        }
    }

    /// The slices of a track, without instants.
    pub(crate) fn slices_on(&self, track: u64) -> Vec<&Slice> {
        self.slices.iter().filter(|slice| slice.track == track && !slice.is_instant).collect()
    }

    /// The names of a track's instants.
    pub(crate) fn instants_on(&self, track: u64) -> Vec<&str> {
        let instants = self.slices.iter().filter(|slice| slice.track == track && slice.is_instant);
        instants.map(|slice| slice.name.as_str()).collect()
    }

    /// What a counter shows in the end.
    pub(crate) fn last_count(&self, track: u64) -> Option<i64> {
        self.counts.iter().rev().find(|(known, ..)| *known == track).map(|(.., count)| *count)
    }

    /// The tracks that each flow goes through, in their order.
    ///
    /// # Panics
    ///
    /// When a flow goes on after its end.
    pub(crate) fn flows(&self) -> BTreeMap<u64, Vec<u64>> {
        let mut flows: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        let mut ended = Vec::new();
        for slice in &self.slices {
            for flow in slice.flows.iter().chain(&slice.ended_flows) {
                assert!(!ended.contains(flow), "flow {flow} has ended before {slice:?}");
                flows.entry(*flow).or_default().push(slice.track);
            }
            ended.extend(&slice.ended_flows);
        }
        flows
    }
}

/// The fields of a message.
fn fields(mut bytes: &[u8]) -> impl Iterator<Item = (u64, Value<'_>)> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let tag = varint(&mut bytes);
        let value = match tag & 7 {
            0 => Value::Number(varint(&mut bytes)),
            1 => {
                let (number, rest) = bytes.split_first_chunk().expect("eight bytes");
                bytes = rest;
                Value::Number(u64::from_le_bytes(*number))
            }
            2 => {
                let len = usize::try_from(varint(&mut bytes)).expect("a length");
                let (value, rest) = bytes.split_at_checked(len).expect("as many bytes as announced");
                bytes = rest;
                Value::Bytes(value)
            }
            other => panic!("no field of ours has the wire type {other}"),
        };
        Some((tag >> 3, value))
    })
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().expect("a number goes on");
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return number;
        }
    }
    panic!("a number does not end")
}

fn number(value: Value<'_>) -> u64 {
    match value {
        Value::Number(number) => number,
        Value::Bytes(bytes) => panic!("{bytes:?} is no number"),
    }
}

fn bytes_of(value: Value<'_>) -> &[u8] {
    match value {
        Value::Bytes(bytes) => bytes,
        Value::Number(number) => panic!("{number} is no message or text"),
    }
}

fn text(value: Value<'_>) -> String {
    String::from_utf8(bytes_of(value).to_vec()).expect("text is UTF-8")
}
