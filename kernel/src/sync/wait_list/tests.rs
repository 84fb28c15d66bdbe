//! Order, and wakes that are not lost.

use std::{
    boxed::Box,
    cell::{Cell, RefCell},
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    vec::Vec,
};

use super::WaitList;

#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

struct Task<'f, T> {
    future: Pin<Box<dyn Future<Output = T> + 'f>>,
    bell: Arc<Bell>,
}

impl<'f, T> Task<'f, T> {
    fn new(future: impl Future<Output = T> + 'f) -> Self {
        Self { future: Box::pin(future), bell: Arc::default() }
    }

    /// A task that has been polled once and waits.
    fn waiting(future: impl Future<Output = T> + 'f) -> Self {
        let mut task = Self::new(future);
        assert!(task.poll().is_pending());
        task
    }

    fn poll(&mut self) -> Poll<T> {
        self.future.as_mut().poll(&mut Context::from_waker(&Waker::from(self.bell.clone())))
    }

    fn rung(&self) -> bool {
        self.bell.0.swap(0, Ordering::Relaxed) > 0
    }
}

/// Takes one, if there is one.
fn take(count: &Cell<u32>) -> Option<()> {
    count.set(count.get().checked_sub(1)?);
    Some(())
}

#[test]
fn who_finds_it_at_once_does_not_wait() {
    let (list, count) = (WaitList::new(), Cell::new(2));
    assert!(Task::new(list.wait_until(|| take(&count))).poll().is_ready());
    assert!(Task::new(list.wait_turn(|| take(&count))).poll().is_ready());
    assert!(list.is_empty());
}

#[test]
fn waiters_are_woken_in_the_order_in_which_they_came() {
    let (list, count) = (WaitList::new(), Cell::new(0));
    let mut line: Vec<_> = (0..4).map(|_| Task::waiting(list.wait_turn(|| take(&count)))).collect();
    for nth in 0..4 {
        count.set(1);
        list.wake_one();
        let rung: Vec<_> = line.iter().map(Task::rung).collect();
        assert_eq!(rung.iter().position(|rung| *rung), Some(nth));
        assert_eq!(rung.iter().filter(|rung| **rung).count(), 1);
        assert!(line[nth].poll().is_ready());
    }
    assert!(list.is_empty());
    list.wake_one();
}

#[test]
fn who_looked_in_vain_goes_back_to_its_place() {
    let (list, count) = (WaitList::new(), Cell::new(0));
    let mut line: Vec<_> = (0..4).map(|_| Task::waiting(list.wait_turn(|| take(&count)))).collect();
    list.wake_one();
    list.wake_one();
    list.wake_one();
    // Polled in whatever order, they find nothing.
    for at in [1, 0, 2] {
        assert!(line[at].rung());
        assert!(line[at].poll().is_pending());
    }
    for (nth, task) in line.iter_mut().enumerate() {
        count.set(1);
        list.wake_one();
        assert!(task.rung() && task.poll().is_ready(), "the {nth}. is next");
    }
}

#[test]
fn a_newcomer_takes_its_turn() {
    let (list, count) = (WaitList::new(), Cell::new(0));
    let mut first = Task::waiting(list.wait_turn(|| take(&count)));
    count.set(1);
    list.wake_one();
    // Woken, but not polled yet: what there is is the first one's.
    assert!(!list.is_empty());
    let mut newcomer = Task::waiting(list.wait_turn(|| take(&count)));
    assert!(first.poll().is_ready());
    count.set(1);
    list.wake_one();
    assert!(newcomer.poll().is_ready());
}

#[test]
fn everybody_is_woken_once() {
    let (list, round) = (WaitList::new(), Cell::new(0));
    let arrived = |nth| (round.get() >= nth).then_some(nth);
    let mut line: Vec<_> = (1..=5).map(|nth| Task::waiting(list.wait_until(move || arrived(nth)))).collect();
    for now in 1..=5 {
        round.set(now);
        list.wake_all();
        line.retain_mut(|task| {
            assert!(task.rung());
            match task.poll() {
                Poll::Ready(nth) => {
                    assert_eq!(nth, now);
                    false
                }
                Poll::Pending => true,
            }
        });
        assert_eq!(line.len(), 5 - now);
    }
    assert!(list.is_empty());
}

#[test]
fn a_wake_that_is_not_acted_upon_goes_to_the_next() {
    let (list, count) = (WaitList::new(), Cell::new(0));
    let [first, second, mut third] = [(); 3].map(|()| Task::waiting(list.wait_turn(|| take(&count))));
    count.set(1);
    list.wake_one();
    assert!(first.rung());
    drop(first);
    assert!(second.rung() && !third.rung());
    drop(second);
    assert!(third.rung());
    assert!(third.poll().is_ready());
}

#[test]
fn who_gives_up_before_it_is_woken_passes_nothing_on() {
    let (list, count) = (WaitList::new(), Cell::new(0));
    let [first, mut second, third] = [(); 3].map(|()| Task::waiting(list.wait_turn(|| take(&count))));
    drop(first);
    drop(third);
    assert!(!second.rung());
    count.set(1);
    list.wake_one();
    assert!(second.poll().is_ready());
    drop(second);
    assert!(list.is_empty());
    drop(Task::new(list.wait_until(|| take(&count))));
}

#[test]
fn a_waiter_keeps_the_waker_it_has_and_follows_a_new_one() {
    let list = WaitList::new();
    let mut task = Task::waiting(list.wait_until(|| None::<()>));
    let wakers = Arc::strong_count(&task.bell);
    assert!(task.poll().is_pending());
    assert_eq!(Arc::strong_count(&task.bell), wakers);
    let old = std::mem::take(&mut task.bell);
    assert!(task.poll().is_pending());
    list.wake_all();
    assert!(task.rung());
    assert_eq!((old.0.load(Ordering::Relaxed), Arc::strong_count(&old)), (0, 1));
}

#[test]
fn looking_may_wake_the_same_list() {
    let (list, looks) = (WaitList::new(), Cell::new(0));
    let look = || {
        looks.set(looks.get() + 1);
        list.wake_all();
        (looks.get() > 3).then_some(())
    };
    let mut task = Task::waiting(list.wait_until(look));
    let mut other = Task::waiting(list.wait_until(look));
    assert!(task.rung());
    assert!(task.poll().is_pending());
    assert!(other.rung() && other.poll().is_ready() && task.rung() && task.poll().is_ready());
    assert!(list.is_empty());
}

#[test]
fn a_look_that_panics_leaves_the_line_whole() {
    let (list, count, panics) = (WaitList::new(), Cell::new(0), Cell::new(false));
    let look = || {
        assert!(!panics.get(), "this look panics");
        take(&count)
    };
    let mut first = Task::waiting(list.wait_turn(look));
    let mut second = Task::waiting(list.wait_turn(|| take(&count)));
    panics.set(true);
    count.set(1);
    list.wake_one();
    let poll = std::panic::AssertUnwindSafe(|| first.poll().is_ready());
    assert!(std::panic::catch_unwind(poll).is_err());
    drop(first);
    assert!(second.rung() && second.poll().is_ready());
    assert!(list.is_empty());
}

#[test]
fn tickets_wrap() {
    let (list, count) = (WaitList::new(), Cell::new(0));
    list.next_ticket.set(u32::MAX - 1);
    let mut line: Vec<_> = (0..4).map(|_| Task::waiting(list.wait_turn(|| take(&count)))).collect();
    list.wake_one();
    list.wake_one();
    assert!(line[1].poll().is_pending() && line[0].poll().is_pending());
    for task in &mut line {
        count.set(1);
        list.wake_one();
        assert!(task.rung() && task.poll().is_ready());
    }
}

/// A slot pool used at random: as many wakes as slots given back, each waiter either served or gone.
#[test]
fn no_scattered_run_loses_a_wake_or_overtakes() {
    for seed in 0..if cfg!(miri) { 3 } else { 300_u64 } {
        let mut state = seed;
        let mut pick = move |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let (list, slots, held) = (WaitList::new(), Cell::new(2), Cell::new(0));
        let served = RefCell::new(Vec::new());
        let (mut line, mut next) = (VecDeque::new(), 0);
        for _ in 0..if cfg!(miri) { 60 } else { 200 } {
            match pick(5) {
                0 | 1 => {
                    let number = next;
                    next += 1;
                    let (list, slots, held, served) = (&list, &slots, &held, &served);
                    line.push_back(Task::new(async move {
                        list.wait_turn(|| take(slots)).await;
                        held.set(held.get() + 1);
                        served.borrow_mut().push(number);
                    }));
                }
                2 if !line.is_empty() => drop(line.remove(pick(line.len()))),
                _ if held.get() > 0 => {
                    held.set(held.get() - 1);
                    slots.set(slots.get() + 1);
                    list.wake_one();
                }
                _ => {}
            }
            // An executor polls all that are ready, in the order in which they came.
            line.retain_mut(|task| task.poll().is_pending());
            assert_eq!(slots.get() + held.get(), 2);
            assert!(slots.get() == 0 || line.is_empty(), "a slot is free, and somebody waits for it");
        }
        assert!(served.borrow().is_sorted());
    }
}

#[test]
fn what_was_left_when_everybody_in_line_was_woken_already_goes_to_who_came_after() {
    let (list, count) = (WaitList::new(), Cell::new(0));
    let mut first = Task::waiting(list.wait_turn(|| take(&count)));
    for _ in 0..3 {
        count.set(count.get() + 1);
        list.wake_one();
    }
    // The first has not looked yet, so these two queue up although there is enough for them.
    let mut second = Task::waiting(list.wait_turn(|| take(&count)));
    let mut third = Task::waiting(list.wait_turn(|| take(&count)));
    assert!(first.rung() && first.poll().is_ready());
    assert!(second.rung() && second.poll().is_ready());
    assert!(third.rung() && third.poll().is_ready());
    // Nothing of that is remembered.
    let mut next = Task::waiting(list.wait_turn(|| take(&count)));
    let waiting = Task::waiting(list.wait_turn(|| take(&count)));
    count.set(1);
    list.wake_one();
    assert!(next.rung() && next.poll().is_ready());
    assert!(!waiting.rung());
}

#[test]
fn what_everybody_was_told_is_told_to_who_came_before_they_looked() {
    let (list, closed) = (WaitList::new(), Cell::new(false));
    let look = || closed.get().then_some(());
    let mut line: Vec<_> = (0..2).map(|_| Task::waiting(list.wait_turn(look))).collect();
    closed.set(true);
    list.wake_all();
    line.extend((0..3).map(|_| Task::waiting(list.wait_turn(look))));
    for task in &mut line {
        assert!(task.rung() && task.poll().is_ready());
    }
    assert!(list.is_empty());
}

#[test]
fn who_is_polled_in_line_looks_unless_that_would_be_overtaking() {
    let (list, count) = (WaitList::new(), Cell::new(0));
    let _first = Task::waiting(list.wait_turn(|| take(&count)));
    let mut second = Task::waiting(list.wait_turn(|| take(&count)));
    let mut anybody = Task::waiting(list.wait_until(|| take(&count)));
    count.set(1);
    assert!(second.poll().is_pending());
    assert!(anybody.poll().is_ready());
}

#[test]
fn what_was_left_goes_to_as_many_as_there_were_wakes() {
    let (list, count) = (WaitList::new(), Cell::new(0));
    let mut first = Task::waiting(list.wait_turn(|| take(&count)));
    count.set(3);
    // The second wake finds nobody who has not been woken.
    list.wake_one();
    list.wake_one();
    let mut second = Task::waiting(list.wait_turn(|| take(&count)));
    let third = Task::waiting(list.wait_turn(|| take(&count)));
    assert!(first.poll().is_ready());
    assert!(second.rung() && !third.rung());
    assert!(second.poll().is_ready());
    assert!(!third.rung());
}

std::thread_local! {
    static LEFT: Cell<u32> = const { Cell::new(0) };
    static DROPPED_INTO: WaitList = const { WaitList::new() };
}

/// A waker that puts one there, and tells so, when it is dropped.
struct Leaves;

impl Wake for Leaves {
    fn wake(self: Arc<Self>) {}
}

impl Drop for Leaves {
    fn drop(&mut self) {
        LEFT.set(LEFT.get() + 1);
        DROPPED_INTO.with(WaitList::wake_one);
    }
}

#[test]
fn a_wake_that_comes_while_wakers_are_exchanged_is_not_lost() {
    DROPPED_INTO.with(|list| {
        let mut task = Task::new(list.wait_until(|| LEFT.with(take)));
        let leaves = Waker::from(Arc::new(Leaves));
        assert!(task.future.as_mut().poll(&mut Context::from_waker(&leaves)).is_pending());
        drop(leaves);
        assert!(task.poll().is_pending());
        assert!(task.rung());
        assert!(task.poll().is_ready());
    });
}
