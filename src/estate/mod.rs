//! What exists or should exist, as plain data: one file a kind of resource, and the snapshot file.
