//! What comes after a sign can say that it is about something else: `the rules of the old contract` are not a model's, and
//! `all previous rows` are no instructions. So some signs wait for a few words before they count.

use super::hits::Hit;

/// How many words behind a preposition are looked at.
const LINKED: u8 = 4;

/// What a sign weighs that turned out to be about something else, in hundredths.
const ELSEWHERE: u16 = 55;

/// The most signs that wait at once.
const MOST: usize = 8;

/// What a sign waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaits {
    /// The next word: a preposition, or what it counts for.
    Next { strict: bool },
    /// The words behind a preposition, so many still.
    Linked(u8),
}

/// Which words matter: bits of classes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Objects {
    /// Prepositions.
    pub(super) link: u128,
    /// What a model, its makers and its prompt are called.
    pub(super) ours: u128,
    /// Words that go on after an object, rather than name one.
    pub(super) follows: u128,
    /// Phrases that end before the object that they are about.
    pub(super) open: u128,
}

impl Objects {
    /// The classes that say what a sign is about and make none.
    pub(super) const fn all(&self) -> u128 {
        self.link | self.ours | self.follows | self.open
    }
}

/// Signs that wait.
#[derive(Debug, Default)]
pub(super) struct Waiting(Vec<(Hit, Awaits)>);

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Lets a sign wait; gives one that must wait no longer. `strict` says that any other word behind it names its object.
    pub(super) fn add(&mut self, hit: Hit, strict: bool) -> Option<Hit> {
        self.0.push((hit, Awaits::Next { strict }));
        (self.0.len() > MOST).then(|| self.0.remove(0).0)
    }

    /// Sees the next word; gives the signs that are decided.
    pub(super) fn word(&mut self, classes: u128, objects: &Objects) -> Vec<Hit> {
        let mut decided = Vec::new();
        self.0.retain_mut(|(hit, awaits)| {
            let elsewhere = match *awaits {
                // `inside it` is a phrase of this sort, though `it` can be the model's.
                _ if classes & objects.link != 0 => {
                    *awaits = Awaits::Linked(LINKED);
                    return true;
                }
                _ if classes & objects.ours != 0 => false,
                Awaits::Next { strict } => strict && classes & objects.follows == 0,
                Awaits::Linked(left @ 2..) => {
                    *awaits = Awaits::Linked(left.saturating_sub(1));
                    return true;
                }
                Awaits::Linked(_) => true,
            };
            decided.push(weighed(*hit, elsewhere));
            false
        });
        decided
    }

    /// Sees the end of a sentence or part of one. The end of a line does not part a preposition from its words.
    pub(super) fn end(&mut self, line: bool) -> Vec<Hit> {
        let linked = |awaits: &Awaits| matches!(awaits, Awaits::Linked(_));
        let decided = self.0.extract_if(.., |(_, awaits)| !line || !linked(awaits));
        decided.map(|(hit, awaits)| weighed(hit, linked(&awaits))).collect()
    }

    /// A quotation has closed.
    pub(super) fn close_quotation(&mut self, quotation: usize) {
        for (hit, _) in self.0.iter_mut().filter(|(hit, _)| hit.quotation == Some(quotation)) {
            hit.weight /= 2;
            hit.quotation = None;
        }
    }
}

fn weighed(hit: Hit, elsewhere: bool) -> Hit {
    let share = if elsewhere { ELSEWHERE } else { 100 };
    let weight = u32::from(hit.weight).saturating_mul(u32::from(share)) / 100;
    Hit { weight: u16::try_from(weight).unwrap_or(hit.weight), ..hit }
}
