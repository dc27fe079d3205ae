//! What the brackets that are open at a place are: one bit a level, so that depth costs no stack and little memory.

/// The open brackets, the innermost last.
#[derive(Debug, Default)]
pub struct Nesting {
    depth: usize,
    /// The innermost levels: a set bit is an object, a clear one a list, the lowest the innermost.
    near: u64,
    /// Those outside of them, 64 a word.
    far: Vec<u64>,
}

/// The levels in one word.
const WORD: usize = u64::BITS as usize;

impl Nesting {
    /// Returns how many brackets are open.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Returns how many bytes the outer levels take.
    pub fn bytes(&self) -> usize {
        self.far.len() * size_of::<u64>()
    }

    /// Tells whether the innermost bracket is that of an object.
    pub fn is_object(&self) -> bool {
        self.near & 1 == 1
    }

    /// Opens one.
    pub fn open(&mut self, is_object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(WORD) {
            self.far.push(self.near);
        }
        self.near = self.near << 1 | u64::from(is_object);
        self.depth += 1;
    }

    /// Closes the innermost, of which there has to be one.
    pub fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.near >>= 1;
        if self.depth > 0 && self.depth.is_multiple_of(WORD) {
            self.near = self.far.pop().unwrap_or_default();
        }
    }

    /// Closes all.
    pub fn clear(&mut self) {
        (self.depth, self.near) = (0, 0);
        self.far.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_closed_in_the_order_that_they_were_opened_at_any_depth() {
        let (mut nesting, mut expected) = (Nesting::default(), Vec::new());
        for step in 0..2_000_usize {
            // Up by two of three steps, then down.
            if step < 1_000 && step % 3 != 2 {
                nesting.open(step % 7 == 0);
                expected.push(step % 7 == 0);
            } else if expected.pop().is_some() {
                nesting.close();
            }
            assert_eq!(nesting.depth(), expected.len());
            if let Some(last) = expected.last() {
                assert_eq!(nesting.is_object(), *last, "after step {step}");
            }
        }
        assert_eq!((nesting.depth(), nesting.bytes()), (0, 0));
    }
}
