//! Policy documents: types, canonical form and equality by meaning, templates, merging, evaluation.
