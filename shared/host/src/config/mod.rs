//! The configuration: environment variables, read in one place, all faults told at once by name.

#[cfg(feature = "aws")]
mod aws;
#[cfg(feature = "azure")]
mod azure;
mod reader;
mod storage_kind;
mod tenants;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::HeaderValue;
use domain::{Region, Tenant};
use identity::{Bearer, Identity, Jwks, MIN_SECRET_BYTES, Secret, TokenKeys, Users};

pub use self::reader::{ConfigFault, ConfigFaults};
pub use self::storage_kind::StorageKind;

use self::reader::Reader;

/// The variables of storages that may be left out of this build, or not be the one that is meant: known all the same.
const OF_STORAGES: [&str; 3] = ["VOICEMAIL_AZURE", "VOICEMAIL_TABLE", "VOICEMAIL_BUCKETS"];

/// The longest time from Forget Me to gone, which the law's day allows.
const MAX_ERASE_AFTER: Duration = Duration::from_hours(24);

/// The longest pause between two sweeps at which every deadline is still met.
const MAX_SWEEP_EVERY: Duration = Duration::from_mins(10);

/// What the environment says.
pub struct Config {
    /// `VOICEMAIL_LISTEN`, default `127.0.0.1:8080`: where to answer; port 0 takes a free one.
    pub listen: SocketAddr,
    /// `VOICEMAIL_STORAGE`, `fs`, `aws` or `azure`, of those that are built in the first: where everything lies.
    pub storage: StorageKind,
    /// `VOICEMAIL_TABLE` and `VOICEMAIL_BUCKETS`, where the storage is `aws`: the `DynamoDB` table, and the bucket of each
    /// region, as JSON `{"eu-central-1":"bucket/folder",…}`.
    #[cfg(feature = "aws")]
    pub aws: Option<aws::Places>,
    /// `VOICEMAIL_AZURE`, where the storage is `azure`: the account of each region, those that tenants have left too.
    #[cfg(feature = "azure")]
    pub azure: Option<std::collections::BTreeMap<Region, storage::azure::Account>>,
    /// `VOICEMAIL_DATA`, default `./voicemail-data`: the folder of the file system storage.
    pub data: PathBuf,
    /// `VOICEMAIL_SETUP`, `auto` (default) or `never`: whether an empty folder is set up, or is a volume that is not
    /// mounted.
    pub set_up: bool,
    /// `VOICEMAIL_TENANTS`, a JSON file, or the JSON itself where there are no files: the tenants; default the demo
    /// tenant.
    pub tenants: Vec<Tenant>,
    /// `VOICEMAIL_REGION`: where this process runs; default each tenant's master.
    pub here: Option<Region>,
    /// Whether tenants and users are made up, as neither is configured.
    pub demo: bool,
    /// `VOICEMAIL_TOKEN_SECRET`: the HS256 secret of bearer tokens; made at the first start where neither it nor a key
    /// set is given.
    pub token_secret: Option<Secret>,
    /// `VOICEMAIL_TOKEN_JWKS`, an address or a file: the key set of the issuer of bearer tokens (RS256, ES256), in place
    /// of a secret; needs `VOICEMAIL_TOKEN_ISSUER`.
    pub token_jwks: Option<Jwks>,
    /// `VOICEMAIL_TOKEN_ISSUER`: what `iss` must be.
    pub token_issuer: Option<String>,
    /// `VOICEMAIL_TOKEN_AUDIENCE`: what `aud` must be or hold.
    pub token_audience: Option<String>,
    /// `VOICEMAIL_USERS`, a JSON file, or the JSON itself: the users with passwords; those of the demo in the demo.
    pub users: Option<Users>,
    /// `VOICEMAIL_SUBJECT_KEY`: the key of caller hashes; made at the first start where it is not given.
    pub subject_key: Option<Secret>,
    /// `VOICEMAIL_CERTIFICATE_KEY`: the Ed25519 key (PKCS#8 PEM) that signs certificates of erasure.
    pub certificate_key: Option<Secret>,
    /// `VOICEMAIL_ERASE_AFTER`, default and longest `24h`: from Forget Me to gone.
    pub erase_after: Duration,
    /// `VOICEMAIL_TRASH_WINDOW`, default `24h`: from a delete to the purge.
    pub trash_window: Duration,
    /// `VOICEMAIL_SWEEP_EVERY`, default `5m`, longest `10m`; `None` is `off`: something else calls the sweep.
    pub sweep_every: Option<Duration>,
    /// `VOICEMAIL_MAX_REQUESTS`, default 512: how many requests may be under way.
    pub max_requests: usize,
    /// `VOICEMAIL_ORIGINS`, separated by commas or spaces: the origins that CORS allows.
    pub origins: Vec<HeaderValue>,
}

impl Config {
    /// Reads the variables through `lookup`.
    ///
    /// # Errors
    /// Every fault, not only the first.
    pub fn from(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigFaults> {
        let mut vars = Reader::new(lookup);
        let demo = !vars.has("VOICEMAIL_TENANTS") && !vars.has("VOICEMAIL_USERS");
        let storage = vars.read("VOICEMAIL_STORAGE", StorageKind::DEFAULT, StorageKind::named);
        let config = Self {
            storage,
            #[cfg(feature = "aws")]
            aws: aws::Places::read(&mut vars, storage),
            #[cfg(feature = "azure")]
            azure: azure::accounts(&mut vars, storage),
            listen: vars.read("VOICEMAIL_LISTEN", SocketAddr::from(([127, 0, 0, 1], 8080)), listen),
            data: vars.read("VOICEMAIL_DATA", "./voicemail-data".into(), |text| Ok(text.into())),
            set_up: vars.read("VOICEMAIL_SETUP", true, set_up),
            tenants: vars.read("VOICEMAIL_TENANTS", vec![tenants::demo()], |given| {
                if is_json(given) { tenants::parse(given.as_bytes()) } else { tenants::read(given.as_ref()) }
            }),
            here: vars.read("VOICEMAIL_REGION", None, region),
            demo,
            token_secret: vars
                .secret(["VOICEMAIL_TOKEN_SECRET", "VOICEMAIL_TOKEN_SECRET_FILE"], MIN_SECRET_BYTES),
            token_jwks: vars.read("VOICEMAIL_TOKEN_JWKS", None, |place| Jwks::at(place).map(Some)),
            token_issuer: vars.read("VOICEMAIL_TOKEN_ISSUER", None, |text| Ok(Some(text.to_owned()))),
            token_audience: vars.read("VOICEMAIL_TOKEN_AUDIENCE", None, |text| Ok(Some(text.to_owned()))),
            users: vars.read("VOICEMAIL_USERS", None, |given| {
                if is_json(given) {
                    return Users::given(given).map(Some);
                }
                Users::file(given.as_ref()).map(Some).map_err(|fault| format!("{given}: {fault}"))
            }),
            subject_key: vars
                .secret(["VOICEMAIL_SUBJECT_KEY", "VOICEMAIL_SUBJECT_KEY_FILE"], MIN_SECRET_BYTES),
            certificate_key: vars.secret(["VOICEMAIL_CERTIFICATE_KEY", "VOICEMAIL_CERTIFICATE_KEY_FILE"], 1),
            erase_after: vars
                .read("VOICEMAIL_ERASE_AFTER", MAX_ERASE_AFTER, |text| up_to(MAX_ERASE_AFTER, text)),
            trash_window: vars.read("VOICEMAIL_TRASH_WINDOW", Duration::from_hours(24), duration),
            sweep_every: vars.read("VOICEMAIL_SWEEP_EVERY", Some(Duration::from_mins(5)), sweep_every),
            max_requests: vars.read("VOICEMAIL_MAX_REQUESTS", 512, max_requests),
            origins: vars.read("VOICEMAIL_ORIGINS", Vec::new(), origins),
        };
        config.check_together(&mut vars);
        vars.done(config)
    }

    /// Notes what is wrong between variables.
    fn check_together(&self, vars: &mut Reader<'_>) {
        #[cfg(feature = "aws")]
        if let Some(places) = &self.aws {
            vars.needs_each_region("VOICEMAIL_BUCKETS", "bucket", &places.buckets, &self.regions());
        }
        #[cfg(feature = "azure")]
        if let Some(accounts) = &self.azure {
            vars.needs_each_region("VOICEMAIL_AZURE", "account", accounts, &self.regions());
        }
        if vars.has("VOICEMAIL_TOKEN_JWKS") {
            if !vars.has("VOICEMAIL_TOKEN_ISSUER") {
                let detail = "is not set, and VOICEMAIL_TOKEN_JWKS needs it: an issuer may sign for many";
                vars.fault("VOICEMAIL_TOKEN_ISSUER", detail.to_owned());
            }
            if vars.has("VOICEMAIL_TOKEN_SECRET") || vars.has("VOICEMAIL_TOKEN_SECRET_FILE") {
                let detail = "and VOICEMAIL_TOKEN_SECRET are both set, and tokens are signed in one way; \
                              leave one of them unset";
                vars.fault("VOICEMAIL_TOKEN_JWKS", detail.to_owned());
            }
        }
        if self.demo && !self.listen.ip().is_loopback() {
            vars.fault(
                "VOICEMAIL_LISTEN",
                format!(
                    "{} can be reached from outside, and the demo's passwords are known to everybody; \
                     set VOICEMAIL_TENANTS and VOICEMAIL_USERS, or listen on 127.0.0.1",
                    self.listen
                ),
            );
        }
    }

    /// The variables among `names` that look like ours and are not known: typing errors, most likely.
    pub fn unknown(names: impl IntoIterator<Item = String>) -> Vec<String> {
        let known = RefCell::new(BTreeSet::from(OF_STORAGES.map(str::to_owned)));
        // Known is what is read.
        let _ = Self::from(&|name| {
            known.borrow_mut().insert(name.to_owned());
            None
        });
        let ours = |name: &String| name.starts_with("VOICEMAIL_") && !known.borrow().contains(name);
        names.into_iter().filter(ours).collect()
    }

    /// Every region of every tenant.
    pub fn regions(&self) -> BTreeSet<Region> {
        self.tenants.iter().flat_map(|tenant| tenant.regions.iter().cloned()).collect()
    }

    /// How people sign in: with tokens under `keys`, and with the passwords that are configured.
    ///
    /// # Errors
    /// The users of the demo cannot be made.
    pub fn identity(&mut self, keys: TokenKeys) -> Result<Identity, String> {
        let bearer = Bearer::new(keys, self.token_issuer.as_deref(), self.token_audience.as_deref());
        let users = if self.demo { Some(Users::demo()?) } else { self.users.take() };
        Ok(Identity::new(Some(bearer), users))
    }
}

/// Whether a value is the list itself, in place of the path of its file.
fn is_json(given: &str) -> bool {
    given.trim_start().starts_with('[')
}

fn listen(text: &str) -> Result<SocketAddr, String> {
    // The one name that needs no resolver.
    let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    let address = numeric.as_deref().unwrap_or(text).parse();
    address.map_err(|_| format!("{text:?} is no address and port, like 127.0.0.1:8080 or [::]:8080"))
}

fn set_up(text: &str) -> Result<bool, String> {
    match text {
        "auto" => Ok(true),
        "never" => Ok(false),
        _ => Err(format!("{text:?} is neither auto nor never")),
    }
}

fn region(text: &str) -> Result<Option<Region>, String> {
    text.parse().map(Some).map_err(|bad| format!("{text:?}: {bad}"))
}

/// A duration like `24h`, `90m`, `1h30m`, `500ms`; not zero.
fn duration(text: &str) -> Result<Duration, String> {
    let whole = || {
        let mut rest = text;
        let mut sum = Duration::ZERO;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit())?;
            let (count, unit) = rest.split_at_checked(digits)?;
            let end = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
            let (unit, next) = unit.split_at_checked(end)?;
            let millis: u64 = match unit {
                "ms" => 1,
                "s" => 1000,
                "m" => 60_000,
                "h" => 3_600_000,
                "d" => 86_400_000,
                _ => return None,
            };
            let part = Duration::from_millis(count.parse::<u64>().ok()?.checked_mul(millis)?);
            (sum, rest) = (sum.checked_add(part)?, next);
        }
        (!sum.is_zero()).then_some(sum)
    };
    whole().ok_or_else(|| format!("{text:?} is no duration, like 24h, 90m, 5m or 30s"))
}

fn up_to(longest: Duration, text: &str) -> Result<Duration, String> {
    let duration = duration(text)?;
    if duration <= longest {
        return Ok(duration);
    }
    Err(format!("{text} is too long; at most {}m", longest.as_secs() / 60))
}

fn sweep_every(text: &str) -> Result<Option<Duration>, String> {
    if text == "off" { Ok(None) } else { up_to(MAX_SWEEP_EVERY, text).map(Some) }
}

fn max_requests(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| (1..=100_000).contains(count));
    count.ok_or_else(|| format!("{text:?} is no number from 1 to 100000"))
}

fn origins(text: &str) -> Result<Vec<HeaderValue>, String> {
    let origin = |text: &str| {
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
        let is_host = !host.is_empty()
            && host.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-:[]".contains(&b));
        if is_host { HeaderValue::from_str(text).ok() } else { None }
    };
    let entries = text.split([',', ' ']).filter(|entry| !entry.is_empty());
    entries
        .map(|entry| {
            origin(entry).ok_or_else(|| format!("{entry:?} is no origin, like https://desk.example.com"))
        })
        .collect()
}
