//! Random histories: every request that was accepted ends once, and nothing is left behind.

use super::*;

/// A linear congruential generator: the same history for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    /// Takes a random element out.
    fn pick<T>(&mut self, from: &mut Vec<T>) -> Option<T> {
        if from.is_empty() { None } else { Some(from.swap_remove(self.below(from.len()))) }
    }
}

/// What the history did, to compare two runs and to account for every request.
#[derive(Default, Debug, PartialEq, Eq)]
struct Count {
    accepted: u32,
    replied: u32,
    refused: u32,
    unanswered: u32,
    gone: u32,
    given_up: u32,
}

impl Count {
    fn note(&mut self, number: u32, end: Result<u32, CallError<u32>>) {
        match end {
            Ok(reply) => {
                assert_eq!(reply, number, "the reply is that of another request");
                self.replied += 1;
            }
            Err(CallError::Service(reply)) => {
                assert_eq!(reply, number, "the error is that of another request");
                self.refused += 1;
            }
            Err(CallError::Unanswered) => self.unanswered += 1,
            Err(CallError::ServerGone) => self.gone += 1,
            Err(other) => panic!("nobody asked for {other:?}"),
        }
    }

    fn ended(&self) -> u32 {
        self.replied + self.refused + self.unanswered + self.gone + self.given_up
    }
}

/// A request under way, as the future of its outcome.
pub(super) type Waiting = (u32, Pin<Box<dyn Future<Output = Result<u32, CallError<u32>>>>>);

/// Sends a request; nothing, when the connection does not take it.
pub(super) fn ask(client: &Rc<Client<Probe>>, token: Token) -> Option<Waiting> {
    let (number, client) = (token.1, client.clone());
    // Whether it is accepted is known after the first poll.
    let mut asked = Box::pin(async move {
        let mut pending = match client.try_send(token) {
            Ok(pending) => pending,
            Err(unsent) => {
                drop(unsent);
                return None;
            }
        };
        Some(
            poll_fn(move |context| {
                let _ = context;
                outcome(&mut pending).map_or(Poll::Pending, Poll::Ready)
            })
            .await,
        )
    });
    match poll(&mut asked) {
        Poll::Ready(None) => None,
        Poll::Ready(Some(end)) => Some((number, Box::pin(async move { end }))),
        Poll::Pending => Some((number, Box::pin(async move { asked.await.expect("accepted") }))),
    }
}

fn history(seed: u64, steps: u32) -> (Count, Vec<String>) {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    kernel.events().listen(crate::event::Kinds::ALL);
    let (services, before) = (kernel.services(), kernel.heap().stats().used);
    let (mut random, mut count, drops) = (Random(seed), Count::default(), Drops::default());
    let mut made = 0;
    let mut token = || {
        made += 1;
        drops.token(made)
    };
    let (mut servers, mut clients, mut calls) = (Vec::new(), Vec::new(), Vec::new());
    let mut waiting = Vec::<Waiting>::new();
    for step in 0..steps {
        match random.below(16) {
            0 => servers.extend(services.try_bind::<Probe>(&step.to_string()).ok()),
            1 if servers.len() > 1 => drop(random.pick(&mut servers)),
            2 if clients.len() > 3 => drop(random.pick(&mut clients)),
            3 | 4 => {
                let (services, hello) = (services.clone(), token());
                let depth = 1 + random.below(4);
                let mut connecting =
                    Box::pin(async move { services.try_connect::<Probe>(hello, depth).await });
                if poll(&mut connecting).is_ready() {
                    continue;
                }
                for _ in 0..2 {
                    let taken = servers.iter_mut().find_map(Server::try_next);
                    match taken {
                        Some(Incoming::Hello(handshake)) => drop(handshake.accept().ok()),
                        Some(Incoming::Call(call)) => calls.push(call),
                        None => {}
                    }
                }
                if let Poll::Ready(Ok(client)) = poll(&mut connecting) {
                    clients.push(Rc::new(client));
                }
            }
            5..=8 => {
                if !clients.is_empty() {
                    let at = random.below(clients.len());
                    if let Some(asked) = ask(&clients[at], token()) {
                        count.accepted += 1;
                        waiting.push(asked);
                    }
                }
            }
            9 => {
                if random.pick(&mut waiting).is_some() {
                    count.given_up += 1;
                }
            }
            10 | 11 => {
                for server in &mut servers {
                    match server.try_next() {
                        Some(Incoming::Call(call)) => calls.push(call),
                        Some(Incoming::Hello(handshake)) => drop(handshake.accept().ok()),
                        None => {}
                    }
                }
            }
            12..=14 => {
                if let Some(call) = random.pick(&mut calls) {
                    let number = call.request().1;
                    let reply = drops.clone().token(number);
                    match random.below(4) {
                        0 => drop(call),
                        1 => drop(call.fail(reply).ok()),
                        2 => drop(call.split().1.send(Ok(reply)).ok()),
                        _ => drop(call.answer(reply).ok()),
                    }
                }
            }
            _ => waiting.retain_mut(|(number, future)| match poll(future) {
                Poll::Pending => true,
                Poll::Ready(end) => {
                    count.note(*number, end);
                    false
                }
            }),
        }
    }
    drop((servers, calls));
    for (number, mut future) in waiting {
        match poll(&mut future) {
            Poll::Ready(end) => count.note(number, end),
            Poll::Pending => panic!("request {number} is lost"),
        }
    }
    drop(clients);
    machine.settle();
    assert_eq!(count.ended(), count.accepted);
    assert_eq!(kernel.heap().stats().used, before, "something is left behind");
    let mut cursor = kernel.events().last(u64::MAX);
    let events = core::iter::from_fn(|| kernel.events().read(&mut cursor));
    (count, events.map(|entry| entry.record.event.to_string()).collect())
}

#[test]
fn every_accepted_request_ends_in_exactly_one_outcome() {
    let (seeds, steps) = if cfg!(miri) { (3, 100) } else { (300, 600) };
    let mut seen = Count::default();
    for seed in 0..seeds {
        let (count, _events) = history(seed, steps);
        seen.accepted += count.accepted;
        seen.replied += count.replied;
        seen.refused += count.refused;
        seen.unanswered += count.unanswered;
        seen.gone += count.gone;
        seen.given_up += count.given_up;
    }
    let Count { replied, refused, unanswered, gone, given_up, .. } = seen;
    assert!([replied, refused, unanswered, gone, given_up].iter().all(|count| *count > 0), "{seen:?}");
}

#[test]
fn the_same_history_leaves_the_same_events() {
    let steps = if cfg!(miri) { 30 } else { 150 };
    assert_eq!(history(7, steps), history(7, steps));
    assert_ne!(history(7, steps).1, history(8, steps).1);
}
