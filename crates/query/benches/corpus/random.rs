//! Chance that is the same in every run (SplitMix64).

/// A source of numbers.
pub struct Random(u64);

const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

impl Random {
    /// Returns a source; the same seed gives the same numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Returns a number below another.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    /// Returns a place in a list of this length, the first ones more often, as names in logs are.
    pub fn near(&mut self, length: usize) -> usize {
        let (a, b) = (self.below(length as u64), self.below(length as u64));
        usize::try_from(a.min(b)).unwrap_or(0)
    }

    /// Returns one of some, the first ones more often.
    pub fn often<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.near(all.len())]
    }

    /// Returns a word of letters and digits.
    pub fn word(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(LETTERS[usize::try_from(self.below(62)).unwrap_or(0)])).collect()
    }

    /// Returns a word of hexadecimal digits.
    pub fn hex(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(b"0123456789abcdef"[usize::try_from(self.below(16)).unwrap_or(0)])).collect()
    }

    /// Returns an id, as events have.
    pub fn uuid(&mut self) -> String {
        let parts = [8, 4, 4, 4, 12].map(|length| self.hex(length));
        parts.join("-")
    }
}
