//! Who is polled when.

use std::thread;

use super::*;
use crate::{limits::Settings, platform::Next};

/// Spawns a task that notes its number at each of so many polls.
fn noting(kernel: &Handle, notes: &Rc<RefCell<Vec<u32>>>, number: u32, polls: u32) {
    let notes = notes.clone();
    let task = async move {
        for _ in 0..polls {
            notes.borrow_mut().push(number);
            yield_now().await;
        }
    };
    kernel.try_spawn("noting", task).expect("spawned").detach();
}

#[test]
fn first_woken_is_first_polled_and_whoever_wakes_itself_goes_to_the_end() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let notes = Rc::default();
    for number in 0..4 {
        noting(&kernel, &notes, number, 3);
    }
    machine.settle();
    assert_eq!(*notes.borrow(), [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]);
}

#[test]
fn wakes_by_wakers_and_on_the_kernels_own_thread_keep_their_order() {
    for waker_first in [true, false] {
        let machine = Machine::new();
        let kernel = machine.kernel.handle();
        let (notes, place) = (Rc::new(RefCell::new(Vec::new())), Place::default());
        let (parked, noted) = (park(&place), notes.clone());
        let by_waker = async move {
            parked.await;
            noted.borrow_mut().push("waker");
        };
        kernel.try_spawn("waker", by_waker).expect("spawned").detach();
        let noted = Notes(notes.clone());
        let by_kernel = kernel.try_spawn("kernel", async move {
            let _noted = noted;
            core::future::pending::<()>().await;
        });
        let by_kernel = by_kernel.expect("spawned");
        machine.settle();
        if waker_first {
            wake(&place);
            by_kernel.abort();
        } else {
            by_kernel.abort();
            wake(&place);
        }
        machine.settle();
        let order = if waker_first { ["waker", "kernel"] } else { ["kernel", "waker"] };
        assert_eq!(*notes.borrow(), order);
    }
}

/// Notes when it is dropped.
struct Notes(Rc<RefCell<Vec<&'static str>>>);

impl Drop for Notes {
    fn drop(&mut self) {
        self.0.borrow_mut().push("kernel");
    }
}

#[test]
fn a_task_that_is_made_ready_on_the_kernels_own_thread_ends_the_machines_sleep_too() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let parked = kernel.try_spawn("parked", core::future::pending::<()>()).expect("spawned");
    machine.settle();
    let (doorbell, waker) = Wakes::new();
    assert!(machine.kernel.fall_asleep(&waker));
    let spawned = kernel.try_spawn("late", async {}).expect("spawned");
    assert_eq!(doorbell.count(), 1);
    assert!(!machine.kernel.is_idle() && !machine.kernel.fall_asleep(&waker));
    machine.settle();
    assert!(spawned.is_finished());
    assert!(machine.kernel.fall_asleep(&waker));
    parked.abort();
    assert_eq!(doorbell.count(), 2);
    assert_eq!(machine.kernel.tick().completed, 1);
}

#[test]
fn a_tick_is_bounded_however_often_tasks_wake_themselves_and_goes_on_where_it_stopped() {
    const POLLS: u32 = 5;
    let machine = Machine::with(128 * 1024, &Settings { polls_per_tick: POLLS, ..Settings::DEFAULT });
    let kernel = machine.kernel.handle();
    let notes = Rc::default();
    for number in 0..3 {
        noting(&kernel, &notes, number, 100);
    }
    for _ in 0..9 {
        let report = machine.kernel.tick();
        assert_eq!((report.polled, report.next), (POLLS, Next::RunAgain));
    }
    let turns: Vec<_> = (0..9 * POLLS).map(|poll| poll % 3).collect();
    assert_eq!(*notes.borrow(), turns);
}

#[test]
fn more_tasks_than_a_tick_may_poll_all_get_their_turn() {
    const POLLS: u32 = 4;
    let machine = Machine::with(128 * 1024, &Settings { polls_per_tick: POLLS, ..Settings::DEFAULT });
    let kernel = machine.kernel.handle();
    let notes = Rc::default();
    for number in 0..POLLS + 2 {
        noting(&kernel, &notes, number, 2);
    }
    assert_eq!(machine.kernel.tick().polled, POLLS);
    machine.settle();
    let rounds: Vec<_> = (0..POLLS + 2).chain(0..POLLS + 2).collect();
    assert_eq!(*notes.borrow(), rounds);
}

#[test]
fn a_timer_that_is_due_fires_between_two_polls_of_a_tick() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let (handle, clock, fired) = (kernel.clone(), machine.clock.clone(), Rc::new(Cell::new(0)));
    let counted = fired.clone();
    let sleeper = async move {
        handle.sleep(crate::time::Duration::from_micros(10)).await;
        counted.set(1);
    };
    kernel.try_spawn("sleeper", sleeper).expect("spawned").detach();
    let seen = kernel.try_spawn("busy", async move {
        yield_now().await;
        clock.set(10);
        for polls in 1_u32.. {
            yield_now().await;
            if fired.get() == 1 {
                return polls;
            }
        }
        0
    });
    let report = machine.kernel.tick();
    assert_eq!((report.timers, report.completed), (1, 2));
    assert_eq!(outcome(&machine, &mut seen.expect("spawned")), Ok(2));
}

#[test]
fn a_wake_during_the_tasks_own_poll_is_not_lost_and_two_are_one() {
    let machine = Machine::new();
    let polls = Rc::new(Cell::new(0));
    let inside = polls.clone();
    let task = poll_fn(move |context| {
        inside.set(inside.get() + 1);
        if inside.get() == 1 {
            context.waker().wake_by_ref();
            let other = context.waker().clone();
            other.wake();
        }
        Poll::<()>::Pending
    });
    machine.kernel.handle().try_spawn("task", task).expect("spawned").detach();
    machine.settle();
    assert_eq!(polls.get(), 2);
}

#[test]
fn a_wake_of_a_finished_task_is_harmless() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let before = used(&kernel);
    let place = Place::default();
    kernel.try_spawn("task", park(&place)).expect("spawned").detach();
    machine.settle();
    let kept = place.borrow().clone().expect("parked");
    wake(&place);
    machine.settle();
    assert_ne!(used(&kernel), before, "a waker keeps the task's block");
    kept.wake_by_ref();
    let woken = machine.kernel.tick();
    assert_eq!((woken.polled, woken.next), (0, Next::WaitForInterrupt));
    drop((kept, place));
    machine.settle();
    assert_eq!(used(&kernel), before);
}

#[test]
fn a_task_that_ends_while_it_is_queued_is_freed_when_its_turn_comes() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let before = used(&kernel);
    let task = poll_fn(|context| {
        context.waker().wake_by_ref();
        Poll::Ready(7)
    });
    let mut task = kernel.try_spawn("task", task).expect("spawned");
    assert_eq!(outcome(&machine, &mut task), Ok(7));
    drop(task);
    assert_eq!(used(&kernel), before);
}

#[test]
fn memory_that_a_late_waker_frees_wakes_whoever_waits_for_it_in_the_same_tick() {
    let machine = Machine::with(64 * 1024, &Settings::DEFAULT);
    let kernel = machine.kernel.handle();
    // A large task, of which in the end only a waker is left.
    let place = Place::default();
    let (parked, ballast) = (park(&place), [0_u8; 4096]);
    let large = async move {
        let ballast = ballast;
        parked.await;
        assert_eq!(ballast.len(), 4096);
    };
    kernel.try_spawn("large", large).expect("spawned").detach();
    machine.settle();
    let last = place.borrow().clone();
    wake(&place);
    machine.settle();
    place.take();
    // Somebody waits for the memory.
    let handle = kernel.clone();
    let waiting = kernel
        .try_spawn("waiting", async move { handle.heap().buffer(4096).await.map(|buffer| buffer.len()) })
        .expect("spawned");
    let mut rest = Vec::new();
    for size in [4096, 256, 64] {
        while let Ok(block) = kernel.heap().try_buffer(size) {
            rest.push(block);
        }
    }
    machine.settle();
    assert!(!waiting.is_finished());
    drop(last);
    // This tick frees the large task, and has to say that there is more to do.
    assert_eq!(machine.kernel.tick().next, Next::RunAgain);
    machine.settle();
    assert!(waiting.is_finished());
}

#[test]
fn a_wake_from_another_thread_ends_the_machines_sleep_once() {
    let machine = Machine::new();
    let place = Place::default();
    machine.kernel.handle().try_spawn("task", park(&place)).expect("spawned").detach();
    machine.settle();
    let (doorbell, waker) = Wakes::new();
    assert!(machine.kernel.fall_asleep(&waker));
    assert!(machine.kernel.is_idle());
    let task = place.take().expect("parked");
    thread::spawn(move || {
        task.wake_by_ref();
        task.wake();
    })
    .join()
    .expect("woken");
    assert_eq!(doorbell.count(), 1);
    assert!(!machine.kernel.is_idle());
    assert!(!machine.kernel.fall_asleep(&waker));
    assert_eq!(machine.kernel.tick().completed, 1);
}

#[test]
fn no_wake_from_another_thread_is_lost_wherever_it_lands() {
    const WAKES: u32 = if cfg!(miri) { 5 } else { 2_000 };
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let (sent, place) = (Arc::new(AtomicU32::new(0)), Place::default());
    let (counter, parked) = (sent.clone(), place.clone());
    let task = kernel.try_spawn(
        "counting",
        poll_fn(move |context| {
            parked.replace(Some(context.waker().clone()));
            if counter.load(Ordering::Acquire) == WAKES { Poll::Ready(()) } else { Poll::Pending }
        }),
    );
    let task = task.expect("spawned");
    machine.settle();
    let waker = place.borrow().clone().expect("parked");
    let waking = thread::spawn(move || {
        for _ in 0..WAKES {
            sent.fetch_add(1, Ordering::Release);
            let other = waker.clone();
            other.wake();
        }
    });
    // The machine sleeps by parking, so a lost wake leaves it parked for ever.
    let doorbell: Waker = Arc::new(Unparks(thread::current())).into();
    while !task.is_finished() {
        let rest = machine.kernel.tick().next != Next::RunAgain && !task.is_finished();
        if rest && machine.kernel.fall_asleep(&doorbell) {
            while machine.kernel.is_idle() {
                thread::park();
            }
        }
    }
    waking.join().expect("woken");
}

struct Unparks(thread::Thread);

impl Wake for Unparks {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[test]
fn wakers_cloned_and_dropped_on_many_threads_keep_the_count_right() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let before = used(&kernel);
    let place = Place::default();
    let task = kernel.try_spawn("task", park(&place)).expect("spawned");
    machine.settle();
    let waker = place.take().expect("parked");
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let waker = waker.clone();
            thread::spawn(move || {
                for _ in 0..3 {
                    drop(waker.clone());
                    waker.wake_by_ref();
                }
            })
        })
        .collect();
    drop(waker);
    while !task.is_finished() {
        machine.kernel.tick();
        thread::yield_now();
    }
    threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
    drop((task, place.take()));
    machine.settle();
    assert_eq!(used(&kernel), before);
}

#[test]
fn wakes_are_counted_also_those_that_change_nothing() {
    let machine = Machine::stepping();
    let kernel = machine.kernel.handle();
    let task = kernel.try_spawn(
        "woken",
        core::future::poll_fn(|context| {
            for _ in 0..3 {
                context.waker().wake_by_ref();
            }
            core::task::Poll::<()>::Pending
        }),
    );
    let task = task.expect("spawned");
    machine.kernel.tick();
    machine.kernel.tick();
    let stats = kernel.next_task(super::super::TaskId(task.id().0 - 1)).expect("it is there");
    assert_eq!((stats.polls, stats.wakes), (2, 6));
}

std::thread_local! {
    /// The machine that a [`Ticks`] drives.
    static DRIVEN: RefCell<Option<Rc<Machine>>> = const { RefCell::new(None) };
}

/// Drives a machine when it is woken.
struct Ticks;

impl Wake for Ticks {
    fn wake(self: Arc<Self>) {
        let machine = DRIVEN.with(|driven| driven.borrow().clone());
        machine.expect("a machine is driven").kernel.tick();
    }
}

#[test]
fn a_waker_that_a_timer_fires_may_tick() {
    let machine = Rc::new(Machine::new());
    DRIVEN.set(Some(machine.clone()));
    let order = Rc::new(RefCell::new(Vec::new()));
    for number in 0..3_u32 {
        let order = order.clone();
        let task = async move {
            order.borrow_mut().push(number);
            yield_now().await;
            order.borrow_mut().push(number);
        };
        machine.kernel.handle().try_spawn("yields", task).expect("memory").detach();
    }
    let handle = machine.kernel.handle();
    let mut sleep = core::pin::pin!(handle.sleep(crate::time::Duration::from_micros(1)));
    let waker = Waker::from(Arc::new(Ticks));
    assert!(sleep.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    machine.clock.set(1);
    machine.settle();
    assert_eq!(*order.borrow(), [0, 1, 2, 0, 1, 2]);
    assert_eq!(handle.next_task(TaskId(0)), None);
    DRIVEN.set(None);
}
