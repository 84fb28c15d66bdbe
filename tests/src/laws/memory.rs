//! Laws 9, 10 and 17: memory.

use core::cell::RefCell;

use kernel::{
    event::Event,
    heap::{AllocError, SteadyState},
    limits::Settings,
    registry::ConnectError,
};

use super::fixtures::{Doubler, bind, count, counter, serve};
use crate::{HEAP, Home, Machine};

pub(super) fn waiters_for_memory_are_served_in_order<H: Home>(home: &mut H) {
    let mut machine = home.boot(HEAP, &Settings::DEFAULT);
    let kernel = machine.kernel();
    let served = kernel.heap().try_vec::<u32>(3).expect("there is memory");
    let served = kernel.heap().try_shared(RefCell::new(served)).expect("there is memory");
    let tasks = [1, 2, 3];
    // First the tasks, then nothing is left but what their waits are for.
    let large = kernel.heap().stats().largest_free / 4;
    for number in tasks {
        let (handle, served) = (kernel.clone(), served.clone());
        machine.start("waiter", async move {
            handle.sleep(kernel::time::Duration::from_millis(2)).await;
            let buffer = handle.heap().buffer(large).await.expect("it can be met");
            served.borrow_mut().push(number).expect("there is room");
            handle.sleep(kernel::time::Duration::from_millis(1)).await;
            drop(buffer);
        });
    }
    machine.settle();
    let all = kernel.heap().try_buffer(kernel.heap().stats().largest_free).expect("it fits");
    machine.pass(kernel::time::Duration::from_millis(4));
    assert_eq!(kernel.heap().stats().waiters, 3);
    drop(all);
    // Small requests keep coming and must not starve those who wait.
    let handle = kernel.clone();
    machine.start("hog", async move {
        loop {
            let hog = handle.heap().buffer(large).await;
            handle.sleep(kernel::time::Duration::from_micros(300)).await;
            drop(hog);
        }
    });
    for _ in 0..40 {
        machine.pass(kernel::time::Duration::from_micros(400));
    }
    assert_eq!(served.borrow().as_ref(), tasks);
}

pub(super) fn an_impossible_request_blocks_nobody<H: Home>(home: &mut H) {
    let mut machine = home.boot(HEAP, &Settings::DEFAULT);
    let kernel = machine.kernel();
    machine.run(async move {
        for impossible in [HEAP, usize::MAX / 2, usize::MAX] {
            let refused = kernel.heap().buffer(impossible).await.map(|_| ());
            assert!(matches!(refused, Err(AllocError::TooLarge { .. })), "{refused:?}");
        }
        assert!(kernel.heap().vec::<u64>(usize::MAX / 4).await.is_err());
        assert!(kernel.heap().buffer(100).await.is_ok());
        assert!(kernel.heap().try_buffer(0).is_ok());
        assert!(kernel.heap().try_box(()).is_ok());
    });
}

pub(super) fn out_of_memory_is_an_error_value_everywhere<H: Home>(home: &mut H) {
    let mut machine = home.boot(HEAP, &Settings::DEFAULT);
    let kernel = machine.kernel();
    let server = bind(&kernel, "other");
    machine.start("server", serve(server));
    machine.settle();
    let used = kernel.heap().stats().used;
    // Each allocation in turn fails, of a task that does everything that allocates.
    for nth in 0.. {
        let handle = kernel.clone();
        let task = kernel.try_spawn("everything", async move {
            handle.heap().fail_after(nth);
            let outcome = everything(&handle).await;
            handle.heap().fail_after(u32::MAX);
            outcome
        });
        let done = machine.finish(task.expect("spawned"));
        machine.settle();
        assert_eq!(kernel.heap().stats().used, used, "failing at allocation {nth} leaks");
        if done {
            assert!(nth > 4, "there was something to fail");
            return;
        }
    }
}

/// Allocates in every way there is; `false` as soon as an allocation is refused.
async fn everything(kernel: &kernel::Handle) -> bool {
    let heap = kernel.heap();
    let Ok(_boxed) = heap.try_box([0_u8; 32]) else { return false };
    let Ok(_shared) = heap.try_shared(1_u32) else { return false };
    let Ok(_vec) = heap.try_vec::<u16>(9) else { return false };
    let Ok(_buffer) = heap.try_buffer(33) else { return false };
    let Ok(_server) = kernel.services().try_bind::<Doubler>("") else { return false };
    match kernel.services().try_connect_to::<Doubler>(kernel::registry::Select::Label("other"), true, 3).await
    {
        Ok(client) => {
            let answer = client.call(2).await;
            assert_eq!(answer, Ok(4));
        }
        Err(ConnectError::Memory(_)) => return false,
        Err(other) => panic!("memory is the only thing that is missing: {other:?}"),
    }
    match kernel.try_spawn("child", async { 5 }) {
        Ok(child) => assert_eq!(child.await, Ok(5)),
        Err(_no_memory) => return false,
    }
    true
}

pub(super) fn messages_allocate_nothing<H: Home>(home: &mut H) {
    let mut machine = home.boot(HEAP, &Settings::DEFAULT);
    let kernel = machine.kernel();
    machine.start("server", serve(bind(&kernel, "")));
    let handle = kernel.clone();
    let allocated = machine.run(async move {
        let client = handle.services().try_connect::<Doubler>(true, 2).await.expect("connected");
        // The first round makes the wakers known.
        assert_eq!(client.call(1).await, Ok(2));
        let before = handle.heap().allocations();
        for number in 1..200 {
            assert_eq!(client.call(number).await, Ok(number * 2));
        }
        handle.heap().allocations() - before
    });
    assert_eq!(allocated, 0);
}

pub(super) fn a_steady_state_violation_names_its_owner<H: Home>(home: &mut H) {
    let mut machine = home.boot(HEAP, &Settings::DEFAULT);
    let kernel = machine.kernel();
    let refused = counter(&kernel);
    for (name, policy) in [("careless", SteadyState::Report), ("strict", SteadyState::Deny)] {
        let (handle, refused) = (kernel.clone(), refused.clone());
        let task = kernel.try_spawn(name, async move {
            let heap = handle.heap();
            heap.account().set_policy(policy);
            let _set_up = heap.try_box(1_u32).expect("at set-up it may allocate");
            handle.ready();
            if let Err(failed) = heap.try_box(2_u32) {
                assert_eq!(failed.error, AllocError::SteadyState);
                assert_eq!(failed.value, 2, "the value is handed back");
                count(&refused);
            }
            assert_eq!(heap.account().stats().violations, 1);
        });
        machine.finish(task.expect("spawned"));
    }
    assert_eq!(refused.get(), 1, "only `strict` is refused");
    let mut cursor = kernel.events().last(u64::MAX);
    let mut owners = [None; 2];
    let mut found = owners.iter_mut();
    while let Some(entry) = kernel.events().read(&mut cursor) {
        if let Event::Violation { owner, .. } = entry.record.event {
            *found.next().expect("there are two violations") = Some(owner);
        }
    }
    assert_eq!(owners, [Some("careless"), Some("strict")]);
}
