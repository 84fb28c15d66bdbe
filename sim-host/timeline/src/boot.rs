//! One boot of a machine: its tracks, and what waits for the end of a poll.

use std::{
    collections::HashMap,
    io::{self, Write},
    mem,
};

use kernel::{event::Event, log::Level};

use crate::{
    packets::{Flows, Packets, Track},
    requests::{Requests, Work},
    signed,
};

/// Moments that wait for the end of a poll. A poll with more of them is shown with those that came last.
const HELD: usize = 64 * 1024;

/// Ranks of tracks, from top to bottom; those of tasks are their numbers after the first.
const EVENTS: i32 = 0;
const INTERRUPTS: i32 = 1;
const LOG: i32 = 2;
const TASKS: i32 = 3;
const MEMORY: i32 = i32::MAX - 1;
const OWNERS: i32 = i32::MAX;

/// What happens at a time.
#[derive(Debug)]
pub(crate) enum Moment {
    Event(Event),
    Line(Level, String),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Boot {
    group: Track,
    events: Option<Track>,
    interrupts: Option<Track>,
    log: Option<Track>,
    tasks: HashMap<u32, Track>,
    memory: Option<(Track, i64)>,
    owners: HashMap<String, (Track, i64)>,
    requests: Requests,
    held: Vec<(u64, Moment)>,
}

impl Boot {
    pub(crate) fn new<W: Write>(packets: &mut Packets<W>, whose: &str, number: u32) -> io::Result<Self> {
        Ok(Self {
            group: packets.group(format!("{whose}, boot {number}"))?,
            events: None,
            interrupts: None,
            log: None,
            tasks: HashMap::new(),
            memory: None,
            owners: HashMap::new(),
            requests: Requests::default(),
            held: Vec::new(),
        })
    }

    pub(crate) fn event<W: Write>(
        &mut self,
        packets: &mut Packets<W>,
        flows: &mut u64,
        at_us: u64,
        event: Event,
    ) -> io::Result<()> {
        match event {
            Event::Poll { task, us } => self.poll(packets, flows, task, at_us, us),
            Event::Exit { task, ending } => {
                let moments = mem::take(&mut self.held);
                let work = self.requests.follow(Some(task), events_of(&moments), flows);
                self.show_all(packets, moments)?;
                packets.at(at_us);
                let track = self.task(packets, task)?;
                packets.instant(track, "task", format!("{ending}"), work.flows)
            }
            event => {
                if let Event::Spawn { task, name } = event {
                    // Its first poll may be known before this is shown.
                    self.add_task(packets, task, name)?;
                }
                self.hold(packets, flows, at_us, Moment::Event(event))
            }
        }
    }

    /// Holds something back until it is known which poll it belongs to.
    pub(crate) fn hold<W: Write>(
        &mut self,
        packets: &mut Packets<W>,
        flows: &mut u64,
        at_us: u64,
        moment: Moment,
    ) -> io::Result<()> {
        if self.held.len() == HELD {
            self.settle(packets, flows)?;
        }
        self.held.push((at_us, moment));
        Ok(())
    }

    /// A task's poll is over: shows it, with what happened in it and before it.
    fn poll<W: Write>(
        &mut self,
        packets: &mut Packets<W>,
        flows: &mut u64,
        task: u32,
        end_us: u64,
        took_us: u32,
    ) -> io::Result<()> {
        let start_us = end_us.saturating_sub(u64::from(took_us));
        let mut before = mem::take(&mut self.held);
        let within = before.split_off(before.partition_point(|(at_us, _)| *at_us < start_us));
        self.requests.follow(None, events_of(&before), flows);
        self.show_all(packets, before)?;
        packets.at(start_us);
        let Work { title, flows } = self.requests.follow(Some(task), events_of(&within), flows);
        let track = self.task(packets, task)?;
        packets.begin(track, title.unwrap_or_else(|| "poll".to_owned()), flows)?;
        self.show_all(packets, within)?;
        packets.at(end_us);
        packets.end(track)
    }

    /// Shows what is held back, which belongs to no poll.
    pub(crate) fn settle<W: Write>(&mut self, packets: &mut Packets<W>, flows: &mut u64) -> io::Result<()> {
        let moments = mem::take(&mut self.held);
        self.requests.follow(None, events_of(&moments), flows);
        self.show_all(packets, moments)
    }

    fn show_all<W: Write>(
        &mut self,
        packets: &mut Packets<W>,
        moments: Vec<(u64, Moment)>,
    ) -> io::Result<()> {
        moments.into_iter().try_for_each(|(at_us, moment)| {
            packets.at(at_us);
            match moment {
                Moment::Event(event) => self.show(packets, event),
                Moment::Line(level, text) => {
                    let track = lane(packets, &mut self.log, self.group, "log", LOG)?;
                    packets.instant(track, level.name(), text, Flows::default())
                }
            }
        })
    }

    fn show<W: Write>(&mut self, packets: &mut Packets<W>, event: Event) -> io::Result<()> {
        match event {
            Event::Spawn { task, .. } => {
                let track = self.task(packets, task)?;
                packets.instant(track, "task", "spawned".to_owned(), Flows::default())
            }
            Event::LongPoll { task, us } => {
                let track = self.task(packets, task)?;
                packets.instant(track, "task", format!("long poll: {us} us"), Flows::default())
            }
            Event::Interrupt { line } => {
                let track = lane(packets, &mut self.interrupts, self.group, "interrupts", INTERRUPTS)?;
                packets.instant(track, "interrupt", line.to_owned(), Flows::default())
            }
            Event::Allocate { owner, bytes } => self.count(packets, owner, signed(bytes)),
            Event::Free { owner, bytes } => self.count(packets, owner, -signed(bytes)),
            // Arrows show those.
            Event::Request { .. } | Event::Reply { .. } | Event::Unanswered { .. } => Ok(()),
            event => self.note(packets, event.kind().name(), event.to_string()),
        }
    }

    pub(crate) fn lost<W: Write>(&mut self, packets: &mut Packets<W>, events: u64) -> io::Result<()> {
        self.note(packets, "lost", format!("{events} events were lost before this"))
    }

    fn note<W: Write>(&mut self, packets: &mut Packets<W>, kind: &str, text: String) -> io::Result<()> {
        let track = lane(packets, &mut self.events, self.group, "events", EVENTS)?;
        packets.instant(track, kind, text, Flows::default())
    }

    /// The track of a task; one whose beginning was not seen has a number only.
    fn task<W: Write>(&mut self, packets: &mut Packets<W>, task: u32) -> io::Result<Track> {
        match self.tasks.get(&task) {
            Some(track) => Ok(*track),
            None => self.add_task(packets, task, "task"),
        }
    }

    fn add_task<W: Write>(&mut self, packets: &mut Packets<W>, task: u32, name: &str) -> io::Result<Track> {
        let rank = i32::try_from(task).unwrap_or(MEMORY).saturating_add(TASKS).min(MEMORY);
        let track = packets.lane(self.group, format!("{name} {task}"), rank)?;
        self.tasks.insert(task, track);
        Ok(track)
    }

    /// An owner has more bytes than before, or fewer.
    pub(crate) fn count<W: Write>(
        &mut self,
        packets: &mut Packets<W>,
        owner: &str,
        difference: i64,
    ) -> io::Result<()> {
        let all = match &mut self.memory {
            Some(all) => all,
            none => none.insert((packets.counter(self.group, "memory in use".to_owned(), MEMORY)?, 0)),
        };
        all.1 = all.1.saturating_add(difference);
        packets.count(all.0, all.1)?;
        if !self.owners.contains_key(owner) {
            let track = packets.counter(self.group, format!("memory of {owner}"), OWNERS)?;
            self.owners.insert(owner.to_owned(), (track, 0));
        }
        let Some((track, bytes)) = self.owners.get_mut(owner) else { return Ok(()) };
        *bytes = bytes.saturating_add(difference);
        packets.count(*track, *bytes)
    }

    /// The boot is over, and with it the use of its memory.
    pub(crate) fn end<W: Write>(&mut self, packets: &mut Packets<W>) -> io::Result<()> {
        let mut used: Vec<Track> =
            self.owners.values().filter(|(_, bytes)| *bytes != 0).map(|(track, _)| *track).collect();
        // A map has no order, and a trace is the same whenever what happens is.
        used.sort_unstable();
        used.extend(self.memory.map(|(track, _)| track));
        used.into_iter().try_for_each(|track| packets.count(track, 0))
    }
}

fn events_of(moments: &[(u64, Moment)]) -> impl Iterator<Item = &Event> {
    moments.iter().filter_map(|(_, moment)| match moment {
        Moment::Event(event) => Some(event),
        Moment::Line(..) => None,
    })
}

fn lane<W: Write>(
    packets: &mut Packets<W>,
    slot: &mut Option<Track>,
    group: Track,
    name: &str,
    rank: i32,
) -> io::Result<Track> {
    match *slot {
        Some(track) => Ok(track),
        None => Ok(*slot.insert(packets.lane(group, name.to_owned(), rank)?)),
    }
}
