//! Any histories: every request that was accepted ends once, and nothing is left behind.

use proptest::{prelude::*, test_runner::TestRunner};

use super::*;

/// What happens next. A `usize` picks one of those that there are, counted round and round.
#[derive(Clone, Copy, Debug)]
enum Step {
    Bind,
    /// A server goes, unless it is the last.
    Unbind(usize),
    /// A client goes, unless there are few.
    Disconnect(usize),
    Connect {
        depth: usize,
    },
    Send(usize),
    GiveUp(usize),
    /// Every server takes the next of what waits for it.
    Take,
    Answer(usize, Answer),
    /// Every client looks what came of its requests.
    Look,
}

#[derive(Clone, Copy, Debug)]
enum Answer {
    Nothing,
    Fail,
    /// By the half of the token that is for later.
    Later,
    Now,
}

/// Takes an element out.
fn pick<T>(from: &mut Vec<T>, which: usize) -> Option<T> {
    which.checked_rem(from.len()).map(|at| from.swap_remove(at))
}

/// What a history did, to compare two runs and to account for every request.
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

    fn add(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.replied += other.replied;
        self.refused += other.refused;
        self.unanswered += other.unanswered;
        self.gone += other.gone;
        self.given_up += other.given_up;
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

fn history(steps: &[Step]) -> (Count, Vec<String>) {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    kernel.events().listen(crate::event::Kinds::ALL);
    let (services, before) = (kernel.services(), kernel.heap().stats().used);
    let (mut count, drops) = (Count::default(), Drops::default());
    let mut made = 0;
    let mut token = || {
        made += 1;
        drops.token(made)
    };
    let (mut servers, mut clients, mut calls) = (Vec::new(), Vec::new(), Vec::new());
    let mut waiting = Vec::<Waiting>::new();
    for (number, &step) in steps.iter().enumerate() {
        match step {
            Step::Bind => servers.extend(services.try_bind::<Probe>(&number.to_string()).ok()),
            Step::Unbind(which) if servers.len() > 1 => drop(pick(&mut servers, which)),
            Step::Disconnect(which) if clients.len() > 3 => drop(pick(&mut clients, which)),
            Step::Unbind(_) | Step::Disconnect(_) => {}
            Step::Connect { depth } => {
                let (services, hello) = (services.clone(), token());
                let mut connecting =
                    Box::pin(async move { services.try_connect::<Probe>(hello, depth).await });
                if poll(&mut connecting).is_ready() {
                    continue;
                }
                for _ in 0..2 {
                    match servers.iter_mut().find_map(Server::try_next) {
                        Some(Incoming::Hello(handshake)) => drop(handshake.accept().ok()),
                        Some(Incoming::Call(call)) => calls.push(call),
                        None => {}
                    }
                }
                if let Poll::Ready(Ok(client)) = poll(&mut connecting) {
                    clients.push(Rc::new(client));
                }
            }
            Step::Send(which) => {
                if let Some(at) = which.checked_rem(clients.len())
                    && let Some(asked) = ask(&clients[at], token())
                {
                    count.accepted += 1;
                    waiting.push(asked);
                }
            }
            Step::GiveUp(which) => {
                if pick(&mut waiting, which).is_some() {
                    count.given_up += 1;
                }
            }
            Step::Take => {
                for server in &mut servers {
                    match server.try_next() {
                        Some(Incoming::Call(call)) => calls.push(call),
                        Some(Incoming::Hello(handshake)) => drop(handshake.accept().ok()),
                        None => {}
                    }
                }
            }
            Step::Answer(which, answer) => {
                if let Some(call) = pick(&mut calls, which) {
                    let number = call.request().1;
                    let reply = drops.clone().token(number);
                    match answer {
                        Answer::Nothing => drop(call),
                        Answer::Fail => drop(call.fail(reply).ok()),
                        Answer::Later => drop(call.split().1.send(Ok(reply)).ok()),
                        Answer::Now => drop(call.answer(reply).ok()),
                    }
                }
            }
            Step::Look => waiting.retain_mut(|(number, future)| match poll(future) {
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

fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let answer =
        prop_oneof![Just(Answer::Nothing), Just(Answer::Fail), Just(Answer::Later), Just(Answer::Now)];
    let step = prop_oneof![
        1 => Just(Step::Bind),
        1 => any::<usize>().prop_map(Step::Unbind),
        1 => any::<usize>().prop_map(Step::Disconnect),
        2 => (1..5_usize).prop_map(|depth| Step::Connect { depth }),
        4 => any::<usize>().prop_map(Step::Send),
        1 => any::<usize>().prop_map(Step::GiveUp),
        2 => Just(Step::Take),
        3 => (any::<usize>(), answer).prop_map(|(which, answer)| Step::Answer(which, answer)),
        1 => Just(Step::Look),
    ];
    prop::collection::vec(step, 0..most)
}

/// So many cases, or as few as Miri, which takes its time, can be asked for.
fn config(cases: u32) -> ProptestConfig {
    let cases = if cfg!(miri) { 3 } else { cases };
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

#[test]
fn every_accepted_request_ends_in_exactly_one_outcome() {
    let most = if cfg!(miri) { 100 } else { 600 };
    let seen = RefCell::new(Count::default());
    let result = TestRunner::new(config(300)).run(&steps(most), |steps| {
        let (count, _events) = history(&steps);
        seen.borrow_mut().add(&count);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    let seen = seen.into_inner();
    let Count { replied, refused, unanswered, gone, given_up, .. } = seen;
    let all = [replied, refused, unanswered, gone, given_up].iter().all(|count| *count > 0);
    assert!(all || cfg!(miri), "the histories do not get everywhere: {seen:?}");
}

proptest! {
    #![proptest_config(config(50))]

    #[test]
    fn the_same_history_leaves_the_same_events(steps in steps(if cfg!(miri) { 30 } else { 150 })) {
        let (count, events) = history(&steps);
        assert!(count.accepted == 0 || !events.is_empty());
        assert_eq!((count, events), history(&steps));
    }
}
