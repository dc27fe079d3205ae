//! Which accounts a configuration chooses, and why each was chosen or left out.
