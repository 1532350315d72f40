//! A tenant: a customer of the installation, with its regions and what its mailboxes start with.

use crate::caller::NumberingPlan;
use crate::mailbox::Settings;
use crate::names::{Region, TenantId};

/// A tenant as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its id, as tokens name it.
    pub id: TenantId,
    /// The contact centre's id, which data protection requests name; the tenant's id where none is configured.
    pub ccid: String,
    /// How numbers are read that come in for it.
    pub numbering: NumberingPlan,
    /// The domain of its message accounts (RFC 3842).
    pub domain: String,
    /// Where its metadata lives.
    pub master: Region,
    /// Where its audio may live; the master is among them.
    pub regions: Vec<Region>,
    /// OAuth clients that may send data protection requests for it.
    pub clients: Vec<String>,
    /// What its mailboxes start with.
    pub settings: Settings,
}

impl Tenant {
    /// Where a process that runs in `here` puts this tenant's recordings: there, or in the master where the tenant lacks it.
    pub fn deposit_region(&self, here: Option<&Region>) -> &Region {
        self.regions.iter().find(|region| Some(*region) == here).unwrap_or(&self.master)
    }
}
