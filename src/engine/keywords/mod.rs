//! Keyword sets and conjunctions.
