//! What the tests share: the conformance suite, the counting wrapper, the model.
