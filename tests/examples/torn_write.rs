//! A record that must outlive the power: a store that loses it in a torn write, and one that never does.
//!
//! `cargo run -p mnemos-tests --example torn_write`
//!
//! A program counts in storage. The power is cut at each event of its life, with several seeds, and comes back. Then the
//! count has to be the last one that was stored, or the one that was about to be. The store that erases its record and
//! writes it anew in the same place has nothing left if the power fails in between. The other has two sectors: it writes to the
//! one that holds the older record, with a number that grows and a checksum, and so the newer one is there all the time.

use std::{cell::Cell, rc::Rc};

use kernel::{
    Handle,
    event::Kinds,
    registry::{CallError, Client},
    services::storage::{Chunk, Error, Request, Response, Storage},
};
use sim_host::{Outcome, Sim};

/// How far the program counts.
const COUNTS: u32 = 4;

/// How often the power is cut at each event: what is torn how comes from the seed.
const SEEDS: u64 = 4;

const SECTOR: u32 = 4096;

/// Bytes of a record: its number, the count, a checksum.
const RECORD: u16 = 12;

/// Where records are stored.
#[derive(Debug, Clone, Copy)]
enum Store {
    /// One sector. The mistake: while it is written there is no record.
    InPlace,
    /// The one of two sectors that has the older record, or none.
    TwoSectors,
}

/// A record that is whole.
#[derive(Debug, Clone, Copy)]
struct Record {
    sector: u32,
    number: u32,
    count: u32,
}

type Failed = CallError<Error>;

impl Store {
    const fn sectors(self) -> u32 {
        match self {
            Self::InPlace => 1,
            Self::TwoSectors => 2,
        }
    }

    /// The newest record that is whole.
    async fn load(self, storage: &Client<Storage>) -> Result<Option<Record>, Failed> {
        let mut newest: Option<Record> = None;
        for sector in 0..self.sectors() {
            let read = Request::Read { offset: sector * SECTOR, len: RECORD };
            let Response::Data(bytes) = storage.call(read).await? else { continue };
            if let Some((number, count)) = decode(&bytes)
                && newest.is_none_or(|newest| newest.number < number)
            {
                newest = Some(Record { sector, number, count });
            }
        }
        Ok(newest)
    }

    /// Stores a count after the newest record there is, and returns the new one.
    async fn save(
        self,
        storage: &Client<Storage>,
        newest: Option<Record>,
        count: u32,
    ) -> Result<Record, Failed> {
        let sector = newest.map_or(0, |newest| (newest.sector + 1) % self.sectors());
        let number = newest.map_or(1, |newest| newest.number + 1);
        let offset = sector * SECTOR;
        storage.call(Request::Erase { offset, len: SECTOR }).await?;
        storage.call(Request::Write { offset, data: encode(number, count) }).await?;
        Ok(Record { sector, number, count })
    }
}

fn encode(number: u32, count: u32) -> Chunk {
    let mut record = Vec::new();
    record.extend(number.to_le_bytes());
    record.extend(count.to_le_bytes());
    record.extend(crc32(&record).to_le_bytes());
    Chunk::cut(&record)
}

fn decode(record: &[u8]) -> Option<(u32, u32)> {
    let (content, checksum) = record.split_last_chunk::<4>()?;
    let word = |at: usize| content.get(at..)?.first_chunk().copied().map(u32::from_le_bytes);
    (crc32(content) == u32::from_le_bytes(*checksum)).then_some((word(0)?, word(4)?))
}

/// CRC-32 as Ethernet has it.
fn crc32(bytes: &[u8]) -> u32 {
    let shift = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    let add = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| shift(crc));
    !bytes.iter().fold(!0, add)
}

/// What somebody beside the machine has seen of it.
#[derive(Default)]
struct Seen {
    /// The last count that the program was told is stored.
    stored: Cell<u32>,
    /// What it found at a boot instead of what was stored.
    lost: Cell<Option<(u32, u32)>>,
}

/// Counts on from what is stored.
async fn count(kernel: Handle, store: Store, seen: Rc<Seen>) -> Result<(), Failed> {
    let Ok(storage) = kernel.services().connect::<Storage>((), 1).await else { return Ok(()) };
    let mut newest = store.load(&storage).await?;
    let (found, stored) = (newest.map_or(0, |newest| newest.count), seen.stored.get());
    // The one that was about to be stored may be, or not.
    if found != stored && found != stored + 1 {
        seen.lost.set(Some((stored, found)));
    }
    for count in found + 1..=COUNTS {
        newest = Some(store.save(&storage, newest, count).await?);
        seen.stored.set(count);
    }
    Ok(())
}

/// A power cut that has cost a record.
#[derive(Debug)]
struct Lost {
    event: u64,
    seed: u64,
    stored: u32,
    found: u32,
}

/// Lives once with a power cut at this event; `None` if the program is done before.
fn live(store: Store, event: u64, seed: u64) -> Result<Option<Rc<Seen>>, Box<dyn std::error::Error>> {
    let seen = Rc::new(Seen::default());
    let noted = seen.clone();
    let mut sim = Sim::builder()
        .seed(seed)
        .events(Kinds::ALL)
        .fault(format!("power cut at event {event}").parse()?)
        .on_boot(move |sim| {
            let (kernel, noted) = (sim.kernel(), noted.clone());
            let program = async move { count(kernel, store, noted).await.expect("no request fails") };
            sim.spawn("program", program).detach();
            Ok(())
        })
        .build()?;
    if sim.run_until_idle() != Outcome::PowerCut {
        return Ok(None);
    }
    // The same flash, with what was torn in it.
    sim.reboot()?;
    sim.run_until_idle();
    assert_eq!((sim.panics(), seen.stored.get()), (0, COUNTS));
    Ok(Some(seen))
}

/// Cuts the power at each event of the program's life. Returns how often, and what was lost first.
fn cut_everywhere(store: Store) -> Result<(u64, Option<Lost>), Box<dyn std::error::Error>> {
    let mut cuts = 0;
    for event in 1.. {
        for seed in 0..SEEDS {
            let Some(seen) = live(store, event, seed)? else { return Ok((cuts, None)) };
            cuts += 1;
            if let Some((stored, found)) = seen.lost.get() {
                return Ok((cuts, Some(Lost { event, seed, stored, found })));
            }
        }
    }
    Ok((cuts, None))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (cuts, lost) = cut_everywhere(Store::InPlace)?;
    let Lost { event, seed, stored, found } = lost.ok_or("the store in one place lost nothing")?;
    println!(
        "in place: {stored} was stored and {found} found, after power cut {cuts}: at event {event}, seed {seed}"
    );

    let (cuts, lost) = cut_everywhere(Store::TwoSectors)?;
    println!("two sectors: {cuts} power cuts, and nothing lost");
    match lost {
        None if cuts > 100 => Ok(()),
        None => Err(format!("only {cuts} power cuts").into()),
        Some(lost) => Err(format!("{lost:?}").into()),
    }
}
