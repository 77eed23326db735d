//! Who may hold a connection. Until a caller has shown on it who it is, a connection is a stranger's: one address and one
//! network have a bounded number of these, they end after a while, and where all places are taken the oldest of them makes
//! room. So whoever has no key cannot keep out those who have one.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Frame, SizeHint};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How long a stranger may stay, whatever it sends.
pub(crate) const STRANGER: Duration = Duration::from_secs(60);

/// How long a connection may stay on which nothing is under way: longer than the pauses of a program that works.
pub(crate) const IDLE: Duration = Duration::from_secs(120);

/// From being asked to end in good order to being dropped.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

/// So long every stranger has to show a key, however many there are, while there are places.
const MOMENT: Duration = Duration::from_secs(5);

/// Strangers of one address: a proxy before us opens many at once, and each shows a key with its first request.
const PER_ADDRESS: usize = 256;

/// Strangers of one network: 256 addresses of IPv4, 256 networks of IPv6.
const PER_NETWORK: usize = 1_024;

/// All connections of a listener.
#[derive(Debug)]
pub(crate) struct Connections {
    most: usize,
    open: Mutex<Open>,
    /// A place has become free.
    freed: Notify,
}

#[derive(Debug, Default)]
struct Open {
    count: usize,
    next: u64,
    /// Strangers, the oldest first.
    strangers: BTreeMap<u64, Arc<Life>>,
    /// The same, by address and by network.
    of_address: HashMap<IpAddr, BTreeSet<u64>>,
    of_network: HashMap<IpAddr, BTreeSet<u64>>,
}

/// One connection, as long as it lasts.
#[derive(Debug)]
pub(crate) struct Life {
    address: IpAddr,
    begun: Instant,
    /// A caller has shown who it is.
    known: AtomicBool,
    /// Requests under way.
    active: AtomicU32,
    /// When the last one ended, in milliseconds of the connection's life.
    rested: AtomicU64,
    /// It must make room.
    end: Notify,
}

/// A place among the connections; free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    of: Arc<Connections>,
    number: u64,
    pub(crate) life: Arc<Life>,
}

/// A request under way.
#[derive(Debug)]
pub(crate) struct Underway(Arc<Life>);

/// The body of an answer: its request is under way until it was sent or dropped.
pub(crate) struct Until<B> {
    pub(crate) body: B,
    pub(crate) underway: Option<Underway>,
}

/// All places are taken by callers that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

/// Why a connection should end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// Its time is up.
    Time,
    /// Its place is needed, at once.
    Room,
}

// === impl Connections ===

impl Connections {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, open: Mutex::default(), freed: Notify::new() })
    }

    /// Waits until a place is free or can be made free.
    pub(crate) async fn room(&self) {
        loop {
            let freed = self.freed.notified();
            {
                let open = self.open.lock();
                if open.count < self.most {
                    return;
                }
                // The oldest stranger makes room; its place is free when its task has ended.
                if let Some((_, oldest)) = open.strangers.first_key_value() {
                    oldest.end.notify_one();
                }
            }
            freed.await;
        }
    }

    /// Waits until no connection is left.
    pub(crate) async fn empty(&self) {
        loop {
            let freed = self.freed.notified();
            if self.open.lock().count == 0 {
                return;
            }
            freed.await;
        }
    }

    /// Takes a place. Where the address or its network has as many strangers as it may, the oldest of them makes room.
    ///
    /// # Errors
    /// [`Full`] when all places are taken.
    pub(crate) fn take(self: &Arc<Self>, address: IpAddr) -> Result<Place, Full> {
        let mut open = self.open.lock();
        if open.count >= self.most {
            return Err(Full);
        }
        let (host, network) = (host_of(address), network_of(address));
        open.bound(&host, PER_ADDRESS, |open| &open.of_address);
        open.bound(&network, PER_NETWORK, |open| &open.of_network);
        let number = open.next;
        open.next = number.saturating_add(1);
        open.count = open.count.saturating_add(1);
        open.of_address.entry(host).or_default().insert(number);
        open.of_network.entry(network).or_default().insert(number);
        let life = Arc::new(Life {
            address,
            begun: Instant::now(),
            known: AtomicBool::new(false),
            active: AtomicU32::new(0),
            rested: AtomicU64::new(0),
            end: Notify::new(),
        });
        open.strangers.insert(number, Arc::clone(&life));
        Ok(Place { of: Arc::clone(self), number, life })
    }
}

impl Open {
    /// Where there are so many strangers, the oldest one ends, when it has had its time; it counts no longer. Callers that
    /// come many at once are all strangers for a moment.
    fn bound(&mut self, key: &IpAddr, most: usize, of: fn(&Self) -> &HashMap<IpAddr, BTreeSet<u64>>) {
        let oldest = of(self).get(key).filter(|numbers| numbers.len() >= most).and_then(BTreeSet::first);
        if let Some(number) = oldest.copied()
            && let Some(life) = self.strangers.get(&number).cloned()
            && life.begun.elapsed() >= MOMENT
        {
            life.end.notify_one();
            self.no_stranger(number, life.address);
        }
    }

    /// A connection counts among the strangers no longer.
    fn no_stranger(&mut self, number: u64, address: IpAddr) {
        if self.strangers.remove(&number).is_none() {
            return;
        }
        for (numbers, key) in
            [(&mut self.of_address, host_of(address)), (&mut self.of_network, network_of(address))]
        {
            if let Some(of) = numbers.get_mut(&key) {
                of.remove(&number);
                if of.is_empty() {
                    numbers.remove(&key);
                }
            }
        }
    }
}

/// One host: of IPv6 a network of 64 bits, all of whose addresses one machine has.
fn host_of(address: IpAddr) -> IpAddr {
    masked(address, 32, 64)
}

/// What is usually given to one customer: 24 bits of IPv4, 56 of IPv6.
fn network_of(address: IpAddr) -> IpAddr {
    masked(address, 24, 56)
}

fn masked(address: IpAddr, bits4: u32, bits6: u32) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(bits4)).unwrap_or(0);
            IpAddr::V4((u32::from(address) & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(bits6)).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from(u128::from(address) & mask))
        }
    }
}

// === impl Place ===

impl Place {
    /// A caller has shown who it is: the connection counts for its address no longer.
    pub(crate) fn known(&self) {
        if !self.life.known.swap(true, Ordering::Relaxed) {
            self.of.open.lock().no_stranger(self.number, self.life.address);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.of.open.lock();
        open.no_stranger(self.number, self.life.address);
        open.count = open.count.saturating_sub(1);
        drop(open);
        self.of.freed.notify_one();
    }
}

// === impl Life ===

impl Life {
    /// A request begins.
    pub(crate) fn underway(self: &Arc<Self>) -> Underway {
        self.active.fetch_add(1, Ordering::Relaxed);
        Underway(Arc::clone(self))
    }

    /// Returns when the connection should end.
    pub(crate) async fn over(&self) -> Over {
        loop {
            let age = self.begun.elapsed();
            let rested = Duration::from_millis(self.rested.load(Ordering::Relaxed));
            let is_idle = self.active.load(Ordering::Relaxed) == 0;
            let left = if !self.known.load(Ordering::Relaxed) {
                STRANGER.saturating_sub(age)
            } else if is_idle {
                IDLE.saturating_sub(age.saturating_sub(rested))
            } else {
                IDLE
            };
            if left.is_zero() {
                return Over::Time;
            }
            tokio::select! {
                // Whoever has become known meanwhile stays.
                () = self.end.notified() => {
                    if !self.known.load(Ordering::Relaxed) {
                        return Over::Room;
                    }
                }
                () = tokio::time::sleep(left) => {}
            }
        }
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        let rested = u64::try_from(self.0.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.rested.store(rested, Ordering::Relaxed);
        self.0.active.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<B: Body + Unpin> Body for Until<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if matches!(frame, Poll::Ready(None)) {
            self.underway = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn strangers_of_an_address_and_of_a_network_are_bounded() {
        let all = Connections::new(100_000);
        let take = |address: &str| all.take(ip(address)).unwrap();
        let places: Vec<Place> = (0..PER_ADDRESS).map(|_| take("203.0.113.7")).collect();
        places[1].known();
        let young = [take("203.0.113.7"), take("203.0.113.7")];
        assert!(tokio::time::timeout(Duration::from_millis(1), places[0].life.over()).await.is_err());
        drop(young);
        tokio::time::advance(MOMENT).await;
        let one_more = take("203.0.113.7");
        assert!(tokio::time::timeout(GRACE, places[0].life.over()).await.is_err());
        // The oldest that nobody knows makes room for the next.
        let another = take("::ffff:203.0.113.7");
        assert_eq!(places[0].life.over().await, Over::Room);
        tokio::time::advance(MOMENT).await;
        let others: Vec<Place> = (8..12)
            .flat_map(|host| (0..PER_ADDRESS).map(move |_| format!("203.0.113.{host}")))
            .map(|a| take(&a))
            .collect();
        assert_eq!(places[2].life.over().await, Over::Room);
        assert_eq!(all.open.lock().of_network.values().map(BTreeSet::len).sum::<usize>(), PER_NETWORK);
        drop((places, one_more, another, others));
        let open = all.open.lock();
        assert!(open.strangers.is_empty() && open.of_address.is_empty() && open.of_network.is_empty());
        assert_eq!(open.count, 0);
    }

    #[test]
    fn an_address_of_ipv6_is_a_network_of_64_bits() {
        assert_eq!(host_of(ip("2001:db8::1")), host_of(ip("2001:db8::ffff:1")));
        assert_ne!(host_of(ip("2001:db8::1")), host_of(ip("2001:db8:0:1::1")));
        assert_eq!(network_of(ip("2001:db8::1")), network_of(ip("2001:db8:0:ff::1")));
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_stranger_makes_room() {
        let all = Connections::new(2);
        let (old, new) = (all.take(ip("192.0.2.1")).unwrap(), all.take(ip("192.0.2.2")).unwrap());
        new.known();
        assert_eq!(all.take(ip("192.0.2.3")).unwrap_err(), Full);
        let life = Arc::clone(&old.life);
        let ended = tokio::spawn(async move {
            assert_eq!(life.over().await, Over::Room);
            drop(old);
        });
        all.room().await;
        ended.await.unwrap();
        let third = all.take(ip("192.0.2.3")).unwrap();
        third.known();
        // Whoever is known keeps its place.
        assert!(tokio::time::timeout(Duration::from_secs(1), all.room()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn strangers_end_and_callers_only_when_they_rest() {
        let all = Connections::new(9);
        let place = all.take(ip("192.0.2.1")).unwrap();
        assert!(tokio::time::timeout(GRACE, place.life.over()).await.is_err());
        place.known();
        let request = place.life.underway();
        assert!(tokio::time::timeout(IDLE * 3, place.life.over()).await.is_err());
        drop(request);
    }
}
