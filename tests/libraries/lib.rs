//! Nothing. Named beside a program of ours, this package makes cargo choose the same features of each library as for all
//! tests, so that none is compiled again; what is ours keeps its own features. `tests/run`, `infra/build here` and the
//! journeys build so.
