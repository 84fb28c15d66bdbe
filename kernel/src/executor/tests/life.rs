//! Spawning, joining and ending tasks.

use core::future::pending;
use std::{format, string::ToString};

use super::*;
use crate::{heap::AllocError, limits::Settings};

#[test]
fn a_parked_task_that_is_aborted_drops_its_future_and_wakes_its_joiner_once() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let before = used(&kernel);
    let drops = Drops::default();
    let inside = drops.one();
    let mut parked = kernel
        .try_spawn("parked", async move {
            let _inside = inside;
            pending::<()>().await;
        })
        .expect("spawned");
    machine.settle();
    let (wakes, waker) = Wakes::new();
    assert!(Pin::new(&mut parked).poll(&mut Context::from_waker(&waker)).is_pending());
    parked.abort();
    parked.abort();
    assert_eq!(drops.count(), 0, "nothing is dropped before the executor's turn");
    assert_eq!(outcome(&machine, &mut parked), Err(JoinError::Cancelled));
    assert_eq!((drops.count(), wakes.count()), (1, 1));
    drop((parked, waker));
    machine.settle();
    assert_eq!(used(&kernel), before);
}

#[test]
fn a_task_that_is_aborted_before_its_first_poll_is_never_polled() {
    let machine = Machine::new();
    let drops = Drops::default();
    let inside = drops.one();
    let mut queued = machine
        .kernel
        .handle()
        .try_spawn("queued", async move {
            let _inside = inside;
            panic!("polled");
        })
        .expect("spawned");
    queued.abort();
    let end: Result<(), _> = outcome(&machine, &mut queued);
    assert_eq!((end, drops.count()), (Err(JoinError::Cancelled), 1));
}

#[test]
fn a_task_may_abort_itself_and_ends_at_its_next_await() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let reached = Rc::new(Cell::new(false));
    let (inside, handle) = (reached.clone(), kernel.clone());
    let mut own = kernel
        .try_spawn("own", async move {
            let me = handle.current_task().expect("in a task");
            assert!(handle.abort(me));
            inside.set(true);
            yield_now().await;
            panic!("it went on");
        })
        .expect("spawned");
    let end: Result<(), _> = outcome(&machine, &mut own);
    assert_eq!((end, reached.get()), (Err(JoinError::Cancelled), true));
}

#[test]
fn a_task_that_finishes_in_the_poll_that_aborts_it_keeps_its_output() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let handle = kernel.clone();
    let own = kernel.try_spawn("own", async move {
        handle.abort(handle.current_task().expect("in a task"));
        7
    });
    assert_eq!(outcome(&machine, &mut own.expect("spawned")), Ok(7));
}

#[test]
fn aborting_a_finished_task_leaves_its_output() {
    let machine = Machine::new();
    let mut done = machine.kernel.handle().try_spawn("done", async { 7 }).expect("spawned");
    machine.settle();
    done.abort();
    assert_eq!(outcome(&machine, &mut done), Ok(7));
}

#[test]
fn tasks_are_aborted_by_number_and_an_unknown_number_is_told() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let mut parked = kernel.try_spawn("parked", pending::<()>()).expect("spawned");
    assert!(!kernel.abort(TaskId(parked.id().0 + 1)));
    assert!(kernel.abort(parked.id()));
    assert_eq!(outcome(&machine, &mut parked), Err(JoinError::Cancelled));
    assert!(!kernel.abort(parked.id()));
}

#[test]
fn dropping_a_join_handle_never_disturbs_the_task() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let place = Place::default();
    let done = Rc::new(Cell::new(0));
    let spawn = |kernel: &Handle| {
        let (parked, done) = (park(&place), done.clone());
        kernel.try_spawn("detached", async move {
            parked.await;
            done.set(done.get() + 1);
        })
    };
    drop(spawn(&kernel).expect("spawned"));
    machine.settle();
    wake(&place);
    machine.settle();
    let mut polled = spawn(&kernel).expect("spawned");
    machine.settle();
    assert!(poll_once(&mut polled).is_pending());
    polled.detach();
    wake(&place);
    machine.settle();
    assert_eq!(done.get(), 2);
}

#[test]
fn an_output_is_dropped_once_whoever_gets_it() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let before = used(&kernel);
    let spawn = |drops: &Drops| {
        let output = drops.one();
        kernel.try_spawn("output", async move { output }).expect("spawned")
    };
    let (detached, finished, joined) = (Drops::default(), Drops::default(), Drops::default());
    spawn(&detached).detach();
    let late = spawn(&finished);
    let mut taken = spawn(&joined);
    machine.settle();
    assert_eq!((detached.count(), finished.count(), joined.count()), (1, 0, 0));
    drop(late);
    assert_eq!(finished.count(), 1);
    let output = outcome(&machine, &mut taken);
    drop(taken);
    assert_eq!(joined.count(), 0);
    drop(output);
    assert_eq!(joined.count(), 1);
    assert_eq!(used(&kernel), before);
}

#[test]
fn a_join_that_is_given_up_can_be_taken_up_again_by_another_task() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let place = Place::default();
    let parked = park(&place);
    let mut slow = kernel
        .try_spawn("slow", async move {
            parked.await;
            7
        })
        .expect("spawned");
    let handle = kernel.clone();
    let first = kernel
        .try_spawn("first", async move {
            let early = handle.timeout(crate::time::Duration::from_micros(1), &mut slow).await;
            assert!(early.is_err());
            [slow]
        })
        .expect("spawned");
    let second = kernel.try_spawn("second", async move {
        let [slow] = first.await.expect("joined");
        slow.await
    });
    machine.run();
    wake(&place);
    assert_eq!(outcome(&machine, &mut second.expect("spawned")), Ok(Ok(7)));
}

#[test]
fn a_task_that_joins_itself_can_be_aborted_and_leaks_nothing() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let before = used(&kernel);
    let place: Rc<RefCell<Option<JoinHandle<()>>>> = Rc::default();
    let own = place.clone();
    let handle = kernel.try_spawn("own", async move {
        yield_now().await;
        let handle = own.borrow_mut().take().expect("put there");
        let _ = handle.await;
    });
    let handle = handle.expect("spawned");
    let id = handle.id();
    place.replace(Some(handle));
    machine.settle();
    assert!(kernel.abort(id));
    machine.settle();
    assert_eq!((kernel.next_task(TaskId(0)), used(&kernel)), (None, before));
}

#[test]
fn tasks_that_end_each_other_while_they_are_dropped_all_end() {
    struct Ends(Option<JoinHandle<()>>);
    impl Drop for Ends {
        fn drop(&mut self) {
            self.0.take().expect("dropped once").abort();
        }
    }
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let before = used(&kernel);
    let mut last = kernel.try_spawn("first", pending()).expect("spawned");
    for _ in 0..5 {
        let ends = Ends(Some(last));
        last = kernel
            .try_spawn("next", async move {
                let _ends = ends;
                pending().await
            })
            .expect("spawned");
    }
    machine.settle();
    last.abort();
    drop(last);
    machine.settle();
    assert_eq!((kernel.next_task(TaskId(0)), used(&kernel)), (None, before));
}

#[test]
fn a_spawn_without_memory_hands_the_future_back() {
    let machine = Machine::with(48 * 1024, &Settings::DEFAULT);
    let kernel = machine.kernel.handle();
    let drops = Drops::default();
    let inside = drops.one();
    let ballast = [0_u8; 64 * 1024];
    let huge = async move {
        let _inside = inside;
        yield_now().await;
        assert_eq!(ballast.len(), 64 * 1024);
    };
    let failed = kernel.try_spawn("huge", huge).expect_err("too large");
    assert!(matches!(failed.reason, SpawnFailure::Memory(AllocError::TooLarge { .. })), "{failed:?}");
    assert_eq!(drops.count(), 0);
    drop(failed);
    assert_eq!(drops.count(), 1);
}

#[test]
fn wherever_an_allocation_fails_a_spawn_leaves_nothing_behind() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let before = used(&kernel);
    for n in 0..3 {
        kernel.heap().fail_after(n);
        let spawned = kernel.try_spawn("task", async {});
        assert_eq!(spawned.is_err(), n == 0);
        drop(spawned);
        machine.settle();
        while kernel.heap().try_box(0_u64).is_ok_and(|_| kernel.heap().stats().failures == n) {}
        assert_eq!(used(&kernel), before, "n = {n}");
    }
}

#[test]
fn a_spawn_that_waits_for_memory_is_served_when_there_is_some() {
    let machine = Machine::with(64 * 1024, &Settings::DEFAULT);
    let kernel = machine.kernel.handle();
    let hog = kernel.heap().try_buffer(kernel.heap().stats().largest_free).expect("all of it");
    let mut rest = Vec::new();
    while let Ok(block) = kernel.heap().try_buffer(64) {
        rest.push(block);
    }
    let ran = Rc::new(Cell::new(false));
    let (inside, handle) = (ran.clone(), kernel.clone());
    let mut spawn = std::boxed::Box::pin(async move {
        let spawned = handle.spawn("late", async move { inside.set(true) }).await;
        spawned.expect("spawned").detach();
    });
    assert!(poll_once(&mut spawn).is_pending());
    drop((hog, rest));
    assert!(poll_once(&mut spawn).is_ready());
    machine.settle();
    assert!(ran.get());
}

#[test]
fn a_task_is_listed_with_what_it_does_until_it_is_over() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let (handle, place) = (kernel.clone(), Place::default());
    let parked = kernel.try_spawn("parked", park(&place)).expect("spawned");
    let asking = kernel.try_spawn("asking", async move {
        let me = handle.next_task(TaskId(1)).expect("listed");
        assert_eq!((me.name, me.state, me.polls), ("asking", TaskState::Running, 0));
    });
    let ready = kernel.next_task(TaskId(0)).expect("listed");
    assert_eq!((ready.id, ready.name, ready.state), (parked.id(), "parked", TaskState::Ready));
    machine.settle();
    let waiting = kernel.next_task(TaskId(0)).expect("listed");
    assert_eq!((waiting.state, waiting.polls, waiting.wakes), (TaskState::Waiting, 1, 0));
    assert_eq!(kernel.next_task(waiting.id), None);
    assert!(asking.expect("spawned").is_finished());
}

#[test]
fn a_quota_is_set_by_number_and_an_unknown_number_is_told() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let (handle, place) = (kernel.clone(), Place::default());
    let parked = park(&place);
    let mut task = kernel
        .try_spawn("task", async move {
            parked.await;
            handle.heap().try_buffer(1).map(|_| ())
        })
        .expect("spawned");
    machine.settle();
    assert!(!kernel.set_quota(TaskId(task.id().0 + 1), Some(0)));
    assert!(kernel.set_quota(task.id(), Some(0)));
    let (_, account) = kernel.next_account(TaskId(0)).expect("listed");
    assert_eq!((account.name, account.quota), ("task", Some(0)));
    wake(&place);
    assert!(matches!(outcome(&machine, &mut task), Ok(Err(AllocError::Quota { quota: 0, .. }))));
    assert!(!kernel.set_quota(task.id(), None), "it is over");
}

#[test]
fn tasks_and_their_ends_are_printed_for_people() {
    let machine = Machine::new();
    let task = machine.kernel.handle().try_spawn("task", async {}).expect("spawned");
    assert_eq!(TaskId(7).to_string(), "7");
    assert!(format!("{task:?}").contains(&format!("{:?}", task.id())), "{task:?}");
    let ends = [JoinError::Cancelled, JoinError::Panicked].map(|end| end.to_string());
    assert!(ends.iter().all(|end| end.contains(' ')) && ends[0] != ends[1], "{ends:?}");
}
