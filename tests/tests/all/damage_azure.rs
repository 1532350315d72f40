//! Blobs whose metadata or content cannot be read any more.

use tests::azurite::running;

tests::damage!(running);
