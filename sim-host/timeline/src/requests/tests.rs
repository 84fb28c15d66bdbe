//! Who a request belongs to, and where it leads.

use super::{Flows, Requests, Work};
use kernel::event::Event;

const CLIENT: u32 = 1;
const SERVER: u32 = 2;
const REQUEST: Event = Event::Request { connection: 3, request: 9 };
const REPLY: Event = Event::Reply { connection: 3, request: 9 };
const UNANSWERED: Event = Event::Unanswered { connection: 3, request: 9 };

struct Followed(Requests, u64);

impl Followed {
    fn new() -> Self {
        let mut followed = Self(Requests::default(), 0);
        followed.poll(SERVER, &[Event::Register { service: "echo", instance: 7 }]);
        followed.poll(CLIENT, &[Event::Connect { instance: 7, connection: 3 }]);
        followed
    }

    fn poll(&mut self, task: u32, events: &[Event]) -> Work {
        self.0.follow(Some(task), events.iter(), &mut self.1)
    }
}

fn work(title: &str, on: &[u64], ended: &[u64]) -> Work {
    let title = (!title.is_empty()).then(|| title.to_owned());
    Work { title, flows: Flows { on: on.to_vec(), ended: ended.to_vec() } }
}

#[test]
fn a_request_leads_to_its_answer_and_that_to_the_clients_next_poll() {
    let mut followed = Followed::new();
    assert_eq!(followed.poll(CLIENT, &[REQUEST]), work("request echo", &[1], &[]));
    assert_eq!(followed.poll(SERVER, &[]), work("", &[], &[]));
    assert_eq!(followed.poll(SERVER, &[REPLY]), work("answer echo", &[1], &[]));
    assert_eq!(followed.poll(CLIENT, &[REQUEST]), work("request echo", &[2], &[1]), "and the next begins");
    assert_eq!(followed.poll(SERVER, &[UNANSWERED]), work("unanswered echo", &[2], &[]));
    assert_eq!(followed.poll(CLIENT, &[]), work("", &[], &[2]));
    assert_eq!(followed.poll(CLIENT, &[]), work("", &[], &[]));
}

#[test]
fn a_request_that_its_client_takes_back_ends_there() {
    let mut followed = Followed::new();
    followed.poll(CLIENT, &[REQUEST]);
    assert_eq!(followed.poll(CLIENT, &[UNANSWERED]), work("unanswered echo", &[], &[1]));
    assert_eq!(followed.poll(CLIENT, &[REQUEST, UNANSWERED]), work("request echo", &[], &[]), "at once");
    assert_eq!(followed.poll(CLIENT, &[]), work("", &[], &[]));
}

#[test]
fn what_happens_between_polls_is_nobodys_but_the_client_sees_it() {
    let mut followed = Followed::new();
    followed.poll(CLIENT, &[REQUEST]);
    let between = followed.0.follow(None, [UNANSWERED].iter(), &mut followed.1);
    assert_eq!(between.flows, Flows::default());
    assert_eq!(followed.poll(CLIENT, &[]), work("", &[], &[1]));
    followed.0.follow(None, [REQUEST].iter(), &mut followed.1);
    assert_eq!(followed.poll(SERVER, &[REPLY]), work("answer echo", &[], &[]));
}
