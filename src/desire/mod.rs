//! Configuration and organization in, desired estate out. Pure.
