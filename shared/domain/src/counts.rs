//! What is waiting (MWI): counted from the messages themselves, never kept beside them.

use crate::message::{Folder, Message};

/// The counts of a mailbox. Urgent ones are among `new` and `old`; the trash is not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Counts {
    /// Messages nobody has marked read.
    pub new: u32,
    /// Messages marked read.
    pub old: u32,
    /// Urgent ones among the new.
    pub urgent_new: u32,
    /// Urgent ones among the old.
    pub urgent_old: u32,
}

impl Counts {
    /// Counts one more message of this folder.
    pub fn add(&mut self, folder: Folder, urgent: bool) {
        let (all, urgent_ones) = match folder {
            Folder::New => (&mut self.new, &mut self.urgent_new),
            Folder::Old => (&mut self.old, &mut self.urgent_old),
            Folder::Trash => return,
        };
        *all = all.saturating_add(1);
        *urgent_ones = urgent_ones.saturating_add(u32::from(urgent));
    }

    /// How many messages the mailbox stores, as its limit counts them.
    pub fn stored(self) -> u32 {
        self.new.saturating_add(self.old)
    }
}

impl<'a> FromIterator<&'a Message> for Counts {
    fn from_iter<I: IntoIterator<Item = &'a Message>>(messages: I) -> Self {
        let mut counts = Self::default();
        for message in messages {
            if let Some(folder) = message.folder() {
                counts.add(folder, message.facts.urgent);
            }
        }
        counts
    }
}
