//! What runs between two polls, which is no task: clocks, probes, wakers and destructors. They may panic, and all but the
//! first two may tick.

use core::{future::pending, panic::AssertUnwindSafe};
use std::panic::catch_unwind;

use super::{
    panics::{Panics, give_up, settle},
    *,
};
use crate::{
    Kernel,
    event::{Cursor, Kinds, Probe, Probed},
    limits::Settings,
    platform::Clock,
    testing::{Manual, region},
    time::Duration,
};

/// Bytes of a kernel's region.
const LEN: usize = 64 * 1024;

/// Of how many steps one is tried: Miri is slow.
const STEP: usize = if cfg!(miri) { 5 } else { 1 };

/// What panics once, when it has been asked so often; not at all at first.
struct Trap(AtomicU32);

impl Trap {
    const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    fn set(&self, after: u32) {
        self.0.store(after, Ordering::Relaxed);
    }

    fn step(&self) {
        let left = self.0.load(Ordering::Relaxed);
        self.0.store(left.saturating_sub(1), Ordering::Relaxed);
        if left == 1 {
            give_up();
        }
    }
}

impl Clock for Arc<Trap> {
    fn now_us(&self) -> u64 {
        self.step();
        0
    }
}

impl Probe for Trap {
    fn event(&self, _event: &Event) {
        self.step();
    }
}

/// Has two tasks yield and end, one of them wanted, while the trap goes off after so many steps.
fn end_two(kernel: &Kernel, trap: &Trap, after: u32) {
    let handle = kernel.handle();
    let before = used(&handle);
    let drops = Drops::default();
    let task = || {
        let output = drops.one();
        handle.try_spawn("task", async {
            yield_now().await;
            yield_now().await;
            output
        })
    };
    let (wanted, unwanted) = (task().expect("memory"), task().expect("memory"));
    unwanted.detach();
    let joined = Rc::new(Cell::new(false));
    let sees = joined.clone();
    let joins = async move {
        let _output = wanted.await.expect("no task has panicked");
        sees.set(true);
    };
    handle.try_spawn("joins", joins).expect("memory").detach();
    trap.set(after);
    let panics = settle(kernel);
    trap.set(0);
    assert!(panics <= 1 && joined.get(), "{panics} panics, after {after}");
    assert_eq!(
        (handle.next_task(TaskId(0)), drops.count(), used(&handle)),
        (None, 2, before),
        "after {after}"
    );
}

#[test]
fn a_clock_that_panics_ends_no_task_and_loses_none() {
    for after in (1..20).step_by(STEP) {
        let trap = Arc::new(Trap::new());
        let kernel = Kernel::new(region(LEN), trap.clone(), &Settings::DEFAULT).expect("booted");
        end_two(&kernel, &trap, after);
    }
}

#[test]
fn a_probe_that_panics_ends_no_task_and_loses_none() {
    static TRAP: Trap = Trap::new();
    let kinds = Kinds::NONE.with(Kind::Poll).with(Kind::Exit);
    let probed = || Some(Probed { kinds, probe: &TRAP });
    for after in (1..16).step_by(STEP) {
        let kernel =
            Kernel::with_probe(region(LEN), Manual::default(), &Settings::DEFAULT, probed()).expect("booted");
        end_two(&kernel, &TRAP, after);
    }
}

/// Panics when it is woken.
struct Refuses;

impl Wake for Refuses {
    fn wake(self: Arc<Self>) {
        give_up();
    }
}

#[test]
fn a_doorbell_that_panics_ends_no_task_and_loses_none() {
    let machine = Rc::new(Machine::new());
    let inside = machine.clone();
    let mut task = machine
        .kernel
        .handle()
        .try_spawn("sleeps", async move {
            // The end of this poll finds the machine asleep.
            let doorbell = Waker::from(Arc::new(Refuses));
            assert!(inside.kernel.fall_asleep(&doorbell));
            yield_now().await;
            7
        })
        .expect("memory");
    assert_eq!(settle(&machine.kernel), 1);
    assert_eq!(outcome(&machine, &mut task), Ok(7));
}

#[test]
fn a_joiner_that_panics_leaks_no_task() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let before = used(&kernel);
    let mut task = kernel.try_spawn("task", async { 7 }).expect("memory");
    let refuses = Waker::from(Arc::new(Refuses));
    assert!(Pin::new(&mut task).poll(&mut Context::from_waker(&refuses)).is_pending());
    assert_eq!(settle(&machine.kernel), 1);
    assert_eq!(outcome(&machine, &mut task), Ok(7));
    drop(task);
    assert_eq!(used(&kernel), before);
}

#[test]
fn polls_are_counted_whatever_panics_or_is_cancelled() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let bad = kernel.try_spawn("bad", async {
        let _panics = Panics;
        pending::<()>().await;
    });
    let bad = bad.expect("memory");
    assert_eq!(machine.kernel.tick().polled, 1);
    kernel.try_spawn("before", async {}).expect("memory").detach();
    bad.abort();
    kernel.try_spawn("worse", async { give_up() }).expect("memory").detach();
    for _panic in 0..2 {
        assert!(catch_unwind(AssertUnwindSafe(|| machine.kernel.tick())).is_err());
    }
    let tick = machine.kernel.tick();
    assert_eq!((tick.polled, tick.completed), (2, 3));
}

#[test]
fn what_dropping_a_cancelled_future_takes_is_no_poll_of_the_next_task() {
    /// Takes a second to drop.
    struct Slow(Manual);
    impl Drop for Slow {
        fn drop(&mut self) {
            self.0.set(self.0.now_us() + 1_000_000);
        }
    }
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let slow = Slow(machine.clock.clone());
    let cancelled = kernel.try_spawn("slow", async {
        let _slow = slow;
        pending::<()>().await;
    });
    machine.settle();
    cancelled.expect("memory").abort();
    let next = kernel.try_spawn("next", pending::<()>()).expect("memory");
    machine.settle();
    let stats = kernel.next_task(TaskId(next.id().0 - 1)).expect("it is there");
    assert_eq!((stats.polls, stats.busy_us, stats.longest_us), (1, 0, 0));
}

std::thread_local! {
    /// The machine that [`Ticks`] drives.
    static DRIVEN: RefCell<Option<Rc<Machine>>> = const { RefCell::new(None) };
}

/// Drives a machine when it is woken, and when it is dropped.
struct Ticks;

impl Ticks {
    fn tick() {
        if let Some(machine) = DRIVEN.with(|driven| driven.borrow().clone()) {
            machine.kernel.tick();
        }
    }
}

impl Wake for Ticks {
    fn wake(self: Arc<Self>) {
        Self::tick();
    }
}

#[test]
fn time_that_passes_in_a_tick_within_a_tick_is_charged_once() {
    let machine = Rc::new(Machine::stepping());
    let kernel = machine.kernel.handle();
    DRIVEN.set(Some(machine.clone()));
    let mut sleep = core::pin::pin!(kernel.sleep(Duration::from_micros(1)));
    let ticks = Waker::from(Arc::new(Ticks));
    assert!(sleep.as_mut().poll(&mut Context::from_waker(&ticks)).is_pending());
    let clock = machine.clock.clone();
    let slow = async move { clock.set(clock.now_us() + 10) };
    kernel.try_spawn("slow", slow).expect("memory").detach();
    let next = kernel.try_spawn("next", pending::<()>()).expect("memory");
    // The waker ticks before the first poll of the tick that fires it.
    machine.clock.set(1);
    machine.kernel.tick();
    let stats = kernel.next_task(TaskId(0)).expect("the other one is over");
    assert_eq!((stats.id, stats.polls, stats.busy_us), (next.id(), 1, 0));
    DRIVEN.set(None);
}

#[test]
fn a_task_that_listens_to_polls_and_ticks_in_vain_is_charged_what_it_took() {
    let machine = Rc::new(Machine::new());
    let kernel = machine.kernel.handle();
    let inside = machine.clone();
    let task = kernel.try_spawn(
        "ticks",
        poll_fn(move |_| -> Poll<()> {
            inside.kernel.handle().events().listen(Kinds::ALL);
            let hook = std::panic::take_hook();
            std::panic::set_hook(std::boxed::Box::new(|_| {}));
            assert!(catch_unwind(AssertUnwindSafe(|| inside.kernel.tick())).is_err());
            std::panic::set_hook(hook);
            inside.clock.set(105);
            Poll::Pending
        }),
    );
    let task = task.expect("memory");
    machine.clock.set(100);
    machine.settle();
    let stats = kernel.next_task(TaskId(task.id().0 - 1)).expect("it is there");
    assert_eq!((stats.busy_us, stats.longest_us), (5, 5));
    task.abort();
    machine.settle();
}

#[test]
fn a_spawn_is_told_before_all_that_the_task_does() {
    let machine = Rc::new(Machine::new());
    let kernel = machine.kernel.handle();
    DRIVEN.set(Some(machine.clone()));
    assert!(machine.kernel.fall_asleep(&Waker::from(Arc::new(Ticks))));
    let task = kernel.try_spawn("task", async {}).expect("memory");
    assert!(task.is_finished(), "the doorbell ticks on the spot");
    let mut cursor = Cursor::default();
    let kinds =
        core::iter::from_fn(|| kernel.events().read(&mut cursor)).map(|entry| entry.record.event.kind());
    assert_eq!(kinds.collect::<Vec<_>>(), [Kind::Spawn, Kind::Exit]);
    DRIVEN.set(None);
}

#[test]
fn a_task_that_ends_while_its_joiner_is_exchanged_is_seen_to_end() {
    struct TicksLast;
    impl Wake for TicksLast {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for TicksLast {
        fn drop(&mut self) {
            Ticks::tick();
        }
    }
    let machine = Rc::new(Machine::new());
    DRIVEN.set(Some(machine.clone()));
    let mut task = machine.kernel.handle().try_spawn("task", async { 7 }).expect("memory");
    let ticks = Waker::from(Arc::new(TicksLast));
    assert!(Pin::new(&mut task).poll(&mut Context::from_waker(&ticks)).is_pending());
    drop(ticks);
    assert_eq!(poll_once(&mut task), Poll::Ready(Ok(7)));
    DRIVEN.set(None);
}

#[test]
fn polls_longer_than_the_limit_are_told() {
    let limit = Settings::DEFAULT.long_poll_us;
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let mut cursor = kernel.events().last(0);
    let mut told = Vec::new();
    let clock = machine.clock.clone();
    let mut polls = [limit, limit + 1, 3 * limit, 1].into_iter();
    let task = poll_fn(move |context| {
        let Some(us) = polls.next() else { return Poll::<()>::Pending };
        clock.set(clock.now_us() + u64::from(us));
        context.waker().wake_by_ref();
        Poll::Pending
    });
    let task = kernel.try_spawn("slow", task).expect("memory").id().0;
    machine.settle();
    while let Some(entry) = kernel.events().read(&mut cursor) {
        if let event @ Event::LongPoll { .. } = entry.record.event {
            told.push(event);
        }
    }
    let expected = [limit + 1, 3 * limit].map(|us| Event::LongPoll { task, us });
    assert_eq!(told, expected);
    let stats = kernel.next_task(TaskId(task - 1)).expect("it is there");
    assert_eq!((stats.longest_us, stats.busy_us), (3 * limit, u64::from(5 * limit + 2)));
}

#[test]
fn the_longest_poll_is_known_to_the_microsecond() {
    let machine = Machine::stepping();
    let clock = machine.clock.clone();
    // Each one longer than the one before, by as little as can be.
    let mut polls = 1..4;
    let task = poll_fn(move |context| {
        clock.set(clock.now_us() + polls.next().unwrap_or(0));
        context.waker().wake_by_ref();
        Poll::<()>::Pending
    });
    machine.kernel.handle().try_spawn("slower", task).expect("memory").detach();
    for (longest, busy) in [(1, 1), (2, 3), (3, 6), (3, 6)] {
        machine.kernel.tick();
        let stats = machine.kernel.handle().next_task(TaskId(0)).expect("it is there");
        assert_eq!((stats.longest_us, stats.busy_us), (longest, busy));
    }
}

#[test]
fn who_listens_to_allocations_or_to_frees_alone_is_told_of_them() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    for kind in [Kind::Allocate, Kind::Free] {
        kernel.events().listen(Kinds::NONE.with(kind));
        machine.settle();
        let mut cursor = kernel.events().last(0);
        drop(kernel.heap().try_box(1_u8));
        let told = core::iter::from_fn(|| kernel.events().read(&mut cursor))
            .map(|entry| entry.record.event.kind())
            .collect::<Vec<_>>();
        assert_eq!(told, [kind]);
    }
}
