//! One value that several estates hold: what a daemon remembers of 10,000 accounts is there once, whoever looks at it.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value that is copied only when one of its holders changes it. It is written and read as the value itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared<T>(Arc<T>);

impl<T> Shared<T> {
    /// Makes a value that can be shared.
    pub fn new(value: T) -> Self {
        Self(Arc::new(value))
    }

    /// Tells whether two holders have the one value.
    pub fn is_one(one: &Self, other: &Self) -> bool {
        Arc::ptr_eq(&one.0, &other.0)
    }
}

impl<T: Clone> Shared<T> {
    /// Returns the value, copied only where others hold it too.
    pub fn into_inner(self) -> T {
        Arc::unwrap_or_clone(self.0)
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> DerefMut for Shared<T> {
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}

impl<T> AsRef<T> for Shared<T> {
    fn as_ref(&self) -> &T {
        self
    }
}

impl<T: Clone> AsMut<T> for Shared<T> {
    fn as_mut(&mut self) -> &mut T {
        self
    }
}

impl<T: Serialize> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Shared<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        T::deserialize(from).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_its_makers_alone_and_the_text_is_that_of_the_value() {
        let first = Shared::new(vec![1]);
        let mut second = first.clone();
        assert!(Shared::is_one(&first, &second));
        second.push(2);
        assert!(!Shared::is_one(&first, &second));
        assert_eq!((first.as_ref(), second.into_inner()), (&vec![1], vec![1, 2]));
        let text = serde_json::to_string(&first).unwrap();
        assert_eq!((text.as_str(), serde_json::from_str(&text).unwrap()), ("[1]", first));
    }
}
