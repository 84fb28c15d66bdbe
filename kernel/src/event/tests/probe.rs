//! A probe sees what it wants, beside the ring, and as it was.

use std::{collections::BTreeMap, sync::Mutex, vec::Vec};

use super::{NAME, emit};
use crate::{
    Kernel,
    event::{Cursor, Ending, Event, Kind, Kinds, Probe, Probed},
    executor::TaskId,
    limits::Settings,
    platform::Next,
    testing::{Manual, region},
};

/// What a probe has been told.
struct Seen(Mutex<Vec<Event>>);

impl Seen {
    const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    fn take(&self) -> Vec<Event> {
        core::mem::take(&mut *self.0.lock().expect("no test panics with it"))
    }
}

impl Probe for Seen {
    fn event(&self, event: &Event) {
        self.0.lock().expect("no test panics with it").push(*event);
    }
}

fn probed(kinds: Kinds, probe: &'static dyn Probe) -> Kernel {
    let probed = Some(Probed { kinds, probe });
    let settings = Settings { events: 8, ..Settings::DEFAULT };
    Kernel::with_probe(region(128 * 1024), Manual::default(), &settings, probed).expect("booted")
}

fn settle(kernel: &Kernel) {
    while kernel.tick().next == Next::RunAgain {}
}

#[test]
fn a_probe_and_the_ring_have_kinds_of_their_own() {
    static SEEN: Seen = Seen::new();
    let kernel = probed(Kinds::NONE.with(Kind::Spawn), &SEEN);
    let handle = kernel.handle();
    let events = handle.events();
    events.listen(Kinds::NONE.with(Kind::Exit));
    assert_eq!(events.listening(), Kinds::NONE.with(Kind::Exit), "whoever asks sees no probe");
    emit(events, 5);
    let exit = Event::Exit { task: 5, ending: Ending::Finished };
    events.emit(Kind::Exit, || exit);
    events.emit(Kind::Poll, || panic!("nobody listens"));
    assert_eq!(SEEN.take(), [Event::Spawn { task: 5, name: NAME }]);
    let entry = events.read(&mut Cursor::default()).expect("recorded");
    assert_eq!((entry.record.event, events.recorded()), (exit, 1));
    drop(kernel);
    emit(events, 6);
    assert_eq!(SEEN.take(), [], "the kernel is gone");
}

#[test]
fn what_was_allocated_and_not_freed_is_what_accounts_hold() {
    static SEEN: Seen = Seen::new();
    let kernel = probed(Kinds::ALL, &SEEN);
    let handle = kernel.handle();
    settle(&kernel);
    let accounts = || {
        let mut bytes = BTreeMap::from([("kernel", handle.heap().kernel_account().stats().bytes)]);
        let mut last = TaskId(0);
        while let Some((task, account)) = handle.next_account(last) {
            *bytes.entry(account.name).or_default() += account.bytes;
            last = task;
        }
        bytes.into_iter().map(|(name, bytes)| (name, bytes as i64)).collect::<BTreeMap<_, _>>()
    };
    let mut expected = accounts();
    let own = handle.clone();
    let parent = async move {
        let kept = own.heap().try_box([0_u8; 100]);
        for _ in 0..3 {
            let inner = own.clone();
            let child = async move { inner.heap().try_box([0_u8; 300]).is_ok() };
            own.try_spawn("child", child).expect("spawned").detach();
            let inner = own.clone();
            // Its output outlives it, and is the kernel's then.
            let child = own.spawn("heir", async move { inner.heap().try_box([0_u8; 200]) }).await;
            assert!(child.expect("spawned").await.is_ok());
        }
        core::future::pending::<()>().await;
        drop(kept);
    };
    handle.try_spawn("parent", parent).expect("spawned").detach();
    settle(&kernel);
    for event in SEEN.take() {
        match event {
            Event::Allocate { owner, bytes } => *expected.entry(owner).or_default() += bytes as i64,
            Event::Free { owner, bytes } => *expected.entry(owner).or_default() -= bytes as i64,
            _ => {}
        }
    }
    expected.retain(|_, bytes| *bytes != 0);
    assert!(expected["parent"] > 0);
    assert_eq!(expected, accounts());
}

#[test]
fn a_poll_that_panics_is_a_poll_and_its_end_comes_after_it() {
    static SEEN: Seen = Seen::new();
    let kernel = probed(Kinds::NONE.with(Kind::Poll).with(Kind::Exit), &SEEN);
    settle(&kernel);
    let task = kernel.handle().try_spawn("broken", async { panic!("on purpose") }).expect("spawned");
    let id = task.id().0;
    task.detach();
    let panicked = std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| kernel.tick()));
    assert!(panicked.is_err(), "the panic comes out");
    let exit = Event::Exit { task: id, ending: Ending::Panicked };
    assert_eq!(SEEN.take(), [Event::Poll { task: id, us: 0 }, exit]);
}
