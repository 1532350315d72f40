//! The demo: what somebody finds who starts the service with nothing configured.

use std::io::Write as _;
use std::net::SocketAddr;

use domain::{Group, Mailbox, Owner, Tenant};
use host::{BoxError, Host};
use storage::Expect;

/// Makes the demo's group and mailboxes. A mailbox is made once: one that somebody deleted is not made again.
pub(crate) async fn make(host: &Host) -> Result<(), BoxError> {
    for tenancy in host.tenants() {
        let sales = Group { id: "sales".parse()?, members: ["alice".parse()?, "bob".parse()?].into() };
        tenancy.directory.put_group(&sales, Expect::Absent).await?;
        let ever = tenancy.index().mailbox_ids().await?;
        for mailbox in mailboxes(&tenancy.tenant)?.iter().filter(|mailbox| !ever.contains(&mailbox.id)) {
            tenancy.directory.put_mailbox(mailbox, Expect::Absent).await?;
        }
    }
    Ok(())
}

fn mailboxes(tenant: &Tenant) -> Result<[Mailbox; 3], BoxError> {
    let mailbox = |id: &str, name: &str, owner| -> Result<Mailbox, BoxError> {
        let (id, name, settings) = (id.parse()?, name.to_owned(), tenant.settings.clone());
        Ok(Mailbox { id, owner, name, enabled: true, settings, generation: 0 })
    };
    Ok([
        mailbox("5001", "Alice", Owner::Personal { user: "alice".parse()? })?,
        mailbox("5002", "Bob", Owner::Personal { user: "bob".parse()? })?,
        mailbox("5100", "Sales", Owner::Group { group: "sales".parse()? })?,
    ])
}

/// Says how to sign in.
pub(crate) fn welcome(address: SocketAddr) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "This is the demo: everybody knows these users. Set VOICEMAIL_TENANTS and VOICEMAIL_USERS to leave it."
    )?;
    writeln!(out, "  mailboxes  5001 (alice)   5002 (bob)   5100 (the group sales: alice and bob)")?;
    writeln!(out, "  users      alice, bob (agents)   platform (deposits)   admin   dpo (privacy)")?;
    writeln!(out, "  sign in    curl -u 'demo\\alice:voicemail' http://{address}/v1/mwi")
}
