use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
        mpsc::channel,
    },
    thread,
};

use critical_section::with;

use super::set_hook;

thread_local!(static LEFT: Cell<u32> = const { Cell::new(0) });

fn count_left() {
    LEFT.set(LEFT.get() + 1);
}

#[test]
fn the_hook_is_called_when_the_outermost_section_ends_and_on_its_own_thread_only() {
    assert!(set_hook(Some(count_left)).is_none());
    with(|_| {
        with(|_| ());
        assert_eq!(LEFT.get(), 0);
    });
    assert_eq!(LEFT.get(), 1);
    thread::spawn(|| {
        with(|_| ());
        assert_eq!(LEFT.get(), 0);
    })
    .join()
    .expect("no hook there");
    assert!(set_hook(None).is_some());
    with(|_| ());
    assert_eq!(LEFT.get(), 1);
}

#[test]
fn a_hook_may_use_sections_itself() {
    fn nested() {
        let hook = set_hook(None);
        with(|_| count_left());
        set_hook(hook);
    }
    set_hook(Some(nested));
    with(|_| ());
    assert_eq!(LEFT.get(), 1);
}

#[test]
fn one_thread_at_a_time_is_in_a_section() {
    let (inside, outside) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (inside, outside) = (inside.clone(), outside.clone());
            thread::spawn(move || {
                for _ in 0..200 {
                    with(|_| {
                        assert!(!inside.swap(true, Ordering::Relaxed));
                        thread::yield_now();
                        inside.store(false, Ordering::Relaxed);
                    });
                    outside.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("alone"));
    assert_eq!(outside.load(Ordering::Relaxed), 800);
}

#[test]
fn a_panic_in_a_section_leaves_it() {
    set_hook(Some(count_left));
    let panicked = std::panic::catch_unwind(|| with(|_| panic!("in a section")));
    assert!(panicked.is_err());
    assert_eq!(LEFT.get(), 0);
    let (send, receive) = channel();
    thread::spawn(move || with(|_| send.send(()))).join().expect("the section is free").expect("it is heard");
    assert!(receive.recv().is_ok());
}
