//! The seam to AWS: the traits `Look` and `Act` and their two implementations.
