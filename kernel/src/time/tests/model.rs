//! Sleeps that are started, reset, polled and dropped at random, against a list that is searched.

use super::*;

/// How many sleeps there are at a time.
const SLEEPS: usize = 12;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0.rotate_left(32)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// A number of any length: small and huge ones are equally likely.
    fn wild(&mut self) -> u64 {
        let number = self.next();
        number >> (self.next() % 64)
    }
}

/// What a sleep must do: it waits for the deadline from when it was linked, its place among equals.
#[derive(Clone, Copy)]
struct Waiting {
    deadline_us: u64,
    linked: usize,
}

fn run(start_us: u64, seed: u64, steps: usize) {
    let timers = timers_at(start_us);
    let journal = Journal::default();
    let mut random = Random(seed);
    let mut sleeps: [Option<Pin<Box<Sleep<'_>>>>; SLEEPS] = [const { None }; SLEEPS];
    let mut waiting: [Option<Waiting>; SLEEPS] = [None; SLEEPS];
    let mut now_us = start_us;
    for linked in 0..steps {
        let at = random.below(SLEEPS);
        match random.below(8) {
            0..3 => {
                // Deadlines ahead only: those that are over before they begin need no timer.
                let deadline_us = now_us.saturating_add(random.wild() >> 8).saturating_add(1);
                let mut sleep = Box::pin(timers.sleep_until(Instant::from_micros(deadline_us)));
                let polled = poll_once(sleep.as_mut(), &journal.waker(at));
                sleeps[at] = Some(sleep);
                waiting[at] = (deadline_us > now_us).then_some(Waiting { deadline_us, linked });
                // At the end of time it is over before it begins, and wakes itself.
                assert!(polled.is_pending());
                if deadline_us <= now_us {
                    assert_eq!(journal.take(), [at]);
                }
            }
            3 => {
                sleeps[at] = None;
                waiting[at] = None;
            }
            4 => {
                if let (Some(sleep), Some(_)) = (&mut sleeps[at], waiting[at]) {
                    let deadline_us = random.wild();
                    sleep.as_mut().reset(Instant::from_micros(deadline_us));
                    waiting[at] = (deadline_us > now_us).then_some(Waiting { deadline_us, linked });
                    let woken: &[usize] = if deadline_us > now_us { &[] } else { &[at] };
                    assert_eq!(journal.take(), woken);
                }
            }
            5 => {
                if let (Some(sleep), Some(_)) = (&mut sleeps[at], waiting[at]) {
                    assert!(poll_once(sleep.as_mut(), &journal.waker(at)).is_pending());
                }
            }
            _ => {
                now_us = now_us.saturating_add(random.wild() >> 12);
                let mut due: Vec<_> = (0..SLEEPS)
                    .filter_map(|at| waiting[at].map(|what| (what.deadline_us, what.linked, at)))
                    .filter(|&(deadline_us, ..)| deadline_us <= now_us)
                    .collect();
                due.sort_unstable();
                assert_eq!(timers.advance(Instant::from_micros(now_us)), due.len());
                assert_eq!(journal.take(), due.iter().map(|&(.., at)| at).collect::<Vec<_>>());
                for (.., at) in due {
                    waiting[at] = None;
                    assert!(poll_idly(sleeps[at].as_mut().unwrap().as_mut()).is_ready());
                }
            }
        }
        let pending = || waiting.iter().flatten();
        assert_eq!(timers.len(), pending().count());
        let earliest = pending().map(|what| Instant::from_micros(what.deadline_us)).min();
        assert!(timers.next_deadline() <= earliest);
        assert!(timers.next_deadline() > earliest.and(Some(timers.now())) || earliest.is_none());
    }
}

#[test]
fn any_mixture_of_sleeps_fires_in_order() {
    let (rounds, steps) = if cfg!(miri) { (1_u64, 60) } else { (200, 200) };
    for start_us in STARTS_US {
        for seed in 0..rounds {
            run(start_us, seed.wrapping_add(start_us), steps);
        }
    }
}
