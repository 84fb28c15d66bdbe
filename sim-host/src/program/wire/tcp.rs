//! The serial port on a TCP socket: raw bytes, one client at a time.
//!
//! ```text
//!  listening ──accept──▶ connected ──client leaves, or is lost──▶ listening
//! ```
//!
//! What the machine sends while nobody is connected waits for the next client: first [`BUFFER`] bytes of it here, then
//! the rest in the machine. A second client is told that the port is taken. Keep-alive probes find peers that have
//! vanished without a word. A client that has said all it had to say (it shut down its sending side, as `nc -N` does) is
//! given [`LINGER`] to hear the answers.

use std::{convert::Infallible, io, pin::pin, time::Duration};

use rustix::net::sockopt;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf, duplex, split},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

use super::{Mode, Wire, announce};
use crate::program::ending::HostError;

/// Bytes on their way in each direction.
const BUFFER: usize = 4096;
/// A peer that is silent for so long is asked whether it is still there ...
const SILENCE: Duration = Duration::from_secs(15);
/// ... again and again at this interval ...
const PROBE: Duration = Duration::from_secs(5);
/// ... and given up after so many questions.
const PROBES: u32 = 3;
/// How long one direction outlives the other.
const LINGER: Duration = Duration::from_millis(500);
/// A pause after a failed accept: the system is short of something, and asking at once would spin.
const PAUSE: Duration = Duration::from_millis(100);

/// Listens on an address and prints on stderr which it is.
///
/// # Errors
///
/// When the address cannot be listened on.
pub(crate) async fn listen(address: &str) -> Result<Wire, HostError> {
    let failed = |error| HostError::Listen { address: address.to_owned(), error };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    announce("uart0", format_args!("at tcp:{}", listener.local_addr().map_err(failed)?));
    let (near, far) = duplex(BUFFER);
    let server = tokio::spawn(serve(listener, far));
    let (input, output) = split(near);
    Ok(Wire {
        input: Box::new(input),
        output: Box::new(output),
        mode: Mode::Terminal,
        takes_terminal: false,
        can_hang: false,
        farewell: Some(server),
    })
}

/// Which of the two ends is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gone {
    Client,
    Machine,
}

/// Serves clients until the machine's side is closed.
async fn serve(listener: TcpListener, machine: DuplexStream) {
    let (mut from_machine, mut to_machine) = split(machine);
    let mut unsent = Unsent { bytes: [0; BUFFER], start: 0, end: 0 };
    loop {
        let client = tokio::select! {
            client = accept(&listener) => client,
            // Only to see the machine go: what it says is kept.
            more = unsent.refill(&mut from_machine), if unsent.is_empty() => match more {
                Ok(()) => continue,
                Err(Gone::Client | Gone::Machine) => return,
            },
        };
        tracing::info!("a client is connected to uart0");
        match talk(client, &mut unsent, &mut from_machine, &mut to_machine, &listener).await {
            Gone::Machine => return,
            Gone::Client => tracing::info!("the client of uart0 is gone"),
        }
    }
}

/// Moves bytes both ways until one end is gone.
async fn talk(
    client: TcpStream,
    unsent: &mut Unsent,
    from_machine: &mut ReadHalf<DuplexStream>,
    to_machine: &mut WriteHalf<DuplexStream>,
    listener: &TcpListener,
) -> Gone {
    let (mut from_client, mut to_client) = client.into_split();
    let mut incoming = pin!(async {
        // A lost connection and a closed one come to the same: nothing more is said.
        let _ = tokio::io::copy(&mut from_client, to_machine).await;
    });
    let mut outgoing = pin!(async {
        loop {
            if unsent.is_empty()
                && let Err(gone) = unsent.refill(from_machine).await
            {
                let _ = to_client.shutdown().await;
                return gone;
            }
            match to_client.write(unsent.bytes()).await {
                Ok(0) | Err(_) => return Gone::Client,
                Ok(count) => unsent.start += count,
            }
        }
    });
    tokio::select! {
        // In this order: of a client that leaves and one that comes, the one that leaves is seen first.
        biased;
        gone = &mut outgoing => {
            if gone == Gone::Client {
                let _ = timeout(LINGER, incoming).await;
            }
            gone
        }
        // Whoever comes now need not be turned away: it is the next one soon.
        () = &mut incoming => timeout(LINGER, outgoing).await.unwrap_or(Gone::Client),
        never = turn_away(listener) => match never {},
    }
}

/// The next client.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                if let Err(error) = prepare(&client) {
                    // Worse latency, and a vanished peer is found later.
                    tracing::debug!("a client's socket cannot be set up: {error}");
                }
                return client;
            }
            Err(error) => {
                tracing::warn!("no client can be accepted: {error}");
                sleep(PAUSE).await;
            }
        }
    }
}

fn prepare(client: &TcpStream) -> io::Result<()> {
    client.set_nodelay(true)?;
    sockopt::set_socket_keepalive(client, true)?;
    sockopt::set_tcp_keepidle(client, SILENCE)?;
    sockopt::set_tcp_keepintvl(client, PROBE)?;
    Ok(sockopt::set_tcp_keepcnt(client, PROBES)?)
}

/// Tells all who come that the port is taken.
async fn turn_away(listener: &TcpListener) -> Infallible {
    loop {
        let mut client = accept(listener).await;
        // So short a text fits in any socket's buffer; whoever is gone already misses nothing.
        let _ = client.try_write(b"sim-host: another client is connected\r\n");
        let _ = client.shutdown().await;
    }
}

/// Bytes from the machine that no client has got yet.
struct Unsent {
    bytes: [u8; BUFFER],
    start: usize,
    end: usize,
}

impl Unsent {
    fn is_empty(&self) -> bool {
        self.start == self.end
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Waits for more bytes.
    ///
    /// # Cancellation
    ///
    /// Nothing is lost.
    async fn refill(&mut self, machine: &mut ReadHalf<DuplexStream>) -> Result<(), Gone> {
        match machine.read(&mut self.bytes).await {
            Ok(0) | Err(_) => Err(Gone::Machine),
            Ok(count) => {
                (self.start, self.end) = (0, count);
                Ok(())
            }
        }
    }
}
