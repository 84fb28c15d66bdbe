//! What outlives a kernel, and what does not.

use core::{future::pending, ptr::NonNull};
use std::thread;

use super::*;
use crate::{
    Kernel,
    heap::Region,
    limits::Settings,
    testing::{Manual, region},
};

/// A kernel that counts in a static when its region is released.
macro_rules! counted_kernel {
    ($released:ident) => {{
        unsafe fn release(start: NonNull<u8>, len: usize) {
            $released.fetch_add(1, Ordering::SeqCst);
            // SAFETY: allocated below with this layout.
            unsafe { std::alloc::dealloc(start.as_ptr(), layout(len)) };
        }
        // SAFETY: fresh memory of this layout, given back once.
        let region = unsafe {
            let memory = NonNull::new(std::alloc::alloc(layout(LEN))).expect("memory");
            Region::from_raw(memory, LEN, release)
        };
        Kernel::new(region, Manual::default(), &Settings::DEFAULT).expect("booted")
    }};
}

const LEN: usize = 64 * 1024;

fn layout(len: usize) -> std::alloc::Layout {
    std::alloc::Layout::from_size_align(len, 8).expect("a layout")
}

fn settle(kernel: &Kernel) {
    while kernel.tick().next == crate::platform::Next::RunAgain {}
}

#[test]
fn dropping_a_kernel_ends_every_task_whatever_it_does_and_releases_the_region() {
    static RELEASED: AtomicU32 = AtomicU32::new(0);
    let kernel = counted_kernel!(RELEASED);
    let handle = kernel.handle();
    let drops = Drops::default();
    let (parked, queued, woken) = (drops.one(), drops.one(), drops.one());
    let (place, inner) = (Place::default(), handle.clone());
    let parked = handle.try_spawn("parked", async move {
        let _inside = (parked, inner);
        pending::<()>().await;
    });
    let waits = park(&place);
    let woken = handle.try_spawn("woken", async move {
        let _inside = woken;
        waits.await;
    });
    settle(&kernel);
    let queued = handle.try_spawn("queued", async move {
        let _inside = queued;
    });
    wake(&place);
    place.take();
    drop((parked.expect("spawned"), woken.expect("spawned"), queued.expect("spawned")));
    drop(kernel);
    assert_eq!((drops.count(), RELEASED.load(Ordering::SeqCst)), (3, 0), "a handle keeps the memory");
    drop(handle);
    assert_eq!(RELEASED.load(Ordering::SeqCst), 1);
}

#[test]
fn a_join_handle_outlives_the_kernel_with_its_outcome() {
    static RELEASED: AtomicU32 = AtomicU32::new(0);
    let kernel = counted_kernel!(RELEASED);
    let handle = kernel.handle();
    let drops = Drops::default();
    let output = drops.one();
    let mut done = handle.try_spawn("done", async move { output }).expect("spawned");
    let unwanted = handle.try_spawn("unwanted", async { 7 }).expect("spawned");
    settle(&kernel);
    let mut cut = handle.try_spawn("cut", pending::<()>()).expect("spawned");
    drop((kernel, handle));
    assert_eq!(RELEASED.load(Ordering::SeqCst), 0);
    assert!(done.is_finished() && cut.is_finished());
    cut.abort();
    assert_eq!(poll_once(&mut cut), Poll::Ready(Err(JoinError::Cancelled)));
    assert!(matches!(poll_once(&mut done), Poll::Ready(Ok(Dropped(_)))));
    assert_eq!(drops.count(), 1);
    drop((cut, done));
    assert_eq!(RELEASED.load(Ordering::SeqCst), 0);
    drop(unwanted);
    assert_eq!(RELEASED.load(Ordering::SeqCst), 1);
}

#[test]
fn a_waker_outlives_the_kernel_on_another_thread_and_the_last_releases_the_region() {
    static RELEASED: AtomicU32 = AtomicU32::new(0);
    let kernel = counted_kernel!(RELEASED);
    let place = Place::default();
    kernel.handle().try_spawn("task", park(&place)).expect("spawned").detach();
    settle(&kernel);
    let waker = place.take().expect("parked");
    drop(kernel);
    assert_eq!(RELEASED.load(Ordering::SeqCst), 0);
    thread::spawn(move || {
        waker.wake_by_ref();
        let other = waker.clone();
        waker.wake();
        other.wake_by_ref();
        drop(other);
    })
    .join()
    .expect("harmless");
    assert_eq!(RELEASED.load(Ordering::SeqCst), 1);
}

#[test]
fn a_waker_used_while_the_kernel_goes_down_is_harmless() {
    static RELEASED: AtomicU32 = AtomicU32::new(0);
    let kernel = counted_kernel!(RELEASED);
    let place = Place::default();
    kernel.handle().try_spawn("task", park(&place)).expect("spawned").detach();
    settle(&kernel);
    let waker = place.take().expect("parked");
    let waking = thread::spawn(move || {
        waker.wake_by_ref();
        let other = waker.clone();
        other.wake();
        waker.wake();
    });
    drop(kernel);
    waking.join().expect("harmless");
    assert_eq!(RELEASED.load(Ordering::SeqCst), 1);
}

#[test]
fn memory_charged_to_a_task_outlives_the_task_and_the_kernel() {
    static RELEASED: AtomicU32 = AtomicU32::new(0);
    let kernel = counted_kernel!(RELEASED);
    let handle = kernel.handle();
    let inner = handle.clone();
    let task = handle.try_spawn("owner", async move { inner.heap().try_box([7_u8; 100]).ok() });
    settle(&kernel);
    let mut task = task.expect("spawned");
    let Poll::Ready(Ok(Some(early))) = poll_once(&mut task) else { panic!("no box") };
    drop(task);
    assert_eq!(handle.next_task(TaskId(0)), None);
    // The block was the last that kept the task's account.
    let pinned = used(&handle);
    let kept = handle.heap().try_box([8_u8; 100]).expect("memory");
    drop(early);
    assert!(used(&handle) < pinned);
    drop((kernel, handle));
    assert_eq!((kept[99], RELEASED.load(Ordering::SeqCst)), (8, 0));
    drop(kept);
    assert_eq!(RELEASED.load(Ordering::SeqCst), 1);
}

#[test]
fn memory_charged_to_a_task_is_given_back_after_the_kernel_is_gone() {
    static RELEASED: AtomicU32 = AtomicU32::new(0);
    let kernel = counted_kernel!(RELEASED);
    let handle = kernel.handle();
    let inner = handle.clone();
    let mut task = handle
        .try_spawn("owner", async move { inner.heap().try_box([7_u8; 100]).expect("memory") })
        .expect("spawned");
    settle(&kernel);
    drop((kernel, handle));
    let Poll::Ready(Ok(kept)) = poll_once(&mut task) else { panic!("no box") };
    drop(task);
    assert_eq!((kept[0], RELEASED.load(Ordering::SeqCst)), (7, 0));
    drop(kept);
    assert_eq!(RELEASED.load(Ordering::SeqCst), 1);
}

#[test]
fn an_interrupt_line_registered_by_a_task_outlives_it_and_keeps_no_task() {
    static RELEASED: AtomicU32 = AtomicU32::new(0);
    let kernel = counted_kernel!(RELEASED);
    let handle = kernel.handle();
    let inner = handle.clone();
    let mut task = handle
        .try_spawn("driver", async move { inner.interrupt_line("irq").expect("memory").trigger() })
        .expect("spawned");
    settle(&kernel);
    let Poll::Ready(Ok(trigger)) = poll_once(&mut task) else { panic!("no trigger") };
    drop((task, kernel, handle));
    assert_eq!(RELEASED.load(Ordering::SeqCst), 0);
    thread::spawn(move || trigger.clone().fire()).join().expect("harmless");
    assert_eq!(RELEASED.load(Ordering::SeqCst), 1);
}

#[test]
fn nothing_is_spawned_by_what_is_dropped_at_shut_down() {
    struct Spawns(Handle, Drops);
    impl Drop for Spawns {
        fn drop(&mut self) {
            let future = self.1.one();
            let failed = self.0.try_spawn("late", async move { drop(future) }).expect_err("closed");
            assert_eq!(failed.reason, SpawnFailure::ShutDown);
        }
    }
    static RELEASED: AtomicU32 = AtomicU32::new(0);
    let kernel = counted_kernel!(RELEASED);
    let drops = Drops::default();
    let spawns = Spawns(kernel.handle(), drops.clone());
    let task = async move {
        let _spawns = spawns;
        pending::<()>().await;
    };
    kernel.handle().try_spawn("task", task).expect("spawned").detach();
    settle(&kernel);
    drop(kernel);
    assert_eq!((drops.count(), RELEASED.load(Ordering::SeqCst)), (1, 1));
}

#[test]
fn two_kernels_in_one_process_share_nothing() {
    let run = |polls: u32| {
        let kernel = Kernel::new(region(LEN), Manual::default(), &Settings::DEFAULT).expect("booted");
        let task = async move {
            for _ in 0..polls {
                yield_now().await;
            }
        };
        kernel.handle().try_spawn("task", task).expect("spawned").detach();
        kernel
    };
    let (one, two) = (run(3), run(7));
    let ticks = |kernel: &Kernel| (0..20).map(|_| kernel.tick().polled).sum::<u32>();
    assert_eq!((ticks(&one), ticks(&two)), (4, 8));
    let events = |kernel: &Kernel| kernel.handle().events().recorded();
    assert_eq!((events(&one), events(&two)), (2, 2));
    drop(one);
    let waker = Place::default();
    two.handle().try_spawn("task", park(&waker)).expect("spawned").detach();
    assert_eq!(two.tick().polled, 1);
}

#[test]
fn a_spawn_that_comes_too_late_is_refused_and_says_why() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    drop(machine);
    let refused = kernel.try_spawn("late", async {}).expect_err("the kernel has ended");
    assert_eq!(refused.reason, SpawnFailure::ShutDown);
    assert!(refused.to_string().contains("shutting down"));
    assert!(format!("{refused:?}").contains("ShutDown"));
    let mut waiting = core::pin::pin!(kernel.spawn("late", async {}));
    let polled = waiting.as_mut().poll(&mut core::task::Context::from_waker(core::task::Waker::noop()));
    assert!(
        matches!(polled, core::task::Poll::Ready(Err(refused)) if refused.reason == SpawnFailure::ShutDown)
    );
}

#[test]
fn a_wake_of_a_task_that_has_gone_down_with_the_kernel_rings_no_doorbell() {
    struct WakesLast(Place);
    impl Drop for WakesLast {
        fn drop(&mut self) {
            wake(&self.0);
        }
    }
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let place = Place::default();
    kernel.try_spawn("parked", park(&place)).expect("spawned").detach();
    let wakes = WakesLast(place);
    let later = async move {
        let _wakes = wakes;
        core::future::pending::<()>().await;
    };
    kernel.try_spawn("later", later).expect("spawned").detach();
    machine.settle();
    let (doorbell, waker) = Wakes::new();
    assert!(machine.kernel.fall_asleep(&waker));
    drop(machine);
    assert_eq!(doorbell.count(), 0);
}
