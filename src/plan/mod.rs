//! Two estates in, ordered changes out, each with its risk and reason. Pure.
