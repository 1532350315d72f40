//! mwi-count
