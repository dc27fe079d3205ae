//! The organization as plain data: accounts, organizational units, selection and lifecycle.

pub mod selector;
