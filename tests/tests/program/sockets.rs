//! The serial port over TCP, with a real client.

use std::{
    io::Write,
    net::{Shutdown, TcpStream},
};

use crate::guest::{PATIENCE, read_until, start, wait};

fn connect(place: &str) -> TcpStream {
    let address = place.strip_prefix("tcp:").unwrap_or(place);
    let stream = TcpStream::connect(address).expect("the port listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    stream
}

#[test]
fn a_client_comes_goes_and_comes_back() {
    let (child, place) = start(&["--uart", "tcp:127.0.0.1:0"]);
    let mut first = connect(&place);
    let banner = read_until(&mut first, "mnemos> ");
    assert!(banner.contains("mnemOS 0.1.0 on the simulator"), "{banner}");
    first.write_all(b"echo hello from afar\r").expect("sent");
    read_until(&mut first, "\r\nhello from afar\r\n");
    first.shutdown(Shutdown::Both).expect("closed");
    drop(first);
    let mut second = connect(&place);
    second.write_all(b"\recho again\r").expect("sent");
    read_until(&mut second, "\r\nagain\r\n");
    second.write_all(b"poweroff\r").expect("sent");
    assert_eq!(wait(child).code(), Some(0));
}
