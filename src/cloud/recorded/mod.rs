//! A recorded estate, in memory or in a file, that answers [`super::Look`] and [`super::Act`] as AWS would.
