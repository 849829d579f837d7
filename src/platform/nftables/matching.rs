//! Addresses, names and comments as nftables says them.

use rustc_hash::FxHashMap;

use crate::packet::{Interval, IntervalSet};
use crate::plan::DevicePlan;
use crate::platform::common::cells::Space;
use crate::platform::common::names::fit;
use crate::platform::common::text::Text;

/// The longest comment, in bytes.
pub(super) const COMMENT: usize = 128;
/// The longest log prefix, in bytes.
const PREFIX: usize = 127;
/// A line with more bytes of elements than this is full.
const ROW: usize = 100;
/// A set of more ranges than this is a named set.
const INLINE: usize = 6;
/// A set of at least this many ranges is a named set if it is used again.
const SHARED: usize = 3;
/// From this many rules on, every set of several ranges is a named set: the kernel finds a name for each anonymous one by walking past all
/// others, so that 12,000 of them take a minute to load.
const SPARING: usize = 200;

/// An address family with a spelling.
pub(super) trait Spelling: Space {
    /// `ip` or `ip6`.
    const WORD: &'static str;
    /// The type of its sets.
    const TYPE: &'static str;
    /// `4` or `6`, for names.
    const DIGIT: &'static str;
    /// How long an address is, in bits.
    const BITS: u32;
    /// Appends an address.
    fn put(text: &mut Text, address: Self);
    /// How many low bits are free in a prefix that is exactly the range.
    fn free_bits(range: Interval<Self>) -> Option<u32>;
}

macro_rules! spelling {
    ($integer:ty, $put:ident, $word:literal, $kind:literal, $digit:literal) => {
        impl Spelling for $integer {
            const WORD: &'static str = $word;
            const TYPE: &'static str = $kind;
            const DIGIT: &'static str = $digit;
            const BITS: u32 = <$integer>::BITS;
            fn put(text: &mut Text, address: Self) {
                text.$put(address);
            }
            fn free_bits(range: Interval<Self>) -> Option<u32> {
                let difference = range.first ^ range.last;
                let free = Self::BITS - difference.leading_zeros();
                // A prefix: the ends differ in all of the low bits, and the first has none of them.
                (difference.count_ones() == free && range.first & difference == 0).then_some(free)
            }
        }
    };
}
spelling!(u32, ipv4, "ip", "ipv4_addr", "4");
spelling!(u128, ipv6, "ip6", "ipv6_addr", "6");

/// Appends an address, a prefix or a range.
pub(super) fn put_range<T: Spelling>(text: &mut Text, range: Interval<T>) {
    T::put(text, range.first);
    match T::free_bits(range) {
        Some(0) => {}
        Some(free) => {
            text.push("/");
            text.number(usize::try_from(T::BITS - free).unwrap_or(0));
        }
        None => {
            text.push("-");
            T::put(text, range.last);
        }
    }
}

/// What the declaration of a set needs to say beside its type: a set of single values is a hash table in the kernel, which loads and answers faster than the tree for ranges.
pub(super) fn flags<T: Spelling>(mut ranges: impl Iterator<Item = Interval<T>>) -> &'static str {
    if ranges.any(|range| range.first != range.last) { " flags interval;" } else { "" }
}

/// How a set is used.
#[derive(Debug, Default)]
pub(super) struct Use {
    times: usize,
    number: Option<usize>,
}

/// The sets of one family, by what they hold.
pub(super) type Uses<'p, T> = FxHashMap<&'p [Interval<T>], Use>;

/// The named address sets of a device: equal sets have one name, however often a plan holds them.
#[derive(Debug, Default)]
pub(super) struct Addresses<'p> {
    uses4: Uses<'p, u32>,
    uses6: Uses<'p, u128>,
    /// How many have a name, in each family.
    named: [usize; 2],
    /// Whether every set of several elements has a name.
    pub(super) sparing: bool,
    /// The declarations.
    pub(super) sets: Text,
}

/// Where the sets of a family are.
pub(super) trait Named: Spelling {
    /// How each set is used, and how many have a name.
    fn uses<'a, 'p>(addresses: &'a mut Addresses<'p>) -> (&'a mut Uses<'p, Self>, &'a mut usize, &'a mut Text);
}

impl Named for u32 {
    fn uses<'a, 'p>(addresses: &'a mut Addresses<'p>) -> (&'a mut Uses<'p, Self>, &'a mut usize, &'a mut Text) {
        let [named, _] = &mut addresses.named;
        (&mut addresses.uses4, named, &mut addresses.sets)
    }
}

impl Named for u128 {
    fn uses<'a, 'p>(addresses: &'a mut Addresses<'p>) -> (&'a mut Uses<'p, Self>, &'a mut usize, &'a mut Text) {
        let [_, named] = &mut addresses.named;
        (&mut addresses.uses6, named, &mut addresses.sets)
    }
}

impl<'p> Addresses<'p> {
    /// Counts how often the sets of a plan are used.
    pub(super) fn of(plan: &'p DevicePlan) -> Self {
        let pairs = || plan.pairs.iter().flat_map(|pair| &pair.rules);
        let input = || plan.input.iter().flat_map(|input| input.rules.iter().flat_map(|(_, rules)| rules));
        let rules = pairs().chain(input()).count();
        let mut addresses = Self { sparing: rules >= SPARING, ..Self::default() };
        if !addresses.sparing {
            for rule in pairs().chain(input()) {
                for set in [&rule.source, &rule.destination] {
                    addresses.count(&set.v4);
                    addresses.count(&set.v6);
                }
            }
        }
        addresses
    }

    /// Counts a set where its uses decide whether it has a name.
    fn count<T: Named>(&mut self, set: &'p IntervalSet<T>) {
        let few = set.intervals();
        if (SHARED..=INLINE).contains(&few.len()) {
            T::uses(self).0.entry(few).or_default().times += 1;
        }
    }

    /// Appends what a match compares with: a value, `{ ... }` or `@name`.
    pub(super) fn put<T: Named>(&mut self, text: &mut Text, set: &'p [Interval<T>]) {
        match set {
            [only] => put_range(text, *only),
            few if !self.sparing
                && (few.len() < SHARED
                    || (few.len() <= INLINE && T::uses(self).0.get(few).is_none_or(|known| known.times < 2))) =>
            {
                text.push("{ ");
                for (at, range) in few.iter().enumerate() {
                    text.push(if at > 0 { ", " } else { "" });
                    put_range(text, *range);
                }
                text.push(" }");
            }
            many => {
                text.push("@addresses");
                text.push(T::DIGIT);
                text.push("_");
                text.number(self.named(many));
            }
        }
    }

    /// The number of a set; declares it when it is new.
    fn named<T: Named>(&mut self, set: &'p [Interval<T>]) -> usize {
        let (uses, named, sets) = T::uses(self);
        *uses.entry(set).or_default().number.get_or_insert_with(|| {
            let number = *named;
            *named += 1;
            declare(sets, number, set);
            number
        })
    }
}

/// Appends the declaration of a set.
fn declare<T: Spelling>(sets: &mut Text, number: usize, set: &[Interval<T>]) {
    sets.push("\tset addresses");
    sets.push(T::DIGIT);
    sets.push("_");
    sets.number(number);
    sets.push(" { type ");
    sets.push(T::TYPE);
    sets.push(";");
    sets.push(flags(set.iter().copied()));
    sets.push(" elements = {");
    for (at, range) in set.iter().enumerate() {
        separate(sets, at);
        put_range(sets, *range);
    }
    sets.end();
    sets.line("\t} }");
}

/// Begins an element: after a comma, and on a new line where the line is full or the element is the first of its kind.
pub(super) fn separate(text: &mut Text, at: usize) {
    if at > 0 {
        text.push(",");
    }
    if at == 0 || text.width() > ROW {
        text.end();
        text.push("\t\t");
    } else {
        text.push(" ");
    }
}

/// Appends `log prefix "..." `.
pub(super) fn put_log(text: &mut Text, word: &str, name: &str) {
    let room = PREFIX - "sekisho : ".len() - word.len() - 1;
    for part in ["log prefix \"sekisho ", word, " ", &fit(name, room), ": \" "] {
        text.push(part);
    }
}

/// Appends ` comment "..."`.
pub(super) fn put_comment(text: &mut Text, name: &str) {
    text.push(" comment \"");
    text.push(&fit(name, COMMENT));
    text.push("\"");
}
