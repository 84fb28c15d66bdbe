//! The broadcast against a model of it: all that was ever published, and how far each subscriber is.

use core::{
    cell::Cell,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::Poll,
};
use std::rc::Rc;

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop, prop_oneof};

use super::{
    super::{
        broadcast::{Publisher, Subscriber, broadcast},
        pipe::Closed,
    },
    Machine,
    wakes::Woken,
};
use crate::event::Entry;

/// What is done to the broadcast. A `usize` picks one of the subscribers, counted round and round.
#[derive(Debug, Clone, Copy)]
enum Step {
    Publish,
    Subscribe,
    Unsubscribe(usize),
    /// Looks for a value, unless it waits for one.
    TryNext(usize),
    /// Begins to wait for a value, or is polled while it waits.
    Next(usize),
    /// Gives up waiting, and remains a subscriber.
    GiveUp(usize),
    /// The publisher goes.
    Close,
}

type Heard = Result<Entry<u32>, Closed>;

/// Waits; returns the subscriber, and what it has heard unless it has given up.
type Listening = Pin<Box<dyn Future<Output = (Subscriber<u32>, Option<Heard>)>>>;

/// What a subscriber does.
enum Doing {
    Nothing(Subscriber<u32>),
    Waiting { future: Listening, given_up: Rc<Cell<bool>> },
}

struct Listener {
    number: usize,
    /// The value that is next for it, counted from the first that was published.
    next: usize,
    /// Nothing only while it changes.
    doing: Option<Doing>,
}

struct Model {
    capacity: usize,
    published: Vec<u32>,
    publisher: Option<Publisher<u32>>,
    listeners: Vec<Listener>,
    woken: Woken,
    comers: usize,
}

impl Model {
    /// What a listener hears when it looks.
    fn hears(&self, at: usize) -> Option<Heard> {
        let next = self.listeners[at].next;
        let oldest = self.published.len().saturating_sub(self.capacity);
        let number = next.max(oldest);
        match self.published.get(number) {
            Some(&record) => {
                Some(Ok(Entry { missed: (number - next) as u64, number: number as u64, record }))
            }
            None => self.publisher.is_none().then_some(Err(Closed)),
        }
    }

    fn heard(&mut self, at: usize, heard: Heard) {
        if let Ok(entry) = heard {
            self.listeners[at].next = entry.number as usize + 1;
        }
    }

    fn step(&mut self, step: Step) {
        let listener = |pick: usize| pick.checked_rem(self.listeners.len());
        match step {
            Step::Publish => {
                let Some(publisher) = &self.publisher else { return };
                let value = self.published.len() as u32 * 7;
                assert_eq!(publisher.publish(value), self.listeners.len());
                self.published.push(value);
            }
            Step::Subscribe => {
                let Some(publisher) = &self.publisher else { return };
                self.comers += 1;
                let doing = Some(Doing::Nothing(publisher.subscribe()));
                self.listeners.push(Listener { number: self.comers, next: self.published.len(), doing });
            }
            Step::Unsubscribe(pick) => {
                let Some(at) = listener(pick) else { return };
                let gone = self.listeners.remove(at);
                self.woken.forget(gone.number);
            }
            Step::TryNext(pick) => {
                let Some(at) = listener(pick) else { return };
                let expected = self.hears(at);
                let Some(Doing::Nothing(subscriber)) = &mut self.listeners[at].doing else { return };
                let heard = subscriber.try_next().transpose();
                assert_eq!(heard, expected);
                if let Some(heard) = heard {
                    self.heard(at, heard);
                }
            }
            Step::Next(pick) => {
                let Some(at) = listener(pick) else { return };
                self.next(at);
            }
            Step::GiveUp(pick) => {
                let Some(at) = listener(pick) else { return };
                let listener = &mut self.listeners[at];
                let Some(Doing::Waiting { future, given_up }) = &mut listener.doing else { return };
                given_up.set(true);
                let Poll::Ready((subscriber, None)) = self.woken.poll(listener.number, future.as_mut())
                else {
                    panic!("it has given up")
                };
                listener.doing = Some(Doing::Nothing(subscriber));
            }
            Step::Close => self.publisher = None,
        }
        self.after();
    }

    fn next(&mut self, at: usize) {
        let expected = self.hears(at);
        let listener = &mut self.listeners[at];
        let (mut future, given_up) = match listener.doing.take().expect("it does something") {
            Doing::Waiting { future, given_up } => (future, given_up),
            Doing::Nothing(mut subscriber) => {
                let given_up = Rc::new(Cell::new(false));
                let gives_up = given_up.clone();
                let future = async move {
                    let heard = {
                        let mut next = pin!(subscriber.next());
                        poll_fn(|context| match gives_up.get() {
                            true => Poll::Ready(None),
                            false => next.as_mut().poll(context).map(Some),
                        })
                        .await
                    };
                    (subscriber, heard)
                };
                (Box::pin(future) as _, given_up)
            }
        };
        match self.woken.poll(listener.number, Pin::as_mut(&mut future)) {
            Poll::Pending => {
                assert_eq!(expected, None, "it sleeps through a value");
                listener.doing = Some(Doing::Waiting { future, given_up });
            }
            Poll::Ready((subscriber, heard)) => {
                assert_eq!(heard, expected);
                listener.doing = Some(Doing::Nothing(subscriber));
                self.heard(at, heard.expect("it has not given up"));
            }
        }
    }

    /// Who waits and could hear something has been told.
    fn after(&self) {
        for (at, listener) in self.listeners.iter().enumerate() {
            let waits = matches!(listener.doing, Some(Doing::Waiting { .. }));
            assert!(!waits || self.hears(at).is_none() || self.woken.contains(listener.number));
        }
    }
}

fn run(capacity: usize, steps: &[Step]) {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let publisher = broadcast::<u32>(kernel.heap(), capacity).expect("made");
    let mut model = Model {
        capacity,
        published: Vec::new(),
        publisher: Some(publisher),
        listeners: Vec::new(),
        woken: Woken::default(),
        comers: 0,
    };
    for &step in steps {
        model.step(step);
    }
    // All that is left is heard, once the publisher is gone, and nothing else.
    model.step(Step::Close);
    for at in 0..model.listeners.len() {
        let left = model.published.len() - model.listeners[at].next;
        for _ in 0..left.min(capacity) {
            model.next(at);
        }
        assert_eq!(model.hears(at), Some(Err(Closed)));
        model.next(at);
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => Just(Step::Publish),
        2 => Just(Step::Subscribe),
        1 => any::<usize>().prop_map(Step::Unsubscribe),
        3 => any::<usize>().prop_map(Step::TryNext),
        8 => any::<usize>().prop_map(Step::Next),
        2 => any::<usize>().prop_map(Step::GiveUp),
    ]
}

proptest::proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 3 } else { 500 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_history_agrees_with_the_model(
        capacity in 1..6_usize,
        steps in prop::collection::vec(step(), 0..if cfg!(miri) { 40 } else { 150 }),
    ) {
        run(capacity, &steps);
    }
}
