//! The log as its users see it: open, reserve, append, read, erase, close.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::Duration;

use parking_lot::{Condvar, Mutex, RwLock};
use stockade_crypto::{KeyRing, KeyRole, Random, VerifyingKey};
use stockade_domain::{AuditEvent, Clock, Interrupted, Micros, RequestId};

use crate::canonical::Encoder;
use crate::entry::{self, ERASE, EXPIRE, Entry, Facts, Subject};
use crate::error::{LedgerError, Unavailable};
use crate::merkle::leaf_hash;
use crate::payload::{Extent, PayloadState, PayloadStore, Vault};
use crate::publisher::Publisher;
use crate::queue::{Done, Queue, Receipt, Waiting};
use crate::recover;
use crate::requests::Places;
use crate::shared::{Options, Progress, Shared};
use crate::status::{LatencyCounters, Status};
use crate::tiles::TILE_WIDTH;
use crate::verify::{self, Report};
use crate::vfs::Vfs;
use crate::writer;

/// How long a wait for a checkpoint or for the end of the queue may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

thread_local! {
    /// Buffers for entries; each appending thread has its own.
    static ENCODER: RefCell<Encoder> = RefCell::new(Encoder::default());
}

/// A log that is open for appending. Clones are handles to the same log; when the last one goes, the log is closed.
#[derive(Clone)]
pub struct Ledger {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) shared: Arc<Shared>,
    pub(crate) public: VerifyingKey,
    threads: Mutex<Vec<JoinHandle<()>>>,
    thread_ids: Vec<ThreadId>,
    _lock: Box<dyn Any + Send + Sync>,
}

/// What opening a directory brought to light.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovery {
    /// Entries that were found.
    pub entries: u64,
    /// Entries that were under the last signed checkpoint.
    pub signed: u64,
    /// Requests without an outcome; each has been given an `interrupted` entry.
    pub open_intents: Vec<RequestId>,
    /// Bytes of a torn end that were cut off. None of them had been acknowledged.
    pub truncated_bytes: u64,
    /// Payload files that are damaged. They do not stop the log; verification names the entries.
    pub payload_problems: Vec<String>,
}

/// Room in the queue. Appending uses it up slot by slot; what is left when it is dropped goes back.
pub struct Reservation {
    shared: Arc<Shared>,
    slots: usize,
}

// === impl Ledger ===

impl Ledger {
    /// Opens the log in a directory, or makes one, and writes an `interrupted` entry for each request whose outcome is
    /// missing.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] when anything but the torn end of the last round is not as it was written;
    /// [`LedgerError::Foreign`] for another instance's or key's directory; [`LedgerError::Locked`] when it is in use.
    pub fn open(
        options: Options,
        vfs: Arc<dyn Vfs>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        keys: &KeyRing,
    ) -> Result<(Self, Recovery), LedgerError> {
        options.check()?;
        let key = keys.signing_key(KeyRole::LedgerSigning, 1, options.origin().as_bytes())?;
        let vault = Vault::new(keys)?;
        let found = recover::open_directory(&*vfs, &options, &*clock, &key)?;
        let (payloads, payload_problems) = PayloadStore::open(
            vfs.clone(),
            options.directory.clone(),
            clock.clone(),
            options.payload_segment_bytes,
            options.payload_segment_age,
            Extent { size: found.size, signed: found.edge.size(), last_payload: found.last_payload },
        )?;
        let signed = found.edge.size();
        let open = found.requests.open();
        let recovery = Recovery {
            entries: found.size,
            signed,
            open_intents: open.into_iter().map(|(request, _)| request).collect(),
            truncated_bytes: found.truncated_bytes,
            payload_problems,
        };
        let shared = Arc::new(Shared {
            queue: Queue::new(options.queue_slots, options.queue_bytes, found.size),
            options,
            vfs,
            clock,
            random,
            window: RwLock::new(found.window),
            requests: Mutex::new(found.requests),
            payloads,
            vault,
            progress: Mutex::new(Progress {
                durable: found.size,
                signed,
                signed_at: None,
                note: Arc::from(found.note),
                hurry_to: 0,
                wake_at: 0,
                written: false,
                published: false,
            }),
            moved: Condvar::new(),
            wanted: Condvar::new(),
            latency: LatencyCounters::default(),
            steady: Mutex::new(()),
        });
        let public = key.verifying_key();
        for announced in found.erasures {
            carry_out(&shared.payloads, announced)?;
        }
        let publisher = Publisher::new(shared.clone(), key, found.edge, found.bundle);
        let for_writer = shared.clone();
        let writer = spawn("ledger-writer", move || writer::run(&for_writer))?;
        let publisher = spawn("ledger-publisher", move || publisher.run())?;
        let thread_ids = vec![writer.thread().id(), publisher.thread().id()];
        let threads = Mutex::new(vec![writer, publisher]);
        let ledger =
            Self { inner: Arc::new(Inner { shared, public, threads, thread_ids, _lock: found.lock }) };
        ledger.interrupt(&recovery.open_intents)?;
        Ok((ledger, recovery))
    }

    fn interrupt(&self, open: &[RequestId]) -> Result<(), LedgerError> {
        let time = self.inner.shared.clock.now();
        // In portions, so that a small queue is no obstacle.
        for portion in open.chunks(self.inner.shared.options.queue_slots.min(1_024)) {
            let mut room = self.reserve(portion.len()).map_err(|_| self.unavailable())?;
            let (sender, answers) = mpsc::channel();
            for request in portion {
                let event = AuditEvent::Interrupted(Interrupted { request: *request, time });
                let sender = sender.clone();
                room.append(&event, None, move |answer| {
                    let _nobody_waits = sender.send(answer.map(|_| ()));
                });
            }
            drop(sender);
            answers.iter().collect::<Result<(), _>>()?;
        }
        Ok(())
    }

    /// Takes room for entries. Never waits.
    ///
    /// # Errors
    /// [`Unavailable`] when there is not that much room, or the log has stopped.
    pub fn reserve(&self, slots: usize) -> Result<Reservation, Unavailable> {
        self.inner.shared.queue.reserve(slots)?;
        Ok(Reservation { shared: self.inner.shared.clone(), slots })
    }

    fn unavailable(&self) -> LedgerError {
        self.inner.shared.failure().unwrap_or(LedgerError::Full)
    }

    /// Entries that are durable.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.inner.shared.progress.lock().durable
    }

    /// The latest signed checkpoint, as a C2SP signed note.
    #[must_use]
    pub fn checkpoint(&self) -> Arc<str> {
        self.inner.shared.progress.lock().note.clone()
    }

    /// The key that verifies the checkpoints.
    #[must_use]
    pub fn public_key(&self) -> VerifyingKey {
        self.inner.public
    }

    /// The options that the log was opened with.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.inner.shared.options
    }

    /// How the log is doing.
    #[must_use]
    pub fn status(&self) -> Status {
        let shared = &*self.inner.shared;
        let (durable, signed, signed_at) = {
            let progress = shared.progress.lock();
            (progress.durable, progress.signed, progress.signed_at)
        };
        Status {
            size: shared.queue.next(),
            durable,
            signed,
            signed_at,
            slots_in_use: shared.queue.in_use(),
            open_intents: shared.requests.lock().open_count(),
            stopped: shared.queue.stopped().map(|why| why.to_string()),
            rounds: shared.latency.rounds.load(std::sync::atomic::Ordering::Relaxed),
            sync_latency: shared.latency.read(),
        }
    }

    /// An entry; `None` when the log is not that long yet.
    ///
    /// # Errors
    /// [`LedgerError`] when it cannot be read.
    pub fn entry(&self, index: u64) -> Result<Option<Entry>, LedgerError> {
        if index >= self.size() {
            return Ok(None);
        }
        let until = index.saturating_add(1);
        let found = self.portion(index, until)?.into_iter().next();
        let (_, bytes) = found
            .ok_or_else(|| LedgerError::damaged(format!("entry {index}"), "it is not where it should be"))?;
        Entry::from_bytes(index, bytes).map(Some)
    }

    /// The payload of an entry.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] when there is one but it is not what the entry speaks of.
    pub fn payload(&self, index: u64) -> Result<PayloadState, LedgerError> {
        let Some(facts) = self.facts(index)? else {
            return Err(LedgerError::NotFound(format!("entry {index}").into()));
        };
        match facts.payload {
            None => Ok(PayloadState::None),
            Some(mark) => self.inner.shared.payloads.read(&self.inner.shared.vault, index, &mark),
        }
    }

    fn facts(&self, index: u64) -> Result<Option<Facts>, LedgerError> {
        let Some(entry) = self.entry(index)? else { return Ok(None) };
        let facts = Facts::read(entry.json.as_bytes());
        facts.map(Some).map_err(|why| LedgerError::damaged(format!("entry {index}"), why))
    }

    /// Erases the payload of an entry for good: announced by an entry first, then its salt is overwritten. `false` when
    /// there was none any more. `actor` is who wanted it: `cli`, `system`, or a session's pseudonym.
    ///
    /// # Errors
    /// [`LedgerError`] when it could not be announced or carried out.
    pub fn erase(&self, index: u64, actor: &str) -> Result<bool, LedgerError> {
        if self.payload(index).is_ok_and(|state| !matches!(state, PayloadState::Text(_))) {
            return Ok(false);
        }
        let shared = &*self.inner.shared;
        let _no_trim = shared.steady.lock();
        self.announce(ERASE, actor, index, index)?;
        shared.payloads.erase(index)
    }

    /// Deletes the payload segments in which everything was written before a time; how many entries' places they
    /// spanned. Announced by an entry for each segment.
    ///
    /// # Errors
    /// [`LedgerError`] when it could not be announced or carried out.
    pub fn erase_payloads_before(&self, time: Micros) -> Result<u64, LedgerError> {
        let shared = &*self.inner.shared;
        let mut spanned = 0_u64;
        for (first, next) in shared.payloads.expired(time, self.size()) {
            let _no_trim = shared.steady.lock();
            self.announce(EXPIRE, "system", first, next.saturating_sub(1))?;
            shared.payloads.remove(first)?;
            spanned = spanned.saturating_add(next.saturating_sub(first));
        }
        Ok(spanned)
    }

    fn announce(&self, action: &str, actor: &str, first: u64, last: u64) -> Result<Receipt, LedgerError> {
        let bounds = [("first", first), ("last", last)];
        let event = AuditEvent::Admin {
            time: self.inner.shared.clock.now(),
            action: action.to_owned(),
            actor: actor.to_owned(),
            detail: bounds
                .map(|(name, n)| (name.to_owned(), n.to_string()))
                .into_iter()
                .collect::<BTreeMap<_, _>>(),
        };
        let mut room = self.reserve(1).map_err(|_| self.unavailable())?;
        room.blocking(|room, done| room.push(&event, None, done))
    }

    /// Where the entries of a request stand. Recent and open requests are known; for others the log is read.
    ///
    /// # Errors
    /// [`LedgerError`] when the log cannot be read.
    pub fn find(&self, request: RequestId) -> Result<Places, LedgerError> {
        if let Some(places) = self.inner.shared.requests.lock().recent(&request)
            && places.intent.is_some()
        {
            return Ok(places);
        }
        let mut places = Places::default();
        let wanted = format!("\"request\":\"{request}\"");
        let finder = memchr::memmem::Finder::new(wanted.as_bytes());
        let mut end = self.size();
        while end > 0 && places.intent.is_none() {
            let begin = end.saturating_sub(1) / TILE_WIDTH * TILE_WIDTH;
            for (index, entry) in self.portion(begin, end)? {
                if finder.find(&entry).is_none() {
                    continue;
                }
                match Facts::read(&entry).map(|facts| facts.subject) {
                    Ok(Subject::Opens(id)) if id == request => places.intent = Some(index),
                    Ok(Subject::Ends(id)) if id == request => places.outcome = Some(index),
                    _ => (),
                }
            }
            end = begin;
        }
        Ok(places)
    }

    /// Waits until everything that is durable now is under a signed checkpoint.
    ///
    /// # Errors
    /// [`LedgerError`] when the log stops first, or it takes too long.
    pub fn sign_now(&self) -> Result<(), LedgerError> {
        self.inner.shared.wait_signed(self.size(), PATIENCE)
    }

    /// Verifies the whole log while it is in use, with all its checks, on a number of threads. Entries that become durable
    /// meanwhile are left out; erasures wait until it is done.
    #[must_use]
    pub fn verify(&self, threads: usize) -> Report {
        let shared = &*self.inner.shared;
        let _files_stay = shared.steady.lock();
        let limit = self.size();
        let directory = &shared.options.directory;
        verify::verify_up_to(&*shared.vfs, directory, Some(&self.inner.public), threads, Some(limit))
    }

    /// Writes and signs what is in the queue and ends. Appends that come later are refused.
    ///
    /// # Errors
    /// [`LedgerError::Stopped`] when the log had stopped, so that not everything may be signed.
    pub fn close(&self) -> Result<(), LedgerError> {
        self.inner.close();
        self.inner.shared.failure().map_or(Ok(()), Err)
    }
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger")
            .field("directory", &self.inner.shared.options.directory)
            .finish_non_exhaustive()
    }
}

impl Inner {
    fn close(&self) {
        self.shared.queue.close();
        let threads = std::mem::take(&mut *self.threads.lock());
        // A completion may drop the last handle on the log's own thread, which cannot wait for itself.
        if !self.thread_ids.contains(&thread::current().id()) {
            for thread in threads {
                let _ended = thread.join();
            }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

// === impl Reservation ===

impl Reservation {
    /// Slots that are left.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// Appends an event, using up one slot. Never waits and never fails for lack of room. `done` is called once: on the
    /// log's writer thread when the entry (and its payload) is durable or writing failed, at once when the event cannot
    /// be taken. It must be quick.
    pub fn append(
        &mut self,
        event: &AuditEvent,
        payload: Option<&[u8]>,
        done: impl FnOnce(Result<Receipt, LedgerError>) + Send + 'static,
    ) {
        match event {
            AuditEvent::Admin { action, .. } if action == ERASE || action == EXPIRE => {
                done(Err(LedgerError::ReservedAction(action.as_str().into())));
            }
            _ => self.push(event, payload, Box::new(done)),
        }
    }

    /// Appends an event and waits until it is durable.
    ///
    /// # Errors
    /// [`LedgerError`] when it is not.
    pub fn append_blocking(
        &mut self,
        event: &AuditEvent,
        payload: Option<&[u8]>,
    ) -> Result<Receipt, LedgerError> {
        self.blocking(|room, done| room.append(event, payload, done))
    }

    fn blocking(&mut self, append: impl FnOnce(&mut Self, Done)) -> Result<Receipt, LedgerError> {
        let (sender, answer) = mpsc::sync_channel(1);
        let done = Box::new(move |result| {
            let _nobody_waits = sender.send(result);
        });
        append(self, done);
        answer.recv().unwrap_or(Err(LedgerError::Closed))
    }

    fn push(&mut self, event: &AuditEvent, payload: Option<&[u8]>, done: Done) {
        let Some(left) = self.slots.checked_sub(1) else { return done(Err(LedgerError::NoSlot)) };
        let shared = &*self.shared;
        let limit = shared.options.max_payload;
        let sealed = match payload {
            None => None,
            Some(text) if text.len() > limit => {
                return done(Err(LedgerError::PayloadTooLarge { bytes: text.len(), limit }));
            }
            Some(text) => match shared.vault.seal(&*shared.random, text) {
                Ok(sealed) => Some(sealed),
                Err(e) => return done(Err(e.into())),
            },
        };
        // `done` is called outside of the borrow: it may append in turn.
        let refused = ENCODER.with_borrow_mut(|encoder| {
            match entry::encode(encoder, event, sealed.as_ref().map(|s| &s.mark)) {
                Ok(entry) => {
                    self.slots = left;
                    let (leaf, subject) = (leaf_hash(entry), Subject::of(event));
                    shared
                        .queue
                        .push(entry, Waiting { end: 0, bytes: 0, leaf, subject, payload: sealed, done })
                }
                Err(e) => Err((done, e)),
            }
        });
        if let Err((done, error)) = refused {
            done(Err(error));
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.shared.queue.release(self.slots);
    }
}

/// Carries out an erasure that was announced before a crash.
fn carry_out(payloads: &PayloadStore, announced: Subject) -> Result<(), LedgerError> {
    match announced {
        Subject::Erases(index) => payloads.erase(index).map(|_| ()),
        Subject::Expires(first, last) => {
            payloads.beginning_in(first, last).into_iter().try_for_each(|segment| payloads.remove(segment))
        }
        _ => Ok(()),
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, LedgerError> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map_err(|e| LedgerError::io(format!("starting the thread {name}"), e))
}
